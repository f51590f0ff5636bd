import { expect, test } from 'vitest';
import type { CheckResult, HealthCheck } from '../src/health/check.ts';
import { Health } from '../src/health/health.ts';

/** Probes may come every second, and a part that hangs must not hang them. */

const NOW = Date.parse('2025-11-20T12:00:00Z');

function setUp(run: HealthCheck['run'], whenUnknown: HealthCheck['whenUnknown'] = 'failing', maxAge = 1000) {
  const time = { now: 0 };
  const health = new Health({
    checks: [{ name: 'part', maxAge, whenUnknown, run }],
    clock: () => NOW + time.now,
    elapsed: () => time.now,
    state: { stopping: false },
  });
  return { time, health };
}

test('a probe within the age of a result starts no check, and probes at a time share one', async () => {
  let runs = 0;
  const { time, health } = setUp(async () => {
    runs++;
    return { status: 'ok' };
  });
  await Promise.all(Array.from({ length: 50 }, () => health.ready()));
  time.now = 999;
  expect(await health.ready()).toMatchObject({ status: 200, body: { status: 'ready' } });
  expect(runs).toBe(1);
  time.now = 1000;
  await health.ready();
  expect(runs).toBe(2);
});

test('degraded is 200 with its cause and remedy, failing is 503; since is when the status began', async () => {
  let result: CheckResult = { status: 'ok' };
  const { time, health } = setUp(() => result);
  await health.ready();
  for (const [status, code, overall] of [
    ['degraded', 200, 'degraded'],
    ['failing', 503, 'not_ready'],
  ] as const) {
    result = { status, cause: 'it is slow', hint: 'make it fast' };
    time.now += 1000;
    const since = new Date(NOW + time.now).toISOString();
    const check = { name: 'part', since, ...result };
    expect(await health.ready()).toEqual({ status: code, body: { status: overall, checks: [check] } });
    time.now += 5000;
    expect((await health.ready()).body.checks).toEqual([check]);
  }
  result = { status: 'ok' };
  time.now += 1000;
  const since = new Date(NOW + time.now).toISOString();
  expect((await health.ready()).body.checks).toEqual([{ name: 'part', status: 'ok', since }]);
});

test('a check that hangs holds up one probe for less than a second, is not started again, and counts as unknown', async () => {
  let runs = 0;
  let end = (_result: CheckResult) => {};
  const { time, health } = setUp(() => {
    runs++;
    return new Promise((resolve) => {
      end = resolve;
    });
  }, 'degraded');
  const startedAt = performance.now();
  expect(await health.ready()).toMatchObject({ status: 200, body: { status: 'degraded' } });
  expect(performance.now() - startedAt).toBeLessThan(3000);
  time.now = 3000;
  const { body } = await health.ready();
  expect(body.checks?.[0]).toMatchObject({ status: 'degraded', cause: 'the check has not responded in time' });
  expect(runs).toBe(1);
  end({ status: 'ok' });
  await Promise.resolve();
  expect((await health.ready()).body.status).toBe('ready');
});

test('the last result counts while a check is slow for a moment', async () => {
  let isSlow = false;
  const { time, health } = setUp(() => (isSlow ? new Promise(() => {}) : { status: 'ok' }));
  await health.ready();
  isSlow = true;
  time.now = 1000;
  expect((await health.ready()).status).toBe(200);
  time.now = 4000;
  expect((await health.ready()).status).toBe(503);
});

test('an error is described by its code, without what its message may name', async () => {
  const failWith = (code: string) => () =>
    Promise.reject(Object.assign(new Error('user admin at 10.0.0.7, password hunter2'), { code }));
  for (const [code, cause] of [
    ['53100', 'PostgreSQL reports that its disk is full'],
    ['53300', 'PostgreSQL has no connection left'],
    ['57P03', 'PostgreSQL is starting or stopping'],
    ['28P01', 'PostgreSQL rejects the login'],
    ['25006', 'PostgreSQL is read-only: it is a standby'],
    ['57014', 'PostgreSQL has not responded in time'],
    ['ECONNREFUSED', 'PostgreSQL cannot be reached (ECONNREFUSED)'],
    ['XX000', 'the check failed (XX000)'],
  ] as const) {
    const { body } = await setUp(failWith(code)).health.ready();
    expect(body.checks).toMatchObject([{ status: 'failing', cause, hint: expect.stringMatching(/\w/) }]);
    expect(JSON.stringify(body)).not.toMatch(/hunter2|10\.0\.0\.7|admin/);
  }
});

test('a loop that stands still is stuck and not live, and the others are', async () => {
  const idle = { delivery: 0, timers: 0 };
  const state = { starting: false, stopping: false };
  const health = new Health({
    checks: [],
    clock: () => NOW,
    state,
    loops: [
      { name: 'delivery', poll: 1000, idleTime: () => idle.delivery },
      { name: 'timers', poll: 3_600_000, idleTime: () => idle.timers },
    ],
  });
  expect(health.live()).toEqual({ status: 200, body: { status: 'live' } });
  idle.delivery = 182_000;
  idle.timers = 3_600_000;
  expect(health.live()).toEqual({ status: 503, body: { status: 'stuck', stuck: ['delivery'] } });
  state.stopping = true;
  expect(health.live().status).toBe(200);
});
