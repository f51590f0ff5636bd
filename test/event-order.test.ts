import { expect, test } from 'vitest';
import { compareByTime, isBefore } from '../src/rules/event-order.ts';

test.each([
  [1, 'x', 2, 'a', true],
  [2, 'a', 1, 'x', false],
  [1, 'a', 1, 'b', true],
  [1, 'b', 1, 'a', false],
  [1, 'a', 1, 'a', false],
])('an event at %i (key %s) is before one at %i (key %s): %s', (time, key, otherTime, otherKey, before) => {
  const [one, other] = [eventOf(time, key), eventOf(otherTime, otherKey)];
  expect(isBefore(one, other)).toBe(before);
  if (key !== otherKey) expect(compareByTime(one, other) < 0).toBe(before);
});

function eventOf(time: number, key: string) {
  return { eventId: key, key, type: 'a', time, properties: {}, traits: {} };
}
