import { expect, test } from 'vitest';
import { CircuitBreaker } from '../src/lib/concurrency/circuit-breaker.ts';

const failing = (times: number) => {
  const breaker = new CircuitBreaker();
  for (let i = 0; i < times; i++) breaker.failed(0);
  return breaker;
};

test('opens after 20 failures in a row for 2 s, then allows one trial', () => {
  expect(failing(19).state(0)).toBe('closed');
  const breaker = failing(20);
  expect(breaker.state(0)).toBe('open');
  expect(breaker.state(1999)).toBe('open');
  expect(breaker.state(2000)).toBe('half_open');
  expect(breaker.openUntil).toBe(2000);
});

test('a success restarts the count of failures', () => {
  const breaker = failing(19);
  breaker.succeeded();
  for (let i = 0; i < 19; i++) breaker.failed(0);
  expect(breaker.state(0)).toBe('closed');
});

test('a failed trial doubles the pause, up to a minute; failures of earlier sends do not count', () => {
  const breaker = failing(20);
  breaker.failed(1000);
  expect(breaker.openUntil).toBe(2000);
  const pauses: number[] = [];
  for (let i = 0; i < 7; i++) {
    const now = breaker.openUntil;
    breaker.failed(now);
    pauses.push(breaker.openUntil - now);
  }
  expect(pauses).toEqual([4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test('a successful trial closes it, and the next pause is short again', () => {
  const breaker = failing(20);
  breaker.failed(2000);
  breaker.succeeded();
  expect(breaker.state(0)).toBe('closed');
  for (let i = 0; i < 20; i++) breaker.failed(9000);
  expect(breaker.openUntil).toBe(11_000);
});
