import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { someTimedRules } from './support/random-rules.ts';
import { HOSTILE_RULES, measureGrowth, measureHeap } from './torture/hostile-history.ts';

/** More events and seeds: npm run torture:hostile. */
describe.each(Object.entries(HOSTILE_RULES))('%s', (name, rule) => {
  test('four times the events of one user cost about four times as much', () => {
    expect(measureGrowth(name, rule, 300, 1)).toEqual([]);
  });

  test('what is kept of an event is bounded', () => {
    expect(measureHeap(name, rule, 300, 1)).toEqual([]);
  });
});

/** Rules of every kind, drawn at random; the same ones each time, so that a failure is not a matter of luck. */
const drawn = fc.sample(someTimedRules, { seed: 12, numRuns: 5 });

test.each(drawn.map((rules, index) => [index, rules] as const))(
  'four times the events of one user cost about four times as much, under drawn rules %i',
  (index, rules) => {
    const found = measureGrowth(`drawn ${index}`, rules, 300, 1);
    // A short history costs little, and what it costs is not exact: the longer one decides.
    expect(found.length === 0 ? found : measureGrowth(`drawn ${index}`, rules, 1200, 1), JSON.stringify(rules)).toEqual(
      [],
    );
    expect(measureHeap(`drawn ${index}`, rules, 300, 1)).toEqual([]);
  },
);
