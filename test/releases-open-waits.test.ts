import { afterEach, beforeEach, expect, test } from 'vitest';
import { KEPT_METRICS } from '../src/http/kept-metrics.ts';
import { ReleaseWatcher } from '../src/releases/release-watcher.ts';
import { toReleaseGroups } from '../src/store/metrics/counters.ts';
import { type TestServer, testServer } from './support/http.ts';
import { foldAll } from './support/metrics.ts';
import { catalogWith } from './support/releases.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The watch of a release whose rules wait longer or shorter than those before: what still waits is judged when it has ended. */

const USERS = Array.from({ length: 400 }, (_, index) => `user-${index}`);
const SHORT = catalogWith('paid', 'OLD', '', ', delay: 20s');
const LONG = catalogWith('paid', 'OLD', '', ', delay: 30m');
const SILENT = catalogWith('paid', 'OLD', '', ', delay: 20s, when: 1 > 2');

let tidings: TestTidings;
let server: TestServer;

beforeEach(async () => {
  tidings = await testTidings({}, new Map(Object.entries(SHORT)));
  server = await testServer(tidings);
});
afterEach(async () => {
  await server.close();
  await tidings.close();
});

/** Begins a release to half of the users, and posts an event of each user. */
async function release(files: object): Promise<string> {
  const { body } = await server.post('/api/v1/releases', { files, share: 50 });
  const event_timestamp = new Date(tidings.clock.now).toISOString();
  const events = USERS.map((user_id) => ({ user_id, event_type: 'paid', event_timestamp }));
  expect((await server.post('/api/v1/events', events)).status).toBeLessThan(300);
  return body.release.release_id;
}

/** Lets time pass, ends the waits that are due, and looks as the watch does. Returns the state, and what is said of the volume. */
async function lookAfter(id: string, time: number) {
  tidings.clock.now += time;
  await tidings.pipeline.fireDueWaits(TENANT, USERS);
  const { pool } = tidings.database;
  await foldAll(pool, tidings.clock.now);
  await new ReleaseWatcher({ pool, clock: () => tidings.clock.now, log: silent, periods: KEPT_METRICS }).lookOnce();
  const { state, comparison } = (await server.get(`/api/v1/releases/${id}`)).body;
  const volume = comparison.verdicts.find((one: { number: string }) => one.number === 'volume');
  const { before, released } = comparison.since_start;
  return { state, verdict: volume.state, text: volume.text, waiting: [before.waiting, released.waiting] };
}

test('a longer delay is judged when its waits have ended', async () => {
  const id = await release(LONG);
  const early = await lookAfter(id, 64_000);
  expect(early).toMatchObject({ state: 'watching', verdict: 'waits_open' });
  expect(early.waiting[0]).toBe(0);
  expect(early.waiting[1]).toBeGreaterThan(150);
  expect(early.text).toContain(`Its users have ${early.waiting[1]} open waits that began since`);
  expect(await lookAfter(id, 1_800_000)).toMatchObject({ state: 'watching', verdict: 'ok', waiting: [0, 0] });
});

test('a shorter delay is not taken for more notifications', async () => {
  await server.post('/api/v1/catalog', { files: LONG });
  const id = await release(SHORT);
  expect(await lookAfter(id, 64_000)).toMatchObject({ state: 'watching', verdict: 'waits_open' });
  expect(await lookAfter(id, 1_800_000)).toMatchObject({ state: 'watching', verdict: 'ok' });
});

test('a version that no longer sends is rolled back, whatever waits alike by both versions', async () => {
  const waiting = { ...SILENT, 'rules.yaml': `${SILENT['rules.yaml']}  WAIT: { on: paid, delay: 1d, notify: OLD }\n` };
  await server.post('/api/v1/catalog', {
    files: { ...SHORT, 'rules.yaml': `${SHORT['rules.yaml']}  WAIT: { on: paid, delay: 1d, notify: OLD }\n` },
  });
  const id = await release(waiting);
  const { state, verdict, waiting: open } = await lookAfter(id, 64_000);
  expect([state, verdict]).toEqual(['rolled_back', 'exceeded']);
  expect(Math.min(...open)).toBeGreaterThan(150);
});

test('where there are more waits than are counted, those of the older half tell whether more are open', async () => {
  const add = (version: number, count: number, status: string) =>
    tidings.database.pool.query(
      `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, ended_at,
         state)
       select $1, 'many', gen_random_uuid(), 'SEND', i::text, 'delay', $2, $3, $4, $4, $4::timestamptz + i * interval '1 ms',
         case when $3 <> 'waiting' then $4::timestamptz end, '{}' from generate_series(1, $5) as i`,
      [TENANT, version, status, new Date(tidings.clock.now).toISOString(), count],
    );
  const { body } = await server.post('/api/v1/releases', { files: SILENT, share: 50 });
  const { release_id: id, from_version: from, to_version: to } = body.release;
  await add(from, 15_000, 'fired');
  await add(to, 15_000, 'waiting');
  const count = (version: number, group: string, decided: number) =>
    JSON.stringify([
      { minute: Math.floor(tidings.clock.now / 60_000), event: 'paid', version, release: group, events: 90_000 },
      { minute: Math.floor(tidings.clock.now / 60_000), type: 'OLD', rule: 'SEND', version, release: group, decided },
    ]);
  const { others, released } = toReleaseGroups(id);
  for (const items of [count(from, others, 90_000), count(to, released, 0)])
    await tidings.database.pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [TENANT, items]);
  expect(await lookAfter(id, 64_000)).toMatchObject({ state: 'watching', verdict: 'waits_open', waiting: [0, 10_000] });
  await tidings.database.pool.query(
    "update waits set status = 'fired', ended_at = began_at where user_id = 'many' and status = 'waiting'",
  );
  expect(await lookAfter(id, 64_000)).toMatchObject({ state: 'rolled_back', verdict: 'exceeded' });
});
