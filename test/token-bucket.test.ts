import { expect, test } from 'vitest';
import { TokenBucket } from '../src/lib/concurrency/token-bucket.ts';

test('holds one second of tokens at first, and never more', () => {
  const bucket = new TokenBucket(10, 0);
  expect(bucket.level(0)).toBe(10);
  expect(bucket.level(60_000)).toBe(10);
});

test('refills with the rate, in whole tokens', () => {
  const bucket = new TokenBucket(10, 0);
  bucket.take(10, 0);
  expect([0, 99, 100, 250, 999, 1000].map((now) => bucket.level(now))).toEqual([0, 0, 1, 2, 9, 10]);
});

test('refills before it takes', () => {
  const bucket = new TokenBucket(10, 0);
  bucket.take(10, 0);
  bucket.take(10, 1000);
  expect(bucket.level(1000)).toBe(0);
});

test('grants no tokens before a debt is paid', () => {
  const bucket = new TokenBucket(10, 0);
  bucket.take(25, 0);
  expect(bucket.level(0)).toBe(0);
  expect(bucket.wait(1, 0)).toBe(1600);
  expect(bucket.level(1500)).toBe(0);
  expect(bucket.level(1600)).toBe(1);
});

test.each([
  [1, 100],
  [5, 500],
  [10, 1000],
  [50, 1000],
])('returns the wait for %i tokens, at most a second for an empty bucket', (n, wait) => {
  const bucket = new TokenBucket(10, 0);
  bucket.take(10, 0);
  expect(bucket.wait(n, 0)).toBe(wait);
});

test('returns no wait for available tokens', () => {
  const bucket = new TokenBucket(10, 0);
  expect(bucket.wait(10, 0)).toBe(0);
  expect(bucket.wait(50, 0)).toBe(0);
  bucket.take(10, 0);
  expect(bucket.wait(5, 750)).toBe(0);
});

test('rounds a wait up', () => {
  const bucket = new TokenBucket(3, 0);
  bucket.take(3, 0);
  expect(bucket.wait(1, 0)).toBe(334);
});

test('does not change if the clock goes back', () => {
  const bucket = new TokenBucket(10, 1000);
  bucket.take(5, 1000);
  expect(bucket.level(0)).toBe(5);
  expect(bucket.level(100)).toBe(6);
});

test('gives one second of tokens at once, then the rate, and pays a debt first', () => {
  const bucket = new TokenBucket(10, 0);
  expect([bucket.level(0), bucket.wait(10, 0)]).toEqual([10, 0]);
  bucket.take(10, 0);
  expect([bucket.level(0), bucket.wait(1, 0), bucket.wait(5, 0)]).toEqual([0, 100, 500]);
  expect([bucket.level(250), bucket.level(1_000_000)]).toEqual([2, 10]);
  bucket.take(25, 1_000_000);
  expect([bucket.level(1_000_000), bucket.wait(1, 1_000_000)]).toEqual([0, 1600]);
  expect(bucket.wait(50, 1_002_500)).toBe(0);
  // A clock that goes back adds no tokens.
  bucket.take(10, 1_002_500);
  expect(bucket.level(0)).toBe(0);
});
