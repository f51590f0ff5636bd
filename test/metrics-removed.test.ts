import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { runRetention } from '../src/store/retention/run-retention.ts';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import { foldAll } from './support/metrics.ts';

/** Sums that retention removed under a shorter period than the one of the API: hours were kept for 7 days, and are now for 90. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Retention goes by the clock of the database. */
const NOW = Math.floor(Date.now() / HOUR) * HOUR;
const TODAY = Math.floor(NOW / DAY) * DAY;

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  api.tidings.clock.now = NOW;
  await add([
    { minute: minuteOf(OLD + 30 * 60_000), type: 'ORDER', channel: 'sms', sent: 37 },
    { minute: minuteOf(OLD + 9 * HOUR), type: 'ORDER', channel: 'sms', sent: 5 },
    { minute: minuteOf(RECENT), type: 'ORDER', channel: 'sms', sent: 3 },
  ]);
});
afterAll(() => api.close());

const OLD = TODAY - 20 * DAY + 10 * HOUR;
const RECENT = TODAY - 4 * DAY + 10 * HOUR;

const minuteOf = (time: number) => Math.floor(time / 60_000);
const iso = (time: number) => new Date(time).toISOString();
const spanOf = (from: number, to: number) => `from=${iso(from)}&to=${iso(to)}`;

async function add(items: readonly object[]): Promise<void> {
  const { pool } = api.tidings.database;
  await pool.query(`insert into metric_deltas (tenant_id, at, items) values ('default', $1, $2)`, [
    iso(NOW),
    JSON.stringify(items),
  ]);
  await foldAll(pool, NOW);
}

function get(path: string) {
  return api.server.get(`/api/v1/metrics/${path}`);
}

async function sentOf(path: string): Promise<number | undefined> {
  return (await get(path)).body.metrics?.sent;
}

function retain(env: { readonly [name: string]: string }, dryRun = false) {
  const { retention } = readConfig({ ...env }, { catalogDir: '' });
  return runRetention(api.tidings.database.pool, retention, { dryRun });
}

const SEVEN_DAYS = { TIDINGS_RETAIN_METRIC_HOURS: '7d' };
const SERIES = `series?grain=hour&${spanOf(OLD, OLD + 3 * HOUR)}`;

test('all hours answer until some are removed', async () => {
  await retain(SEVEN_DAYS, true);
  // With the usual periods, no hour of this tenant is removed.
  await retain({});
  const { body } = await get(SERIES);
  expect(body.points.map((one: { metrics: { sent: number } }) => one.metrics.sent)).toEqual([37, 0, 0]);
  expect(await sentOf(`summary?${spanOf(OLD, OLD + HOUR)}`)).toBe(37);
});

test('hours that were removed under a shorter period are not kept, and the sums of days answer in their place', async () => {
  expect((await retain(SEVEN_DAYS))?.rows).toMatchObject({ metric_hours: 4 });
  const answer = await get(SERIES);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: 'grain' });
  // The first hour after the last one that was removed.
  expect(answer.body.errors[0].message).toContain(`by the hour are kept from ${iso(OLD + 10 * HOUR)} on`);
  const { body } = await get(`summary?${spanOf(OLD, OLD + HOUR)}`);
  expect(body).toMatchObject({ from: iso(TODAY - 20 * DAY), to: iso(TODAY - 19 * DAY), metrics: { sent: 42 } });
  expect((await get(`series?${spanOf(OLD, OLD + 3 * HOUR)}`)).body).toMatchObject({ grain: 'day' });
  expect((await get(`groups?by=type&${spanOf(OLD, OLD + HOUR)}`)).body.groups).toMatchObject([
    { key: 'ORDER', metrics: { sent: 42 } },
  ]);
});

test('a span that begins among what was removed is complete', async () => {
  expect(await sentOf(`summary?${spanOf(OLD, NOW)}`)).toBe(45);
  expect(await sentOf(`summary?${spanOf(OLD, RECENT + HOUR)}`)).toBe(45);
});

test('hours after those that were removed answer as before', async () => {
  const { body } = await get(`series?grain=hour&${spanOf(RECENT, RECENT + 2 * HOUR)}`);
  expect(body.points.map((one: { metrics: { sent: number } }) => one.metrics.sent)).toEqual([3, 0]);
  expect(await sentOf(`summary?${spanOf(RECENT + HOUR, RECENT + 2 * HOUR)}`)).toBe(0);
  const next = await get(`series?grain=hour&${spanOf(OLD + 10 * HOUR, OLD + 11 * HOUR)}`);
  expect(next.status).toBe(200);
});

test('a later run with the longer period changes nothing about that, nor does a late number in an hour that was removed', async () => {
  await retain({});
  await add([{ minute: minuteOf(OLD), type: 'ORDER', channel: 'sms', sent: 1 }]);
  expect((await get(SERIES)).status).toBe(400);
  expect(await sentOf(`summary?${spanOf(OLD, OLD + HOUR)}`)).toBe(43);
});

test('minutes that were removed are not kept for a longer period', async () => {
  const at = NOW - 30 * HOUR;
  await add([{ minute: minuteOf(at), type: 'ORDER', channel: 'sms', sent: 2 }]);
  expect(await sentOf(`summary?${spanOf(at, at + 60_000)}`)).toBe(2);
  await retain({ TIDINGS_RETAIN_METRIC_MINUTES: '1d' });
  const series = await get(`series?grain=minute&${spanOf(at, at + 60_000)}`);
  expectProblem(series, { status: 400, code: 'invalid_request', pointer: 'grain' });
  expect(await sentOf(`summary?${spanOf(at + 60_000, at + 120_000)}`)).toBe(2);
});
