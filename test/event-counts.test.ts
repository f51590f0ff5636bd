import { describe, expect, test } from 'vitest';
import type { Count, Rule } from '../src/model/catalog.ts';
import { BASE } from './support/random-catalog.ts';
import { type StoryEvent, tellStory } from './support/simulation.ts';

/** Counts of earlier events: the bounds of their windows, and the events that count. */

type Counting = Partial<Count> & Pick<Count, 'window'>;

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
    // Noon in UTC is nine in the evening there.
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
  ] as const)('since an event starts at the latest one: %j', (events, counted, window) => {
    expect(countOf({ window: SINCE }, ...(events as readonly StoryEvent[]))).toEqual([counted, window]);
  });

  test('since an event that is not known is never met', () => {
    const count = { of: ['b'], how: 'at_most', n: 9, window: SINCE } as const;
    expect(tellStory({ ...RULE, count }).post(0, ['a', 0])).toEqual(['R count_not_met']);
  });

  test.each([
    ['at_least', [false, false, true, true]],
    ['at_most', [true, true, true, false]],
    ['exactly', [false, false, true, false]],
  ] as const)('of %s 2 is met by no, one, two and three events: %j', (how, met) => {
    const found = met.map((_, many) => {
      const story = tellStory({ ...RULE, count: { of: ['b'], how, n: 2, window: ROLLING } });
      story.post(0, ...Array.from({ length: many }, (): StoryEvent => ['b', 0]));
      return story.post(0, ['a', 0])[0] === 'R matched';
    });
    expect(found).toEqual(met);
  });

  test('of its own triggers includes the one that is evaluated', () => {
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

  test('is evaluated again when an event becomes known late', () => {
    const count = { of: ['b'], how: 'at_least', n: 1, window: ROLLING } as const;
    const story = tellStory({ ...RULE, count });
    expect(story.post(0, ['a', 0])).toEqual(['R count_not_met']);
    expect(story.post(0, ['b', 1])).toEqual([]);
    expect(story.post(0, ['b', 0])).toEqual(['R matched']);
  });
});

/** Returns how many events count for a trigger at noon, and the name of the window. Times are relative to the trigger. */
function countOf(count: Counting, ...known: StoryEvent[]): [number, string] {
  const story = tellStory({ ...RULE, count: { of: ['b'], how: 'at_least', n: 1, ...count } });
  const [step] = postAtNoon(story, {}, known);
  const { counted, window } = step!.decisions[0]!.evidence.count!;
  return [counted, window];
}

function countIn(
  rule: Partial<Rule>,
  count: Counting,
  properties: NonNullable<StoryEvent[2]>,
  ...known: StoryEvent[]
): number {
  const story = tellStory({ ...RULE, ...rule, count: { of: ['b'], how: 'at_least', n: 1, ...count } });
  const [step] = postAtNoon(story, properties, known);
  return step!.decisions[0]!.evidence.count!.counted;
}

function postAtNoon(
  story: ReturnType<typeof tellStory>,
  properties: NonNullable<StoryEvent[2]>,
  known: readonly StoryEvent[],
) {
  const noon = Date.parse('2025-10-26T12:00:00Z') - BASE;
  story.post(noon, ...known.map(([type, after, ...rest]): StoryEvent => [type, noon + after, ...rest]));
  return story.steps(noon, ['a', noon, properties]);
}
