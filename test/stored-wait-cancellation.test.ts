import { describe, expect, test } from 'vitest';
import { cancelWaitsBy, reportTooLate } from '../src/rules/waits/cancel.ts';
import { contextOf, storedWait, triggerOf } from './support/decision-context.ts';
import { BASE, HOUR } from './support/random-catalog.ts';

const CANCELLED = { delay: { span: HOUR, text: '1h' }, cancelOn: ['b'] };

describe('a stored wait', () => {
  const twice = { on: ['a'], unless: { events: ['b'], atLeast: 2, within: HOUR, withinText: '1h' } };

  test.each([
    ['same', 'changed'],
    ['changed', 'changed'],
    ['new', 'new'],
  ] as const)('that is %s counts as %s after one of several events', (before, after) => {
    const wait = storedWait({ stored: before });
    cancelWaitsBy(contextOf([wait], twice), triggerOf('b'));
    expect(wait).toMatchObject({ status: 'waiting', stored: after, state: { seen: 1 } });
  });

  test('is not ended by its own trigger', () => {
    const wait = storedWait({ state: { trigger: triggerOf('b') } });
    cancelWaitsBy(contextOf([wait], { on: ['b'], cancelOn: ['b'] }), triggerOf('b'));
    expect(wait.status).toBe('waiting');
  });

  test('of an earlier catalog is cancelled by that catalog', () => {
    const wait = storedWait({});
    const context = contextOf([wait], CANCELLED, { ...CANCELLED, cancelOn: [] });
    cancelWaitsBy(context, triggerOf('b'));
    expect(wait.status).toBe('cancelled');
  });

  test('that has fired is reported only if the event has its key in the active catalog, too', () => {
    const fired = () =>
      storedWait({ key: 'x', status: 'fired', endedAt: BASE, state: { trigger: triggerOf('a'), fired: true } });
    const late = triggerOf('b', { k: 'x', j: 'y' });
    const byK = { ...CANCELLED, key: 'event.k' };
    const same = contextOf([fired()], byK, byK);
    reportTooLate(same, late);
    expect(same.decisions).toMatchObject([{ reason_code: 'too_late' }]);
    const changed = contextOf([fired()], byK, { ...byK, key: 'event.j' });
    reportTooLate(changed, late);
    expect(changed.decisions).toEqual([]);
  });

  test('of a rule that was removed is left alone', () => {
    const wait = storedWait({ rule: 'GONE' });
    const context = contextOf([wait], CANCELLED);
    cancelWaitsBy(context, triggerOf('b'));
    expect([wait.status, context.decisions]).toEqual(['waiting', []]);
  });
});
