import { expect, test } from 'vitest';
import { HOSTILE_RULES, measureGrowth } from './torture/hostile-history.ts';

/** Counts whose events are all of one time, or whose threshold is far away: more events cost in proportion. */

test.each([
  'count that is not reached',
  'large count',
  'count since its own trigger',
  'count since an event with same',
])('four times a thousand events cost about four times as much: %s', (name) => {
  expect(measureGrowth(name, HOSTILE_RULES[name] ?? {}, 1000, 1)).toEqual([]);
});
