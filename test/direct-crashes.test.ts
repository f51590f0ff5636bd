import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lockUsers } from '../src/store/facts/facts.ts';
import { type CatalogProcesses, useCatalogProcesses } from './support/catalog-processes.ts';
import { deliveryCatalog } from './support/deliveries.ts';
import { TENANT } from './support/tidings.ts';

/** A direct send whose process is killed is completed by its repetition, and no user gets it twice. */

vi.setConfig({ testTimeout: 120_000 });

/** More than one batch takes: those of the other shards are stored while one waits. */
const COUNT = 900;
const prepare = useCatalogProcesses();
let processes: CatalogProcesses;
let cleanup: (() => Promise<void>)[] = [];

beforeEach(async () => {
  processes = await prepare({ catalog: deliveryCatalog(), leaseMs: 2000 });
});
afterEach(async () => {
  for (const step of cleanup) await step().catch(() => undefined);
  cleanup = [];
});

test.each(['at once', 'scheduled'])(
  'a request that is killed in the middle of its events is completed by its repetition (%s)',
  async (when) => {
    const { program, url } = await processes.start('api');
    const table = when === 'at once' ? 'notifications' : 'waits';
    const held = await hold((connection) => lockUsers(connection, TENANT, ['u 7']));
    const lost = send(url, when).catch(() => undefined);
    await expect.poll(() => count(table), { timeout: 20_000 }).toBeGreaterThan(0);
    program.killGroup('SIGKILL');
    await Promise.all([program.ended, lost]);
    await held.release();
    expect(await count(table)).toBeLessThan(COUNT);
    const { rows: before } = await processes.database.pool.query(
      'select event_id from events where event_id is not null',
    );
    const next = (await processes.start('api')).url;
    expect((await send(next, when)).status).toBe(409);
    await endLocks();
    const { status, body } = await send(next, when);
    expect(status).toBe(202);
    expect(body.accepted).toBe(COUNT);
    expect(await count(table)).toBe(COUNT);
    const { rows: users } = await processes.database.pool.query(
      `select count(distinct user_id)::int as n from ${table}`,
    );
    expect(users[0].n).toBe(COUNT);
    expect(before.length).toBeGreaterThan(0);
    const { rows: after } = await processes.database.pool.query(
      'select event_id from events where event_id is not null',
    );
    expect(after).toEqual(expect.arrayContaining(before));
    await sameIds(table, body);
  },
);

test('a request that is killed before its answer is kept gets that answer by its repetition', async () => {
  const { program, url } = await processes.start('api');
  const work = await hold((connection) => connection.query('lock table notifications in share row exclusive mode'));
  const lost = send(url, 'at once').catch(() => undefined);
  await expect.poll(countLockWaits, { timeout: 20_000 }).toBeGreaterThan(0);
  const keys = await hold((connection) => connection.query('lock table idempotency_keys in share mode'));
  await work.release();
  await expect.poll(() => count('notifications'), { timeout: 20_000 }).toBe(COUNT);
  program.killGroup('SIGKILL');
  await Promise.all([program.ended, lost]);
  await keys.release();
  const next = (await processes.start('api')).url;
  await endLocks();
  const { status, body } = await send(next, 'at once');
  expect(status).toBe(202);
  expect(await count('notifications')).toBe(COUNT);
  await sameIds('notifications', body);
  const again = await send(next, 'at once');
  expect([again.status, again.replayed, again.body]).toEqual([202, 'true', body]);
});

interface Answer {
  readonly accepted: number;
  readonly results: readonly { readonly notification_id: string }[];
}

async function send(url: string | null, when: string) {
  const response = await fetch(`${url}/api/v1/notifications`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
    body: JSON.stringify({
      type: 'MAIL',
      recipients: Array.from({ length: COUNT }, (_, n) =>
        n % 2 ? { user_id: `u ${n}` } : { email: `u${n}@example.com` },
      ),
      variables: { n: 1 },
      ...(when === 'scheduled' && { scheduled_at: '2099-12-01T09:00:00Z' }),
    }),
  });
  const replayed = response.headers.get('idempotency-replayed');
  return { status: response.status, body: (await response.json()) as Answer, replayed };
}

/** Expects that the answer names what is stored, each once. */
async function sameIds(table: string, { results }: Answer): Promise<void> {
  const column = table === 'waits' ? 'wait_id' : 'notification_id';
  const { rows } = await processes.database.pool.query<{ id: string }>(`select ${column} as id from ${table}`);
  expect(results.map((one) => one.notification_id).sort()).toEqual(rows.map(({ id }) => id).sort());
}

/** Does something in a transaction that stays open. */
async function hold(work: (connection: import('pg').PoolClient) => Promise<unknown>) {
  const connection = await processes.database.pool.connect();
  await connection.query('begin');
  // The session ends by itself otherwise, on a machine that takes long to start processes.
  await connection.query('set local idle_in_transaction_session_timeout = 0');
  await work(connection);
  let isOpen = true;
  const release = async () => {
    if (!isOpen) return;
    isOpen = false;
    await connection.query('rollback');
    connection.release();
  };
  cleanup.push(release);
  return { release };
}

async function count(table: string): Promise<number> {
  const { rows } = await processes.database.pool.query(`select count(*)::int as n from ${table}`);
  return rows[0].n;
}

async function countLockWaits(): Promise<number> {
  const { rowCount } = await processes.database.pool.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
}

async function endLocks(): Promise<void> {
  await processes.database.pool.query(`update idempotency_keys set locked_until = now() - interval '1 ms'`);
}
