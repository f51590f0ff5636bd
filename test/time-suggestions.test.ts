import { describe, expect, test } from 'vitest';
import { parseAt } from '../src/catalog/parse/rules/at-expression.ts';
import { parseRecurrence } from '../src/catalog/parse/rules/recurrence-expression.ts';

/** A point in time that is almost right is answered with what is right, and that is accepted. */

describe('at', () => {
  test.each([
    ['event.due_at - 1d 18', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1d 9', 'event.due_at - 1d 09:00'],
    ['event.due_at 18', 'event.due_at 18:00'],
    ['user.due_at + 1d at 18', 'user.due_at + 1d 18:00'],
    ['event.due_at - 1d 18:5', 'event.due_at - 1d 18:05'],
    ['event.due_at - 1d 1800', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1d 18h', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1d 18:00:00', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1d, 18:00', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1d18:00', 'event.due_at - 1d 18:00'],
    ['event.due_at -1d 18', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1day 18', 'event.due_at - 1d 18:00'],
    ['event.due_at - 1d noon', 'event.due_at - 1d 12:00'],
    ['event.due_at - 1d evening', 'event.due_at - 1d 09:00'],
    ['event.due_at minus 1d 18:00', 'event.due_at - 1d 18:00'],
    ['1d before event.due_at 18', 'event.due_at - 1d 18:00'],
    ['event.due_at - 18:00', 'event.due_at 18:00'],
    ['event.due_at -', 'event.due_at - 1d'],
    ['matched["trip"].ends_at - 1d 18', 'matched["trip"].ends_at - 1d 18:00'],
    ['18', '18:00'],
    ['monday 18', 'monday 18:00'],
  ])('%s', (written, right) => {
    expect(parseAt(written)).toMatchObject({ hint: `write ${right}` });
    expect(parseAt(right)).toHaveProperty('at');
  });

  test.each(['event.a - event.b', 'event.n % 10', 'event["x 18"]', 'event.due_at - 1d 18:00'])(
    'accepts %s',
    (written) => {
      expect(parseAt(written)).toHaveProperty('at');
    },
  );
});

describe('every', () => {
  test.each([
    ['monday 18', 'monday 18:00'],
    ['day at 9', 'day 09:00'],
    ['month on 1 at 18', 'month on 1 at 18:00'],
    ['month on last 8', 'month on last at 08:00'],
  ])('%s', (written, right) => {
    expect(parseRecurrence(written)).toMatchObject({ hint: `write ${right}` });
    expect(parseRecurrence(right)).toHaveProperty('recurrence');
  });
});
