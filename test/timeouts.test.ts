import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { NotifyListener } from '../src/store/pg/listener.ts';
import { withTransaction } from '../src/store/pg/transaction.ts';
import { cableTo } from './support/cable.ts';
import { Program } from './support/program.ts';
import { type TestProcess, type TestTidings, testTidings } from './support/tidings.ts';

/** Other processes that hang, locks that are held, connections that stop responding: each has a timeout. */

const CATALOG = new Map([
  ['events.yaml', 'events: { seen: {} }'],
  ['notifications.yaml', 'notifications: { SEEN: { category: SYSTEM, channels: [internal] } }'],
  ['rules.yaml', 'rules: { SEEN: { on: seen } }'],
]);
const UNAVAILABLE = { code: 'unavailable', retryAfter: 2 };

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

test('a process that hangs in the middle of a batch blocks its users, and the others, only for a while', async () => {
  const tidings = await start();
  const program = fileURLToPath(new URL('support/frozen-intake.ts', import.meta.url));
  const event = { ...seen('victim'), user_traits: { email: 'maria@example.com' } };
  const other = new Program(['--import', 'tsx', program, tidings.database.url, '2000', JSON.stringify(event)], {});
  cleanup.push(() => other.kill('SIGKILL'));
  const frozen = `select from pg_stat_activity where application_name = 'frozen' and state = 'idle in transaction'
                  and datname = current_database()`;
  await expect.poll(async () => (await tidings.database.pool.query(frozen)).rowCount, { timeout: 60_000 }).toBe(1);

  // Few events are one batch: a user who is not locked waits with one who is.
  const results = await Promise.all(['victim', 'bystander'].map((user) => post(tidings, user)));
  expect(results).toEqual(['accepted', 'accepted']);
  expect(other.over).toBe(false);

  other.kill('SIGCONT');
  // Usually at once; if it does not notice that its session has ended, after the query timeout.
  await other.says(/^answer: unavailable$/m, 90_000);
  expect(await other.ended).toBe(0);
  const { rows } = await tidings.database.pool.query('select user_id as user from events order by 1');
  expect(rows).toEqual([{ user: 'bystander' }, { user: 'victim' }]);
});

test('a lock that is held for too long makes events unavailable to their caller, which can send them again', async () => {
  const tidings = await start();
  const other = tidings.startProcess({ timeouts: { lock: 200 } });
  const { release } = await tidings.holdUsers(['held']);
  await expect(post(other, 'held')).rejects.toMatchObject(UNAVAILABLE);
  expect(await post(other, 'free')).toBe('accepted');
  await release();
  expect(await post(other, 'held')).toBe('accepted');
});

test('a connection that stops responding is discarded, and the next one is a new one', async () => {
  const tidings = await start();
  const cable = await cableTo(tidings.database.url);
  cleanup.push(() => cable.cut());
  const other = tidings.startProcess({ url: cable.url, timeouts: { query: 2000 } });
  const { pool } = other;
  expect(await post(other, 'a')).toBe('accepted');
  cable.silence();
  await expect(post(other, 'b')).rejects.toMatchObject(UNAVAILABLE);
  expect(await post(other, 'b')).toBe('accepted');

  cable.silence();
  await expect(pool.query('select 1')).rejects.toThrow('timeout');
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);

  let tries = 0;
  const silenced = withTransaction(pool, async (connection) => {
    tries++;
    cable.silence();
    await connection.query('select 1');
  });
  await expect(silenced).rejects.toThrow('timeout');
  expect(tries).toBe(1);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a listener that connects and may not listen leaves no connection behind', async () => {
  const { database } = await start();
  const listener = new NotifyListener(database.url, 'no channel', () => {});
  await listener.start();
  cleanup.push(() => listener.stop());
  const sessions = `select from pg_stat_activity where application_name = 'tidings wake-up' and datname = current_database()`;
  await expect.poll(async () => (await database.pool.query(sessions)).rowCount).toBe(0);
});

test('sessions have the documented timeouts', async () => {
  const tidings = await start();
  const { pool } = tidings.database;
  const { rows } = await pool.query(
    `select name, setting from pg_settings where name in ('idle_in_transaction_session_timeout', 'lock_timeout') order by 1`,
  );
  expect(rows).toEqual([
    { name: 'idle_in_transaction_session_timeout', setting: '15000' },
    { name: 'lock_timeout', setting: '20000' },
  ]);
  expect(pool.options).toMatchObject({ query_timeout: 60_000, keepAlive: true });
});

async function start(): Promise<TestTidings> {
  const tidings = await testTidings({}, CATALOG);
  cleanup.push(() => tidings.close());
  return tidings;
}

function seen(userId: string) {
  return { user_id: userId, event_type: 'seen', event_timestamp: '2025-11-20T11:59:00Z' };
}

async function post(process: TestProcess, userId: string): Promise<string | undefined> {
  const [result] = await process.ingest([seen(userId)]);
  return result?.status;
}
