import { expect, test } from 'vitest';
import { LeaseClock } from '../src/delivery/lease-clock.ts';

function start() {
  let now = 0;
  const leases = new LeaseClock(1000, () => now);
  const pass = (ms: number) => {
    now += ms;
  };
  return { leases, pass };
}

test('a lease is good for nine tenths of its duration, counted from when it was asked for', () => {
  const { leases, pass } = start();
  expect(leases.isGood('a')).toBe(false);
  const askedAt = leases.read();
  pass(300);
  leases.extend('a', askedAt);
  pass(599);
  expect(leases.isGood('a')).toBe(true);
  pass(1);
  expect([leases.isGood('a'), leases.hasLapsed('a')]).toEqual([false, true]);
});

test('a renewal extends it', () => {
  const { leases, pass } = start();
  leases.extend('a', leases.read());
  pass(800);
  leases.extend('a', leases.read());
  pass(800);
  expect(leases.isGood('a')).toBe(true);
});

test('a renewal that was asked for in time but confirmed too late does not bring a lapsed lease back', () => {
  const { leases, pass } = start();
  leases.extend('a', leases.read());
  pass(800);
  const askedAt = leases.read();
  pass(200);
  leases.extend('a', askedAt);
  expect(leases.isGood('a')).toBe(false);
  leases.extend('a', leases.read());
  expect(leases.isGood('a')).toBe(false);
});

test('a lapsed name is used again only after the last delivery under it is released', () => {
  const { leases, pass } = start();
  leases.extend('a', leases.read());
  pass(1000);
  leases.forgetUnused(['a']);
  expect(leases.hasLapsed('a')).toBe(true);
  leases.forgetUnused([]);
  expect(leases.hasLapsed('a')).toBe(false);
  leases.extend('a', leases.read());
  expect(leases.isGood('a')).toBe(true);
});
