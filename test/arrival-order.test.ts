import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arrivalScenario, countSends, expectedSends, plainEvent, totalOf } from './support/arrival-oracle.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY, HOUR, NOW, plainRule, SECOND } from './support/random-catalog.ts';
import { eventOfGiven, memoryOf } from './support/simulation.ts';

describe('the expected sends', () => {
  test.each<[string, number, number]>([
    ['at the same moment', BASE, 1],
    ['exactly 24 hours after', BASE + DAY, 1],
    ['1 ms more than 24 hours after', BASE + DAY + 1, 0],
    ['1 s more than 24 hours after', BASE + DAY + SECOND, 0],
    ['1 ms before', BASE - 1, 0],
  ])('with B %s A are %i', (_name, time, count) => {
    const rule = plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: DAY, withinText: '24h' }] });
    const events = [plainEvent('a', BASE), plainEvent('b', time)];
    for (const requests of [[[0, 1]], [[1, 0]], [[0], [1]], [[1], [0]]]) {
      const sends = inMemory([rule], events, requests);
      expect(sends).toEqual(expectedSends([rule], events));
      expect(totalOf(sends)).toBe(count);
    }
  });

  test('accept any A, not only the latest', () => {
    const rule = plainRule({ name: 'R0', on: ['b'], after: [{ event: 'a', within: HOUR, withinText: '1h' }] });
    // The latest A is after B; the one before it counts.
    const events = [plainEvent('a', BASE), plainEvent('a', BASE + 2 * HOUR), plainEvent('b', BASE + HOUR)];
    for (const requests of [[[0, 1, 2]], [[0], [1], [2]], [[2], [1], [0]], [[1], [2], [0]], [[2, 0], [1]]]) {
      expect(totalOf(inMemory([rule], events, requests))).toBe(1);
    }
  });

  test('count a late event on the day it happened', () => {
    const rule = plainRule({
      name: 'R0',
      on: ['a'],
      limits: [{ max: 1, period: { kind: 'day', zone: 'UTC' }, text: '1 per day' }],
    });
    const events = [
      plainEvent('a', BASE + DAY),
      plainEvent('a', BASE + DAY - 1),
      plainEvent('a', BASE),
      plainEvent('a', BASE - 1),
    ];
    for (const requests of [[[0, 1, 2, 3]], [[3], [2], [1], [0]], [[0], [1], [2], [3]]]) {
      expect(inMemory([rule], events, requests)).toEqual(
        new Map([
          ['0 R0 N1 2025-10-25', 1],
          ['0 R0 N1 2025-10-26', 1],
          ['0 R0 N1 2025-10-27', 1],
        ]),
      );
    }
  });
});

test('any order and any split of events into requests give the expected sends', () => {
  fc.assert(
    fc.property(arrivalScenario(10), ([rules, events, requests]) => {
      const want = expectedSends(rules, events);
      expect(inMemory(rules, events, [events.map((_, index) => index)])).toEqual(want);
      expect(inMemory(rules, events, requests)).toEqual(want);
    }),
    runs(2000),
  );
});

type Rules = Parameters<typeof expectedSends>[0];
type Events = Parameters<typeof expectedSends>[1];

function inMemory(rules: Rules, given: Events, requests: readonly number[][]) {
  const memory = memoryOf(rules);
  const events = given.map((one, place) => eventOfGiven(one, place));
  const sent = requests
    .flatMap((places) =>
      memory.ingest(
        places.map((place) => events[place]!),
        NOW,
      ),
    )
    .flatMap(({ userId, sends }) =>
      sends.map(({ decision, trigger }) => ({
        user: userId,
        rule: decision.rule,
        type: decision.notification_type,
        time: trigger.time,
      })),
    );
  return countSends(rules, sent);
}
