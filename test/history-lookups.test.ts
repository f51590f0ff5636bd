import { beforeEach, describe, expect, test } from 'vitest';
import { addEvent, newUserState } from '../src/rules/user-state.ts';
import { loadSpans } from '../src/store/facts/spans.ts';
import { useDatabase } from './support/database.ts';
import { loadHistory, storeEvent, storeManyEvents } from './support/stored-events.ts';
import { TENANT } from './support/tidings.ts';
import { NOW, uuidOf } from './support/waits.ts';

const database = useDatabase();

beforeEach(async () => {
  await database().pool.query('truncate events cascade');
});

describe('spans of events', () => {
  test('are loaded once with whole events, both ends included, and complete any trigger that waits for its pattern', async () => {
    for (const [n, at] of [0, 10, 20, 30].entries()) await storeEvent(database().pool, 'u', 'a', NOW + at, n);
    await storeEvent(database().pool, 'u', 'b', NOW + 10, 7);
    await storeEvent(database().pool, 'v', 'a', NOW + 10, 8);
    const user = newUserState('u');
    const users = new Map([
      ['u', user],
      ['v', newUserState('v')],
    ]);
    addEvent(user, 'a', { key: uuidOf(1), eventId: 'n1', time: NOW + 10 });
    const span = { userId: 'u', type: 'a', from: NOW + 10, to: NOW + 20 };
    const spans = [span, { ...span, from: NOW + 15 }, { ...span, userId: 'v', to: NOW + 11 }];
    await loadHistory(
      database().pool,
      users,
      ...spans.map(({ userId, ...one }) => ({ userId, need: { kind: 'span', ...one } as const })),
    );
    const known = [...(user.events.get('a') ?? [])].sort((a, b) => a.time - b.time);
    expect(known.map(({ eventId, waitsFor }) => [eventId, waitsFor?.size])).toEqual([
      ['n1', 0],
      ['n2', 0],
    ]);
    expect(known[0]?.event).toEqual({
      tenantId: TENANT,
      userId: 'u',
      eventId: 'n1',
      key: uuidOf(1),
      type: 'a',
      time: NOW + 10,
      properties: { n: 1 },
      traits: {},
    });
    expect(user.events.has('b')).toBe(false);
    expect(users.get('v')?.events.get('a')).toHaveLength(1);
  });

  test('are loaded up to 1000 events, the latest ones', async () => {
    await storeManyEvents(database().pool, NOW, 1100);
    const all = { userId: 'u', type: 'a', from: 0, to: Date.parse('9999-12-31T23:59:59.999Z') };
    const { events } = await loadSpans(database().pool, TENANT, [all]);
    const times = events.map(({ time }) => time);
    expect([times.length, Math.min(...times)]).toEqual([1000, NOW + 101_000]);
  });
});

describe('trait changes whose pattern was incomplete', () => {
  const change = { trait: 'plan', from: 'free', to: 'pro' };
  const pattern = { after: 'a', within: '1h', from: '', to: '' };
  const decision = (c: string, v: object, more: object = {}) => ({ r: 'R', o: 'not_matched', c, s: '', v, ...more });
  const all = { userId: 'u', from: NOW, to: NOW + 100 };

  test('are loaded as the decisions on their events say, without late parts and without those that fired', async () => {
    const count = { of: ['a'], needed: 'at least 2', window: '1h', counted: 1 };
    const open = decision('pattern_incomplete', { change, pattern });
    await storeEvent(database().pool, 'u', 'x', NOW - 1, 1, [open]);
    await storeEvent(database().pool, 'u', 'x', NOW, 2, [
      open,
      { ...open, t: 'OTHER' },
      decision('count_not_met', { change, count }, { r: 'S' }),
    ]);
    await storeEvent(database().pool, 'u', 'y', NOW + 10, 3, [
      decision('condition_false', { change, count }, { r: 'S' }),
    ]);
    await storeEvent(database().pool, 'u', 'x', NOW + 20, 4, [
      { ...decision('matched', { change, pattern }), o: 'send' },
    ]);
    await storeEvent(database().pool, 'u', 'x', NOW + 30, 5, [
      decision('pattern_incomplete', { change, pattern }, { e: ['n2', 'n5'] }),
    ]);
    await storeEvent(database().pool, 'u', 'x', NOW + 40, 6, [decision('pattern_incomplete', { pattern })]);
    await storeEvent(database().pool, 'u', 'x', NOW + 50, 7, [decision('condition_false', { change })]);
    await storeEvent(database().pool, 'v', 'x', NOW + 10, 8, [open]);
    await storeEvent(database().pool, 'u', 'x', NOW + 100, 9, [open]);
    const user = newUserState('u');
    const changes = (from: number) => ({ userId: 'u', need: { kind: 'changes', from, to: all.to } }) as const;
    await loadHistory(database().pool, new Map([['u', user]]), changes(all.from), changes(NOW + 5));
    const found = () => user.openTraitChanges?.map(({ rule, trigger, change: { to } }) => [rule, trigger.eventId, to]);
    const expected = [
      ['R', 'n2', 'pro'],
      ['S', 'n2', 'pro'],
      ['S', 'n3', 'pro'],
      ['R', 'n9', 'pro'],
    ];
    expect(found()).toEqual(expected);
    expect(user.openTraitChanges?.[2]?.trigger).toEqual({
      tenantId: TENANT,
      userId: 'u',
      eventId: 'n3',
      key: uuidOf(3),
      type: 'y',
      time: NOW + 10,
      properties: { n: 3 },
      traits: {},
    });
    await loadHistory(database().pool, new Map([['u', user]]), changes(all.from));
    expect(found()).toEqual(expected);
  });
});
