import { expect, test } from 'vitest';
import { LeaseClock } from '../src/delivery/lease-clock.ts';
import { suspendClock } from '../src/lib/suspend-clock.ts';

/** A machine of which each clock is moved on its own. */
function machine() {
  const at = { elapsed: 5000, wall: 1_700_000_000_000, uptime: 90_000 };
  const clock = suspendClock({ elapsed: () => at.elapsed, wall: () => at.wall, uptime: () => at.uptime });
  const run = (ms: number) => {
    at.elapsed += ms;
    at.wall += ms;
    at.uptime += ms;
  };
  const suspend = (ms: number) => {
    at.wall += ms;
    at.uptime += ms;
  };
  return { at, clock, run, suspend };
}

test('a lease lapses while the machine is suspended, as it does for the database', () => {
  const { clock, run, suspend } = machine();
  const leases = new LeaseClock(30_000, clock);
  leases.extend('a', leases.read());
  run(1000);
  expect(leases.isGood('a')).toBe(true);
  suspend(60_000);
  expect([leases.isGood('a'), leases.hasLapsed('a')]).toEqual([false, true]);
});

test('a wall clock that is set moves it neither forward nor back, and hides no suspension for long', () => {
  const { at, clock, run } = machine();
  const start = clock();
  at.wall += 3_600_000;
  expect(clock()).toBe(start);
  at.wall -= 7_200_000;
  expect(clock()).toBe(start);
  // Suspended for a minute, after which the wall clock was set to the time before.
  at.uptime += 60_000;
  run(100);
  expect(clock()).toBe(start + 60_100);
});

test('an uptime in whole seconds is no suspension', () => {
  const { at, clock, run } = machine();
  const start = clock();
  for (let ms = 0; ms < 5000; ms += 100) {
    run(100);
    at.uptime = Math.ceil(at.uptime / 1000) * 1000;
    expect(clock() - start).toBe(ms + 100);
    at.uptime = 90_000 + ms + 100;
  }
});

test('the clock of this machine goes forward', () => {
  const clock = suspendClock();
  const first = clock();
  expect(clock()).toBeGreaterThanOrEqual(first);
  expect(Math.abs(clock() - performance.now())).toBeLessThan(1000);
});
