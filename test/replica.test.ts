import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openPool } from '../src/store/pg/pool.ts';
import { Replica } from '../src/store/pg/replica.ts';
import { ROOT_KEY } from './support/api-keys.ts';
import { findPgBouncer, startPgBouncer } from './support/pgbouncer.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { type ReplicatedServers, startAlone, startReplicated } from './support/replica.ts';
import { FINTECH } from './support/tidings.ts';

/** A streaming replica answers what may be of some seconds ago, and exports; the primary does when it cannot. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MAX_LAG_MS = 4000;
const KEY = randomBytes(32).toString('base64');

let servers: ReplicatedServers;
let program: Program;
let url: string;
const programs: Program[] = [];

const environment = () => ({
  DATABASE_URL: servers.primary.url,
  TIDINGS_API_DATABASE_URL: `${servers.primary.url}&user=tidings_api`,
  TIDINGS_REPLICA_DATABASE_URL: servers.cable.url,
  TIDINGS_REPLICA_MAX_LAG: `${MAX_LAG_MS / 1000}s`,
  TIDINGS_ENCRYPTION_KEY: KEY,
  TIDINGS_API_KEYS: ROOT_KEY,
  TIDINGS_CATALOG: FINTECH,
  TIDINGS_METRICS: 'true',
  PORT: '0',
});

function start(env: { readonly [name: string]: string } = {}): Program {
  const started = tidingsDirectly(['start', '--json'], { env: { ...environment(), ...env } });
  programs.push(started);
  return started;
}

beforeAll(async () => {
  servers = await startReplicated();
  program = start();
  url = String((await program.ready(90_000)).url);
});
afterEach(async () => {
  await servers.replica.admin.query('select pg_wal_replay_resume()');
});
afterAll(async () => {
  for (const one of programs) one.killGroup('SIGKILL');
  await Promise.all(programs.map(({ ended }) => ended));
  await servers?.stop();
});

interface Answer<T> {
  readonly body: T;
  readonly asOf: string | null;
}

async function call<T>(path: string, body?: unknown, tenant?: string): Promise<Answer<T>> {
  const response = await fetch(`${url}${path}`, {
    headers: {
      authorization: `Bearer ${ROOT_KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(tenant === undefined ? {} : { 'x-tidings-tenant': tenant }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.ok, text).toBe(true);
  const isJson = response.headers.get('content-type')?.includes('application/json');
  return { body: (isJson ? JSON.parse(text) : text) as T, asOf: response.headers.get('tidings-as-of') };
}

let added = 0;
/** Posts the event of a new user. */
async function addUser(tenant?: string): Promise<string> {
  const user = `user-${++added}`;
  const event = { user_id: user, event_type: 'signup_completed', event_timestamp: new Date().toISOString() };
  await call('/api/v1/events', [{ ...event, user_traits: { email: `${user}@example.com`, country: 'PT' } }], tenant);
  return user;
}

/** Counts users, which is a sum over all of them. */
const countUsers = async (tenant?: string) => {
  const { body, asOf } = await call<{ count: number }>('/api/v1/segments/preview', { condition: 'true' }, tenant);
  return { count: body.count, asOf };
};
const exportUser = (user: string) => call<string>(`/api/v1/users/${user}/export`, { reason: 'a test' });

interface Check {
  readonly name: string;
  readonly status: string;
  readonly cause?: string;
  readonly lag_seconds?: number;
}
async function readReplicaCheck(): Promise<Check | undefined> {
  const { body } = await call<{ checks: Check[] }>('/healthz/ready');
  return body.checks.find(({ name }) => name === 'replica');
}

const read = () => expect.poll(async () => (await countUsers()).asOf, { timeout: 20_000 }).not.toBeNull();
const pause = () => servers.replica.admin.query('select pg_wal_replay_pause()');

test('sums are read from it, under the login of the API, and the answer says of when it is', async () => {
  await addUser();
  await read();
  await expect.poll(async () => (await countUsers()).count).toBe(added);
  const { asOf } = await countUsers();
  expect(Date.parse(asOf ?? '')).toBeGreaterThan(Date.now() - MAX_LAG_MS - 2000);
  const { rows } = await servers.replica.admin.query(
    `select distinct usename from pg_stat_activity where application_name = 'tidings requests'`,
  );
  expect(rows).toEqual([{ usename: expect.stringMatching(/^tidings_api/) }]);
  expect(await readReplicaCheck()).toMatchObject({ status: 'ok', lag_seconds: expect.any(Number) });
  const { body: metrics } = await call<string>('/metrics');
  expect(metrics).toMatch(/^tidings_replica_read 1$/m);
  expect(metrics).toMatch(/^tidings_replica_lag_seconds \d/m);
  expect((await call('/api/v1/costs')).asOf).not.toBeNull();
});

test('what it has not replayed is not in its sums, and never missing in an export', async () => {
  await read();
  await expect.poll(async () => (await countUsers()).count).toBe(added);
  await pause();
  const user = await addUser();
  const sum = await countUsers();
  expect(sum).toEqual({ count: added - 1, asOf: expect.any(String) });
  const behind = await exportUser(user);
  expect(behind.asOf).toBeNull();
  expect(behind.body).toContain(`${user}@example.com`);
  await servers.replica.admin.query('select pg_wal_replay_resume()');
  await expect.poll(async () => (await exportUser(user)).asOf).not.toBeNull();
  const newer = await addUser();
  const exported = await exportUser(newer);
  expect(exported.asOf).not.toBeNull();
  expect(exported.body).toContain(`${newer}@example.com`);
});

test('the primary answers when it is further behind than it may be, and the lag is shown', async () => {
  await read();
  await pause();
  const pausedAt = Date.now();
  await addUser();
  await expect.poll(countUsers, { timeout: 20_000 }).toEqual({ count: added, asOf: null });
  expect(Date.now() - pausedAt).toBeGreaterThan(MAX_LAG_MS - 1500);
  const check = await readReplicaCheck();
  expect(check).toMatchObject({ status: 'degraded', cause: expect.stringContaining('s behind, and may be 4 s') });
  expect(check?.lag_seconds).toBeGreaterThan(MAX_LAG_MS / 1000);
  expect((await call<string>('/metrics')).body).toMatch(/^tidings_replica_read 0$/m);
  await servers.replica.admin.query('select pg_wal_replay_resume()');
  await expect.poll(countUsers, { timeout: 20_000 }).toEqual({ count: added, asOf: expect.any(String) });
});

test('tenants are apart on it as well', async () => {
  await call('/api/v1/tenants', { tenant_id: 'other', name: 'Other' });
  await addUser('other');
  await expect.poll(() => countUsers('other'), { timeout: 20_000 }).toEqual({ count: 1, asOf: expect.any(String) });
  added--;
});

test('a read whose session is killed there is answered by the primary', async () => {
  await read();
  const { primary, replica } = servers;
  const session = await primary.admin.connect();
  await session.query('begin; lock table users in access exclusive mode');
  // The replica has the lock, and keeps it while its replay is paused.
  const locks = `select from pg_locks where mode = 'AccessExclusiveLock' and relation = 'users'::regclass`;
  await expect.poll(async () => (await replica.admin.query(locks)).rowCount).toBe(1);
  await pause();
  await session.query('commit');
  session.release();
  const answer = countUsers();
  const waiting = `from pg_stat_activity where application_name = 'tidings requests' and wait_event_type = 'Lock'`;
  await expect.poll(async () => (await replica.admin.query(`select ${waiting}`)).rowCount).toBeGreaterThan(0);
  await replica.admin.query(`select pg_terminate_backend(pid) ${waiting}`);
  expect(await answer).toEqual({ count: added, asOf: null });
});

test('a replica that hangs, or is away, is no longer waited for, and read again when it is back', async () => {
  await read();
  servers.cable.silence();
  // Asked before it is known: cut off then.
  expect(await countUsers()).toEqual({ count: added, asOf: null });
  servers.cable.cut();
  await expect.poll(readReplicaCheck).toMatchObject({
    status: 'degraded',
    cause: 'the primary answers in place of the replica: it does not answer',
  });
  await addUser();
  expect(await countUsers()).toEqual({ count: added, asOf: null });
  const other = start();
  await other.ready(90_000);
  other.killGroup('SIGTERM');
  expect(await other.ended).toBe(0);
  await servers.cable.restore();
  await read();
});

test('one that was promoted is not read, and a start says so; that of another database ends it', async () => {
  const itself = start({ TIDINGS_REPLICA_DATABASE_URL: servers.primary.url });
  await itself.ready(90_000);
  expect(itself.output).toContain(
    'TIDINGS_REPLICA_DATABASE_URL leads to a server that accepts writes, so it is no replica of DATABASE_URL',
  );
  itself.killGroup('SIGTERM');
  expect(await itself.ended).toBe(0);
  const alone = await startAlone();
  try {
    const other = start({ TIDINGS_REPLICA_DATABASE_URL: alone.url });
    expect(await other.ended).toBe(1);
    expect(other.output).toContain('TIDINGS_REPLICA_DATABASE_URL leads to another database than DATABASE_URL');
  } finally {
    await alone.stop();
  }
});

test('a backtest reads it, and the primary if it is behind', async () => {
  const run = async () => {
    const backtest = tidingsDirectly(['backtest', '--live', '--since', '1d', '--json'], { env: environment() });
    expect(await backtest.ended, backtest.output).toBe(0);
    return backtest;
  };
  const report = await run();
  expect(report.stderr).toMatch(/tidings: read from the replica, as of 20/);
  await pause();
  await addUser();
  const later = await run();
  expect(later.stderr).toContain('tidings: read from the primary: ');
});

test('what it cancels for its replay runs again on the primary', async () => {
  const { primary, cable } = servers;
  const owner = openPool(primary.url, { max: 2, name: 'test' });
  const replica = new Replica({ url: cable.url, primary: owner, clock: Date.now, maxLag: 60_000, max: 2 });
  try {
    await replica.start();
    const asked: boolean[] = [];
    const long = replica
      .reads(owner, () => replica.openOwner())
      .caughtUp(async (pool) => {
        asked.push(pool === owner);
        const { rows } = await pool.query<{ standby: boolean }>(
          `select pg_is_in_recovery() as standby, pg_sleep(case when pg_is_in_recovery() then 50 else 0 end)
           from (select count(*) from users) as counted`,
        );
        return rows[0]?.standby;
      }, 10_000);
    const sleeping = `select from pg_stat_activity where wait_event = 'PgSleep'`;
    await expect.poll(async () => (await servers.replica.admin.query(sleeping)).rowCount).toBe(1);
    await owner.query('begin; lock table users in access exclusive mode; commit');
    expect(await long).toEqual({ value: false, asOf: null });
    expect(asked).toEqual([false, true]);
  } finally {
    await replica.stop();
    await owner.end();
  }
});

test.skipIf(!findPgBouncer())('a pooler in transaction mode before it needs the settings of the role', async () => {
  const { primary, replica } = servers;
  const pooler = await startPgBouncer(replica.url, 'transaction');
  const owner = openPool(primary.url, { max: 2, name: 'test' });
  const opened = new Replica({ url: pooler.url, primary: owner, clock: Date.now, maxLag: 60_000, max: 2 });
  try {
    await expect(opened.start()).rejects.toThrow(
      'TIDINGS_REPLICA_DATABASE_URL leads to a connection pooler whose server connections lack the settings of their role',
    );
  } finally {
    await opened.stop();
    await owner.end();
    pooler.stop();
  }
});

test.skipIf(!findPgBouncer())('behind a pooler in transaction mode, the replica is read as without it', async () => {
  const { primary } = servers;
  const pooler = await startPgBouncer(primary.url, 'transaction');
  const api = new URL(pooler.url);
  api.username = 'tidings_api';
  const pooled = start({
    ...{ DATABASE_URL: pooler.url, TIDINGS_API_DATABASE_URL: api.href, TIDINGS_DIRECT_DATABASE_URL: primary.url },
  });
  const direct = url;
  try {
    url = String((await pooled.ready(90_000)).url);
    const user = await addUser();
    await expect.poll(async () => (await exportUser(user)).asOf, { timeout: 20_000 }).not.toBeNull();
    expect((await exportUser(user)).body).toContain(`${user}@example.com`);
    expect(await readReplicaCheck()).toMatchObject({ status: 'ok' });
  } finally {
    url = direct;
    pooled.kill('SIGTERM');
    expect(await pooled.ended).toBe(0);
    pooler.stop();
  }
});
