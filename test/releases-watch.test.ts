import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KEPT_METRICS } from '../src/http/kept-metrics.ts';
import { ReleaseWatcher } from '../src/releases/release-watcher.ts';
import { holdUntilResumed, releaseTenant } from '../src/store/dump/held-timers.ts';
import { toReleaseGroups } from '../src/store/metrics/counters.ts';
import { withTransaction } from '../src/store/pg/transaction.ts';
import { isReleasedTo } from '../src/store/releases/active-version.ts';
import { type TestServer, testServer } from './support/http.ts';
import { foldAll } from './support/metrics.ts';
import { catalogWith } from './support/releases.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The watch of a release: what it judges, when it rolls back or finishes by itself, and who looks. */

let tidings: TestTidings;
let server: TestServer;
beforeAll(async () => {
  tidings = await testTidings({}, new Map(Object.entries(catalogWith('paid'))));
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

let made = 0;

interface Started {
  readonly release_id: string;
  readonly from_version: number;
  readonly to_version: number;
}

async function start(more: object = {}, files = catalogWith('paid', `NEW_${made++}`)): Promise<Started> {
  const answer = await server.post('/api/v1/releases', { files, share: 50, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body.release;
}

/** Looks as the watch of one process does, after the time between two looks. */
async function look(watchers = [watcher()]): Promise<void> {
  tidings.clock.now += 61_000;
  await foldAll(tidings.database.pool, tidings.clock.now);
  await Promise.all(watchers.map((one) => one.lookOnce()));
}

function watcher(): ReleaseWatcher {
  const { pool } = tidings.database;
  return new ReleaseWatcher({ pool, clock: () => tidings.clock.now, log: silent, periods: KEPT_METRICS });
}

async function stateOf({ release_id: id }: Started) {
  return (await server.get(`/api/v1/releases/${id}`)).body;
}

/** Adds numbers of a version as transactions do: of its users, and of the messages that it decided. */
async function count(
  { release_id: id, from_version: from, to_version: to }: Started,
  which: 'before' | 'released',
  { events = 0, decided = 0, ...outcomes }: { readonly [counter: string]: number },
): Promise<void> {
  const minute = Math.floor(tidings.clock.now / 60_000);
  const groups = toReleaseGroups(id);
  const [version, release] = which === 'before' ? [from, groups.others] : [to, groups.released];
  const items = [
    { minute, event: 'paid', version, release, events },
    { minute, type: 'OLD', rule: 'SEND', version, release, decided },
    { minute, type: 'OLD', channel: 'email', version, ...outcomes },
  ];
  await tidings.database.pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
    TENANT,
    JSON.stringify(items),
  ]);
}

async function finish(release: Started): Promise<void> {
  await server.post(`/api/v1/releases/${release.release_id}/rollback`, {});
}

describe('a release is rolled back by itself', () => {
  test.each([
    ['fails more often', { sent: 150, dead: 50 }, { sent: 199, dead: 1 }, 'error rate'],
    ['bounces more often', { sent: 200, bounced: 60 }, { sent: 200, bounced: 2 }, 'error rate'],
    ['is complained about', { sent: 1000, complained: 12 }, { sent: 1000, complained: 0 }, 'complaint rate'],
    ['makes users unsubscribe', { sent: 1000, unsubscribed: 40 }, { sent: 1000, unsubscribed: 5 }, 'unsubscribe rate'],
    ['sends five times as much', { events: 500, decided: 500 }, { events: 500, decided: 100 }, 'decided 500'],
    ['falls silent', { events: 500, decided: 0 }, { events: 500, decided: 400 }, 'decided 0'],
  ])('if its version %s', async (_, released, before, reason) => {
    const release = await start();
    await count(release, 'released', released);
    await count(release, 'before', before);
    await look();
    const state = await stateOf(release);
    expect(state).toMatchObject({ state: 'rolled_back', ended_by: 'release watch' });
    expect(state.end_reason).toContain(reason);
    expect(state.comparison.verdicts.some((one: { state: string }) => one.state === 'exceeded')).toBe(true);
    const { body } = await server.get('/api/v1/catalog');
    expect(body.version).toBe(release.from_version);
  });

  test('by numbers of the last hour, if good days hide them', async () => {
    const release = await start();
    await count(release, 'released', { sent: 20_000 });
    await count(release, 'before', { sent: 20_000 });
    tidings.clock.now += 7_200_000;
    await count(release, 'released', { sent: 100, dead: 100 });
    await count(release, 'before', { sent: 200 });
    await look();
    const state = await stateOf(release);
    expect(state.state).toBe('rolled_back');
    expect(state.end_reason).toContain('in the last hour');
  });
});

describe('a release goes on', () => {
  test.each([
    ['while there are few messages', { sent: 20, dead: 20 }, { sent: 40 }, {}],
    ['if both versions fail alike', { sent: 150, dead: 50 }, { sent: 150, dead: 50 }, {}],
    ['if nothing is watched', { sent: 150, dead: 50 }, { sent: 199, dead: 1 }, { watch: null }],
    ['if this is not watched', { sent: 150, dead: 50 }, { sent: 199 }, { watch: { max_error_increase: null } }],
    ['within the bound', { sent: 190, dead: 10 }, { sent: 200 }, { watch: { max_error_increase: 0.2 } }],
  ])('%s', async (_, released, before, more) => {
    const release = await start(more);
    await count(release, 'released', released);
    await count(release, 'before', before);
    await look();
    expect((await stateOf(release)).state).toBe('watching');
    await finish(release);
  });
});

describe('a release with a time to finish', () => {
  test('finishes by itself, if nothing speaks against it', async () => {
    const release = await start({ finish_after: '2h' });
    await look();
    expect((await stateOf(release)).state).toBe('watching');
    tidings.clock.now += 7_200_000;
    await look();
    expect(await stateOf(release)).toMatchObject({ state: 'finished', ended_by: 'release watch' });
    expect((await server.get('/api/v1/catalog')).body.version).toBe(release.to_version);
  });

  test('is rolled back rather than finished', async () => {
    const release = await start({ finish_after: '1m' });
    await count(release, 'released', { sent: 100, dead: 100 });
    await count(release, 'before', { sent: 200 });
    await look();
    expect((await stateOf(release)).state).toBe('rolled_back');
  });

  test('waits while its tenant is suspended', async () => {
    const release = await start({ finish_after: '1m' });
    const { pool } = tidings.database;
    await pool.query(`update tenants set status = 'suspended' where tenant_id = $1`, [TENANT]);
    await look();
    await pool.query(`update tenants set status = 'active' where tenant_id = $1`, [TENANT]);
    expect((await stateOf(release)).state).toBe('watching');
    await look();
    expect((await stateOf(release)).state).toBe('finished');
  });
});

test('a release of a tenant that was restored neither finishes nor is rolled back before the tenant is resumed', async () => {
  const release = await start({ finish_after: '1m' });
  const { pool } = tidings.database;
  await withTransaction(pool, (connection) => holdUntilResumed(connection, [TENANT]));
  await look();
  expect((await stateOf(release)).state).toBe('watching');
  await withTransaction(pool, (connection) => releaseTenant(connection, TENANT, tidings.clock.now));
  await look();
  expect((await stateOf(release)).state).toBe('finished');
});

test('two processes that look at the same time end a release once', async () => {
  const release = await start();
  await count(release, 'released', { sent: 100, dead: 100 });
  await count(release, 'before', { sent: 200 });
  await look(Array.from({ length: 4 }, watcher));
  const { rows } = await tidings.database.pool.query(
    `select count(*)::int as n from audit_log where action = 'release.rolled_back' and subject = $1`,
    [`release ${release.release_id}`],
  );
  expect(rows[0].n).toBe(1);
});

describe('a release that is scheduled', () => {
  const HOUR = 3_600_000;
  const inAnHour = () => new Date(tidings.clock.now + HOUR).toISOString();
  const active = async () => (await server.get('/api/v1/catalog')).body.version;
  const begin = () => Promise.all(Array.from({ length: 3 }, () => watcher().beginDue()));

  test('changes nothing before its time, and is begun once then, with the time that it was given', async () => {
    const before = await active();
    const release = await start({ starts_at: inAnHour(), finish_after: '1d' });
    const again = await server.post('/api/v1/releases', { version: before, share: 5, starts_at: inAnHour() });
    expect([again.status, again.body.code]).toEqual([409, 'release_under_way']);
    await begin();
    expect(await stateOf(release)).toMatchObject({ state: 'scheduled', started_at: null, steps: [] });
    const early = await server.post(`/api/v1/releases/${release.release_id}/finish`, {});
    expect([early.status, early.body.code]).toEqual([409, 'release_not_started']);
    // No process ran for an hour.
    tidings.clock.now += 2 * HOUR;
    await begin();
    const begun = await stateOf(release);
    expect(begun).toMatchObject({ state: 'watching', share: 50, from_version: before });
    expect(begun.steps).toHaveLength(1);
    expect(Date.parse(begun.finish_at) - Date.parse(begun.started_at)).toBe(24 * HOUR);
    await finish(release);
    expect(await active()).toBe(before);
  });

  test('to all users is applied at its time; its request is repeated later, and another for that time is not made', async () => {
    const body = { files: catalogWith('paid', `NEW_${made++}`), share: 100, starts_at: inAnHour() };
    const ask = () => server.post('/api/v1/releases', body, { 'idempotency-key': 'at its time' });
    const { release } = (await ask()).body;
    tidings.clock.now += HOUR;
    await begin();
    tidings.clock.now += HOUR;
    expect((await ask()).body.release.release_id).toBe(release.release_id);
    const late = await server.post('/api/v1/releases', { ...body, files: catalogWith('paid', `NEW_${made++}`) });
    expect([late.status, late.body.code, late.body.errors[0].pointer]).toEqual([400, 'invalid_request', '/starts_at']);
    expect(await stateOf(release)).toMatchObject({ state: 'finished', ended_by: 'release schedule' });
    expect(await active()).toBe(release.to_version);
  });

  test('fails and says why, if another version became active meanwhile', async () => {
    const release = await start({ starts_at: inAnHour() });
    const { body } = await server.post('/api/v1/catalog', { files: catalogWith('paid', `NEW_${made++}`) });
    tidings.clock.now += HOUR;
    await begin();
    expect(await stateOf(release)).toMatchObject({
      state: 'failed',
      end_reason: expect.stringContaining(`version ${body.version} had become active`),
    });
    expect(await active()).toBe(body.version);
  });

  test('is cancelled, and never begins then', async () => {
    const release = await start({ starts_at: inAnHour() });
    const end = () => server.post(`/api/v1/releases/${release.release_id}/rollback`, { reason: 'not now' });
    for (const { status, body } of [await end(), await end()])
      expect([status, body.state, body.end_reason]).toEqual([200, 'cancelled', 'not now']);
    tidings.clock.now += HOUR;
    await begin();
    expect((await stateOf(release)).state).toBe('cancelled');
  });
});

test('events and decisions count for the users of each version', async () => {
  const release = await start({ watch: null });
  const users = Array.from({ length: 30 }, (_, n) => `counted-${n}`);
  await tidings.ingest(
    users.map((user_id) => ({
      user_id,
      event_type: 'paid',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
    })),
  );
  await look();
  const { comparison } = await stateOf(release);
  const released = users.filter((user) => isReleasedTo({ id: release.release_id, share: 5000 }, user)).length;
  expect(comparison.since_start).toMatchObject({
    released: { version: release.to_version, events: released, decided: released },
    before: { version: release.from_version, events: 30 - released, decided: 30 - released },
  });
  await finish(release);
});
