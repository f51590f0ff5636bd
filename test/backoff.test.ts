import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryDelay } from '../src/delivery/backoff.ts';

test.each([
  [1, 2000],
  [2, 4000],
  [3, 8000],
  [10, 1_024_000],
  [11, 2_048_000],
  [12, 3_600_000],
  [1000, 3_600_000],
])('waits after attempt %i for up to %i ms', (attempt, ceiling) => {
  expect(retryDelay(attempt, 0)).toBe(0);
  expect(retryDelay(attempt, 0.5)).toBe(ceiling / 2);
  expect(retryDelay(attempt, 0.999_999_999)).toBe(ceiling);
});

test('waits at least as long as the provider asks for, and never shorter', () => {
  const attempt = fc.integer({ min: 1, max: 100 });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(attempt, random, fc.nat(10_000_000), (n, r, after) => {
      expect(retryDelay(n, r, after)).toBe(Math.max(after, retryDelay(n, r)));
    }),
  );
});
