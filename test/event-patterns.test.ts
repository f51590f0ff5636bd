import { describe, expect, test } from 'vitest';
import type { Count, Rule } from '../src/model/catalog.ts';
import type { JsonObject } from '../src/model/event.ts';
import { compareByTime, isBefore } from '../src/rules/event-order.ts';
import { addEvent, newUserState } from '../src/rules/facts.ts';
import { findOpenTriggers } from '../src/rules/patterns/match-pattern.ts';
import { isAbout } from '../src/rules/triggers.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { BASE, plainRule, rulesOf } from './support/random-catalog.ts';
import { type StoryEvent, tellStory } from './support/simulation.ts';

/** Patterns over earlier events: the bounds of their windows, what counts, and which rule and key it counts for. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RULE = { name: 'R', on: ['a'] };
const ROLLING = { kind: 'rolling', span: HOUR, text: '1h' } as const;
const UTC_DAY = { kind: 'day', zone: 'UTC', text: 'day' } as const;
const SINCE = { kind: 'since', event: 'c', text: 'since c' } as const;

describe('a count', () => {
  test.each([
    [-HOUR - 1, 0],
    [-HOUR, 1],
    [0, 1],
    [1, 0],
  ])('in a rolling window includes an event %i ms from the trigger: %i', (after, counted) => {
    expect(countOf({ window: ROLLING }, ['b', after])).toEqual([counted, 'the 1h up to 2025-10-26T12:00:00.000Z']);
  });

  test.each([
    [-12 * HOUR - 1, 0],
    [-12 * HOUR, 1],
    [0, 1],
    [1, 0],
  ])('of a day includes an event %i ms from the trigger at noon: %i', (after, counted) => {
    expect(countOf({ window: UTC_DAY }, ['b', after])).toEqual([counted, '2025-10-26 (UTC)']);
  });

  test("of a day goes by the user's own zone", () => {
    const window = { kind: 'day', zone: 'user', text: 'day' } as const;
    const known: StoryEvent = ['d', -DAY, {}, { time_zone: 'Asia/Tokyo' }];
    // Noon of UTC is nine in the evening there.
    expect(countOf({ window }, known, ['b', -13 * HOUR])).toEqual([1, '2025-10-26 (Asia/Tokyo)']);
    expect(countOf({ window }, ['b', -13 * HOUR])).toEqual([0, '2025-10-26 (UTC)']);
  });

  test.each([
    [[['b', -9]], 0, 'since c'],
    [
      [
        ['c', 1],
        ['b', -9],
      ],
      0,
      'since c',
    ],
    [
      [
        ['c', -10],
        ['b', -11],
      ],
      0,
      'since c of 2025-10-26T11:59:59.990Z',
    ],
    [
      [
        ['c', -10],
        ['b', -10],
      ],
      1,
      'since c of 2025-10-26T11:59:59.990Z',
    ],
    [
      [
        ['c', -10],
        ['b', 0],
      ],
      1,
      'since c of 2025-10-26T11:59:59.990Z',
    ],
    [
      [
        ['c', -10],
        ['b', -9],
        ['c', -5],
      ],
      0,
      'since c of 2025-10-26T11:59:59.995Z',
    ],
    [
      [
        ['c', 0],
        ['b', 0],
      ],
      1,
      'since c of 2025-10-26T12:00:00.000Z',
    ],
  ] as const)('since an event begins with the latest one: %j', (events, counted, window) => {
    expect(countOf({ window: SINCE }, ...(events as readonly StoryEvent[]))).toEqual([counted, window]);
  });

  test('since an event that is not known is never enough', () => {
    const count = { of: ['b'], how: 'at_most', n: 9, window: SINCE } as const;
    expect(tellStory({ ...RULE, count }).post(0, ['a', 0])).toEqual(['R count_not_met']);
  });

  test.each([
    ['at_least', [false, false, true, true]],
    ['at_most', [true, true, true, false]],
    ['exactly', [false, false, true, false]],
  ] as const)('of %s 2 is met by none, one, two, three: %j', (how, met) => {
    const found = met.map((_, many) => {
      const story = tellStory({ ...RULE, count: { of: ['b'], how, n: 2, window: ROLLING } });
      story.post(0, ...Array.from({ length: many }, (): StoryEvent => ['b', 0]));
      return story.post(0, ['a', 0])[0] === 'R matched';
    });
    expect(found).toEqual(met);
  });

  test('of its own triggers includes the one that is judged', () => {
    const count = { of: ['a'], how: 'at_least', n: 2, window: ROLLING } as const;
    const story = tellStory({ ...RULE, count });
    expect(story.post(0, ['a', 0])).toEqual(['R count_not_met']);
    expect(story.post(1, ['a', 1])).toEqual(['R matched']);
  });

  test('of several types adds them up', () => {
    expect(countOf({ of: ['b', 'c'], window: ROLLING }, ['b', 0], ['c', 0], ['d', 0])[0]).toBe(2);
  });

  test('includes events of its own key only', () => {
    const known: StoryEvent[] = [
      ['b', 0, { k: 'x' }],
      ['b', 0, { k: 'y' }],
      ['b', 0],
    ];
    expect(countIn({ key: 'event.k' }, { window: ROLLING }, { k: 'x' }, ...known)).toBe(1);
  });

  test('includes events with the same value only', () => {
    const known: StoryEvent[] = [
      ['b', 0, { n: 1 }],
      ['b', 0, { n: 2 }],
      ['b', 0],
    ];
    expect(countIn({}, { window: ROLLING, same: 'event.n' }, { n: 1 }, ...known)).toBe(1);
  });

  test('goes on with an event that becomes known late', () => {
    const count = { of: ['b'], how: 'at_least', n: 1, window: ROLLING } as const;
    const story = tellStory({ ...RULE, count });
    expect(story.post(0, ['a', 0])).toEqual(['R count_not_met']);
    expect(story.post(0, ['b', 1])).toEqual([]);
    expect(story.post(0, ['b', 0])).toEqual(['R matched']);
  });
});

describe('a step before the trigger', () => {
  const after = [{ event: 'b', within: HOUR, withinText: '1h', same: 'event.n' }];

  test.each([
    [-HOUR - 1, false],
    [-HOUR, true],
    [0, true],
    [1, false],
  ])('may be %i ms from it, both ends of the window included: %s', (distance, found) => {
    const story = tellStory({ ...RULE, after });
    story.post(0, ['b', distance, { n: 1 }]);
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual([found ? 'R matched' : 'R pattern_incomplete']);
  });

  test.each([
    [-HOUR - 1, false],
    [-HOUR, true],
    [0, true],
    [1, false],
  ])('may become known late, %i ms from it: %s', (distance, found) => {
    const story = tellStory({ ...RULE, after });
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual(['R pattern_incomplete']);
    expect(story.post(0, ['b', distance, { n: 1 }])).toEqual(found ? ['R matched'] : []);
  });

  test('is found though another one came after the trigger', () => {
    const story = tellStory({ ...RULE, after });
    story.post(1, ['b', -1, { n: 1 }], ['b', 1, { n: 1 }]);
    expect(story.post(1, ['a', 0, { n: 1 }])).toEqual(['R matched']);
  });

  test('that becomes known late completes the triggers after it in order of their time', () => {
    const story = tellStory({ ...RULE, after });
    story.post(2, ['a', 2, { n: 1 }]);
    story.post(2, ['a', 1, { n: 1 }]);
    const [step] = story.steps(2, ['b', 0, { n: 1 }]);
    expect(step!.decisions.map(({ event_ids }) => event_ids)).toEqual([
      ['event 2', 'event 3'],
      ['event 1', 'event 3'],
    ]);
  });

  test('does not complete a trigger that has no key', () => {
    const story = tellStory({ ...RULE, after, key: 'event.k' });
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual(['R key_missing']);
    expect(story.post(0, ['b', 0, { n: 1 }])).toEqual([]);
  });

  test('is not the trigger itself', () => {
    const event = { ...eventOf(0, 'k'), tenantId: '', userId: 'u', type: 'a' };
    const user = newUserState('u');
    addEvent(user, 'a', { ...event, event });
    const rules = rulesOf([plainRule({ ...RULE, after })]);
    const open = (key: string) => findOpenTriggers(rules, user, { ...event, type: 'b', key }, countingIds());
    expect(open('other').map(({ trigger }) => trigger)).toEqual([event]);
    expect(open('k')).toEqual([]);
  });

  test('and its count are both needed', () => {
    const count = { of: ['c'], how: 'at_least', n: 1, window: ROLLING } as const;
    const story = tellStory({ ...RULE, after, count });
    story.post(0, ['b', 0, { n: 1 }]);
    expect(story.post(0, ['a', 0, { n: 1 }])).toEqual(['R count_not_met']);
    story.post(1, ['c', 1]);
    expect(story.post(1, ['a', 1, { n: 1 }])).toEqual(['R matched']);
    expect(story.post(1, ['a', 1, { n: 2 }])).toEqual(['R pattern_incomplete']);
  });
});

describe('a rule about some notification types', () => {
  const rule = plainRule({ ...RULE, on: ['notification.failed'], about: ['N'] });
  const event = (type: string, notification_type: string) => ({ type, properties: { notification_type } });

  test.each([
    [rule, event('notification.failed', 'N'), true],
    [rule, event('notification.failed', 'M'), false],
    [rule, { type: 'notification.failed', properties: {} }, false],
    [rule, event('other', 'M'), true],
    [plainRule(RULE), event('notification.failed', 'M'), true],
  ])('%# accepts an event: %s', (one, given, accepted) => {
    expect(isAbout(one, given)).toBe(accepted);
  });

  test('counts those only, if it counts its triggers', () => {
    const failed = (n: number, notification_type: string): StoryEvent => [
      'notification.failed',
      n,
      { notification_type },
    ];
    const count = { of: ['notification.failed'], how: 'at_least', n: 2, window: ROLLING } as const;
    const story = tellStory({ ...rule, count });
    expect(story.post(3, failed(1, 'M'), failed(2, 'N'))).toEqual(['R count_not_met']);
    expect(story.post(3, failed(3, 'N'))).toEqual(['R matched']);
  });

  test.each([
    [['notification.failed'], ['notification.failed', 'b']],
    [['notification.failed', 'b'], ['notification.failed']],
    [
      ['notification.failed', 'b'],
      ['notification.failed', 'c'],
    ],
  ])('and on %j counts all of %j, as it says what is counted', (on, of) => {
    const story = tellStory({ ...rule, on, count: { of, how: 'at_least', n: 2, window: ROLLING } });
    story.post(3, ['notification.failed', 1, { notification_type: 'M' }]);
    expect(story.post(3, ['notification.failed', 2, { notification_type: 'N' }])).toEqual(['R matched']);
  });
});

test.each([
  [1, 'x', 2, 'a', true],
  [2, 'a', 1, 'x', false],
  [1, 'a', 1, 'b', true],
  [1, 'b', 1, 'a', false],
  [1, 'a', 1, 'a', false],
])('an event at %i (key %s) comes before one at %i (key %s): %s', (time, key, otherTime, otherKey, before) => {
  const [one, other] = [eventOf(time, key), eventOf(otherTime, otherKey)];
  expect(isBefore(one, other)).toBe(before);
  if (key !== otherKey) expect(compareByTime(one, other) < 0).toBe(before);
});

function eventOf(time: number, key: string) {
  return { eventId: key, key, type: 'a', time, properties: {}, traits: {} };
}

/** Returns how many events count for a trigger at noon, and the name of the window. Times are relative to the trigger. */
function countOf(count: Partial<Count> & Pick<Count, 'window'>, ...known: StoryEvent[]): [number, string] {
  const story = tellStory({ ...RULE, count: { of: ['b'], how: 'at_least', n: 1, ...count } });
  const [step] = postAtNoon(story, {}, known);
  const { counted, window } = step!.decisions[0]!.evidence.count!;
  return [counted, window];
}

function countIn(
  rule: Partial<Rule>,
  count: Partial<Count> & Pick<Count, 'window'>,
  properties: JsonObject,
  ...known: StoryEvent[]
): number {
  const story = tellStory({ ...RULE, ...rule, count: { of: ['b'], how: 'at_least', n: 1, ...count } });
  const [step] = postAtNoon(story, properties, known);
  return step!.decisions[0]!.evidence.count!.counted;
}

function postAtNoon(story: ReturnType<typeof tellStory>, properties: JsonObject, known: readonly StoryEvent[]) {
  const noon = Date.parse('2025-10-26T12:00:00Z') - BASE;
  story.post(noon, ...known.map(([type, after, ...rest]): StoryEvent => [type, noon + after, ...rest]));
  return story.steps(noon, ['a', noon, properties]);
}
