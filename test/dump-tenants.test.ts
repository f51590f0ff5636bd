import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { attributeGoals } from '../src/store/goals/attribute.ts';
import { bearer, createKey, type Issued, ROOT_KEY } from './support/api-keys.ts';
import type { TestDatabase } from './support/database.ts';
import { emptyDatabase, loadTables, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { foldAll, loadRollups } from './support/metrics.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { useTenants } from './support/tenants.ts';

/** An installation with several tenants in a dump of all of it. */

const api = useTenants();
let folder: { path: string; remove: () => Promise<void> };
let target: TestDatabase;
let file: string;
let keys: { acme: Issued; test: Issued; paused: Issued; installation: Issued };
let kept: object;
const programs: Program[] = [];

const WITH_KEY = { 'idempotency-key': 'once', 'x-tidings-tenant': 'acme' };
const NEW_KEY = { name: 'kept', scopes: ['users:read'] };

beforeAll(async () => {
  folder = await temporaryFolder();
  await recordKey(api.tidings);
  await api.create('acme');
  await api.create('paused');
  await api.create('gone');
  keys = {
    acme: await createKey(api.server, {}, { tenant: 'acme' }),
    test: await createKey(api.server, { environment: 'test' }, { tenant: 'acme' }),
    paused: await createKey(api.server, {}, { tenant: 'paused' }),
    installation: await createKey(api.server, { is_installation: true }),
  };
  for (const tenant of ['acme', 'acme.test', 'paused', 'gone']) {
    await api.tidings.pipeline.ingest(tenant, [
      {
        user_id: 'u1',
        event_id: 'e1',
        event_type: 'came',
        event_timestamp: new Date(api.tidings.clock.now).toISOString(),
      },
    ]);
  }
  await api.send('POST', '/api/v1/members', { email: 'a@example.com', name: 'A', role: 'viewer' }, 'acme');
  await api.send('POST', '/api/v1/users/u1/tokens', {}, 'acme');
  const response = await api.server.post('/api/v1/keys', NEW_KEY, bearer(ROOT_KEY, WITH_KEY));
  kept = response.body;
  await api.send('POST', '/api/v1/tenants/paused/suspend');
  await api.send('DELETE', '/api/v1/tenants/gone');
  const { pool } = api.tidings;
  await pool.query(
    `insert into sessions (session_hash, issuer, subject, name, expires_at) values ('a', 'i', 's', 'n', now() + interval '1 day')`,
  );
  await pool.query(
    `insert into login_attempts (state_hash, member, expires_at) values ('a', '{}', now() + interval '1 day')`,
  );
  await pool.query(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
     values ('paused', 'u1', gen_random_uuid(), 'R', '', 'delay', 1, 'waiting', now(), now(), now(), '{}')`,
  );
  await pool.query(
    `insert into idempotency_keys (tenant_id, actor, route, key, fingerprint, locked_until, expires_at)
     values ('acme', 'key x', 'POST /api/v1/keys', 'cut off', 'f', now() + interval '1 minute', now() + interval '1 day')`,
  );
  await pool.query(
    `insert into exposures (tenant_id, user_id, rule, variant, at) values ('acme', 'u1', 'R', 'control', now())`,
  );
  await pool.query(
    `insert into goal_events (tenant_id, user_id, event_time, targets)
     values ('acme', 'u1', now(), '[{"rule":"R","within":60000}]')`,
  );
  // Holds the queue of the suspended tenant, and what is left of the deleted one.
  await api.keep();
  await pool.query(
    `insert into tenants (tenant_id, name, status, is_held, suspended_at) values ('half', 'Half', 'deleting', true, now())`,
  );
  await pool.query(`insert into event_ids values ('half', gen_random_uuid(), gen_random_uuid(), 'u1', now())`);
  file = join(folder.path, 'all.gz');
  expect((await run('dump', file)).stderr).toBe('');
});
afterAll(() => folder.remove());
beforeEach(async () => {
  target = await emptyDatabase();
});
afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill('SIGTERM');
    await program.ended;
  }
  await target.drop();
});

const env = (database: TestDatabase) => toEnv(database, api.tidings.key, folder.path);
const run = (...args: string[]) => runTidings(args, env(api.tidings.database));
const runThere = (...args: string[]) => runTidings(args, env(target));

async function start(): Promise<
  (path: string, key: string, body?: object, headers?: object) => Promise<[number, object]>
> {
  const program = tidingsDirectly(['start', '--json'], {
    env: {
      ...env(target),
      PORT: '0',
      TIDINGS_POLL: '1s',
      TIDINGS_API_KEYS: ROOT_KEY,
    },
  });
  programs.push(program);
  const { url } = await program.ready();
  return async (path, key, body, headers = {}) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { ...bearer(key), ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return [response.status, (await response.json()) as object];
  };
}

test('every tenant is restored with its keys, members, followers and suspension; sessions and one-time links are not', async () => {
  const before = await loadTables(api.tidings.pool);
  expect((await runThere('restore', file)).stderr).toBe('');
  const after = await loadTables(target.pool);
  expect([after.sessions, after.login_attempts]).toEqual([[], []]);
  const changed = ['sessions', 'login_attempts', 'quotas', 'idempotency_keys'];
  for (const [table, rows] of Object.entries(before)) {
    if (!changed.includes(table)) expect(after[table], table).toEqual(rows);
  }
  expect(before.members?.length && before.signing_keys?.length).toBeGreaterThan(0);
  expect(before.exposures?.length && before.goal_events?.length && before.metric_deltas?.length).toBeGreaterThan(0);
});

test('what was not counted yet is counted in the restored installation, once, with what comes afterwards', async () => {
  await runThere('restore', file);
  await target.pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
    'acme',
    JSON.stringify([{ minute: 29_394_000, event: 'came', events: 1 }]),
  ]);
  expect(await attributeGoals(target.pool, 'acme')).toBe(1);
  await foldAll(target.pool);
  await foldAll(target.pool);
  const days = Object.entries(await loadRollups(target.pool, 'acme')).filter(([key]) => key.startsWith('day|'));
  const sumOf = (part: string, counter: string) =>
    days.reduce((sum, [key, sums]) => sum + (key.includes(part) ? (sums[counter] ?? 0) : 0), 0);
  expect(sumOf('|event|', 'events')).toBe(2);
  expect(sumOf('|experiment|', 'goals')).toBe(1);
});

test('keys, suspensions and kept responses work in the restored installation, and a cut off request blocks nothing', async () => {
  await runThere('restore', file);
  const { rows } = await target.pool.query(
    `select count(*)::int as n from idempotency_keys where locked_until > now()`,
  );
  expect(rows).toEqual([{ n: 0 }]);
  const call = await start();
  expect((await call('/users', keys.acme.key))[1]).toMatchObject({ users: [{ user_id: 'u1' }] });
  expect((await call('/users', keys.test.key))[1]).toMatchObject({ users: [{ user_id: 'u1' }] });
  expect(await call('/users', keys.paused.key)).toMatchObject([403, { code: 'tenant_suspended' }]);
  expect((await call('/users', keys.installation.key))[0]).toBe(200);
  expect((await call('/keys', ROOT_KEY, NEW_KEY, WITH_KEY))[1]).toEqual(kept);
});

test('what a suspended tenant has queued is held from the first moment, also if the workers go on at once', async () => {
  await runThere('restore', file, '--resume');
  const held = `select (select count(*)::int from waits where claimed_until = '2500-01-01Z') as waits,
    (select count(*)::int from deliveries where tenant_id = 'paused' and due_at = '2500-01-01Z') as deliveries`;
  expect((await target.pool.query(held)).rows).toEqual([{ waits: 1, deliveries: 1 }]);
  const resume = await runThere('resume', '--tenant', 'paused');
  expect(resume.stderr).toBe(
    'tidings: the tenant "paused" is suspended; tidings tenants resume paused goes on with everything\n',
  );
  expect((await target.pool.query(held)).rows).toEqual([{ waits: 1, deliveries: 1 }]);
});

test('a tenant that was being deleted does not come back: its deletion is completed', async () => {
  await runThere('restore', file, '--resume');
  await start();
  const left = () =>
    target.pool.query(
      `select tenant_id from event_ids where tenant_id = 'half' union select tenant_id from tenants where tenant_id = 'half'`,
    );
  await expect.poll(async () => (await left()).rows, { timeout: 40_000 }).toEqual([]);
}, 60_000);

test('an installation without the tenant default is restored without it', async () => {
  const { pool } = api.tidings;
  const { rows } = await pool.query(`select from tenants where tenant_id = 'default'`);
  expect(rows).toHaveLength(1);
  await runThere('restore', file);
  const again = join(folder.path, 'again.gz');
  await target.pool.query(`update tenants set follows = null where follows = 'default'`);
  await target.pool.query(`delete from api_keys where tenant_id = 'default'`);
  await target.pool.query(`delete from tenants where tenant_id = 'default'`);
  expect((await runThere('dump', again)).stderr).toBe('');
  await target.pool.query('drop schema public cascade; create schema public');
  expect((await runThere('restore', again)).stderr).toBe('');
  const ids = await target.pool.query('select tenant_id from tenants order by 1');
  expect(ids.rows.map((row) => row.tenant_id)).toEqual(['acme', 'acme.test', 'half', 'paused']);
});
