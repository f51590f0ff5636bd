import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isReleasedTo } from '../src/store/releases/active-version.ts';
import { type TestServer, testServer } from './support/http.ts';
import { catalogWith } from './support/releases.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Waits and schedules across a release, messages that are sent during it, and tenants beside it. */

let tidings: TestTidings;
let server: TestServer;
let since: number;
const USERS = Array.from({ length: 24 }, (_, n) => `timed-${n}`);

beforeAll(async () => {
  tidings = await testTidings({}, new Map(Object.entries(catalogWith('paid'))));
  server = await testServer(tidings);
});
beforeEach(async () => {
  const { body } = await server.get('/api/v1/releases?state=watching');
  for (const one of body.releases) await server.post(`/api/v1/releases/${one.release_id}/rollback`, {});
  tidings.clock.now += 86_400_000;
  since = tidings.clock.now;
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

let made = 0;

async function start(files: object, share = 50) {
  tidings.clock.now += 1000;
  const { status, body } = await server.post('/api/v1/releases', { files, share, watch: null });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.release as { release_id: string; from_version: number; to_version: number };
}

async function post(): Promise<void> {
  tidings.clock.now += 1000;
  const at = new Date(tidings.clock.now).toISOString();
  await tidings.ingest(USERS.map((user_id) => ({ user_id, event_type: 'paid', event_timestamp: at })));
}

/** @param prefix of the types */
async function sendsBy(prefix = ''): Promise<{ readonly [type: string]: string[] }> {
  const { rows } = await tidings.database.pool.query(
    'select user_id, notification_type as type from notifications where tenant_id = $1 and created_at > $2 and starts_with(notification_type, $3) order by user_id',
    [TENANT, new Date(since), prefix],
  );
  const found: { [type: string]: string[] } = {};
  for (const { user_id: user, type } of rows) found[type] = [...(found[type] ?? []), user];
  return found;
}

const released = ({ release_id: id }: { release_id: string }, share = 50) =>
  USERS.filter((user) => isReleasedTo({ id, share: share * 100 }, user)).sort();
const others = (release: { release_id: string }) => USERS.filter((user) => !released(release).includes(user)).sort();

test('a wait ends by the rule of the version with which it began, also after a rollback', async () => {
  await server.post('/api/v1/catalog', { files: catalogWith('paid', 'BEFORE', '', ', delay: 1h') });
  const release = await start(catalogWith('paid', 'AFTER', '', ', delay: 1h'));
  await post();
  await server.post(`/api/v1/releases/${release.release_id}/rollback`, {});
  tidings.clock.now += 3_700_000;
  await tidings.fireDueWaits(USERS);
  expect(await sendsBy()).toEqual({ AFTER: released(release), BEFORE: others(release) });
  tidings.clock.now += 1;
  expect((await tidings.backtest(since)).reproduced).toMatchObject({ different: 0 });
});

test('waits are moved to the version of their user', async () => {
  await server.post('/api/v1/catalog', { files: catalogWith('paid', 'OLDER', '', ', delay: 2h') });
  await post();
  const release = await start(catalogWith('paid', 'NEWER', '', ', delay: 1h'));
  await tidings.runWaitJob('waits.migrate', 'SEND');
  tidings.clock.now += 3_700_000;
  await tidings.fireDueWaits(USERS);
  expect(await sendsBy()).toEqual({ NEWER: released(release) });
  tidings.clock.now += 1;
  expect((await tidings.backtest(since)).reproduced).toMatchObject({ different: 0 });
});

describe('a scheduled rule', () => {
  const scheduled = (type: string, every: string) => ({
    ...catalogWith('paid', type),
    'rules.yaml': `rules:\n  DAILY: { every: ${every}, for: 'true', zone: UTC, notify: ${type} }\n`,
  });
  /** Lets the clock run to a local time, and waits until its occurrences have run. */
  const runAt = async (time: string, count: number) => {
    const day = new Date(tidings.clock.now).toISOString().slice(0, 10);
    tidings.clock.now = Date.parse(`${day}T${time}Z`) + 1000;
    await expect
      .poll(async () => Object.values(await sendsBy('AT_')).flat().length, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(count);
  };

  test('has the times of each version for its users, and each user has one of them', async () => {
    await server.post('/api/v1/catalog', { files: scheduled('AT_SIX', 'day 06:00') });
    await post();
    tidings.clock.now = Math.ceil(tidings.clock.now / 86_400_000) * 86_400_000;
    since = tidings.clock.now;
    const worker = await tidings.timers({ poll: 20 });
    const release = await start(scheduled('AT_EIGHT', 'day 08:00'));
    await expect
      .poll(async () => (await tidings.database.pool.query('select from schedules')).rowCount, { timeout: 20_000 })
      .toBe(2);
    const known = (await tidings.database.pool.query('select user_id from users')).rows.map((row) => row.user_id);
    const isReleased = (user: string) => isReleasedTo({ id: release.release_id, share: 5000 }, user);
    const early = known.filter((user) => !isReleased(user)).sort();
    await runAt('06:00:00', early.length);
    expect(await sendsBy('AT_')).toEqual({ AT_SIX: early });
    await runAt('08:00:00', known.length);
    expect(await sendsBy('AT_')).toEqual({ AT_SIX: early, AT_EIGHT: known.filter(isReleased).sort() });
    await server.post(`/api/v1/releases/${release.release_id}/rollback`, {});
    await expect
      .poll(async () => (await tidings.database.pool.query('select from schedules')).rowCount, { timeout: 20_000 })
      .toBe(1);
    await worker.stop();
    tidings.clock.now += 1;
    expect((await tidings.backtest(since)).reproduced).toMatchObject({ different: 0 });
  });
});

test('a direct send is decided by the version of its recipient', async () => {
  await server.post('/api/v1/catalog', { files: catalogWith('paid', 'KNOWN') });
  const type = `ONLY_NEW_${made++}`;
  const release = await start(catalogWith('paid', type));
  const recipients = USERS.slice(0, 8).map((user_id) => ({ user_id }));
  const { body } = await server.post('/api/v1/notifications', { type, recipients });
  for (const { user_id: user, state, code } of body.results) {
    const isReleased = released(release).includes(user);
    expect([user, state, code]).toEqual([
      user,
      isReleased ? 'accepted' : 'rejected',
      isReleased ? undefined : 'unknown_type',
    ]);
  }
});

test('another tenant has neither the release nor its version', async () => {
  const { pool } = tidings.database;
  const release = await start(catalogWith('paid', `MINE_${made++}`), 100);
  await pool.query(`insert into tenants (tenant_id, name) values ('beside', 'Beside') on conflict do nothing`);
  const { applyCatalog } = await import('../src/store/apply-catalog.ts');
  const { parseCatalog } = await import('./support/catalog.ts');
  const { systemActor } = await import('../src/model/principal.ts');
  const data = await parseCatalog(new Map(Object.entries(catalogWith('paid', 'BESIDE'))));
  await applyCatalog(pool, 'beside', data, systemActor('test'), tidings.clock.now);
  const at = new Date(tidings.clock.now).toISOString();
  await tidings.pipeline.ingest('beside', [{ user_id: 'u', event_type: 'paid', event_timestamp: at }]);
  const { rows } = await pool.query(`select catalog_version as version from events where tenant_id = 'beside'`);
  expect(rows).toEqual([{ version: 1 }]);
  expect(release.to_version).toBeGreaterThan(1);
});
