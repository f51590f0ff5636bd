import { describe, expect, test } from 'vitest';
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
