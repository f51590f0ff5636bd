import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import { lockUsers } from '../src/store/facts.ts';
import { isPermanentError, isTransient, isUnreachable } from '../src/store/pg/errors.ts';
import { NotifyListener } from '../src/store/pg/listener.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { openPool, type Timeouts } from '../src/store/pg/pool.ts';
import { withTransaction } from '../src/store/pg/transaction.ts';
import { cableTo } from './support/cable.ts';
import { Program } from './support/program.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Other processes that are frozen, locks that are held, connections that go silent: nobody waits for them for ever. */

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

test('a process that is frozen in the middle of a batch keeps its people, and everybody else, only for a while', async () => {
  const tidings = await start();
  const program = fileURLToPath(new URL('support/frozen-intake.ts', import.meta.url));
  const event = { ...seen('victim'), user_traits: { email: 'maria@example.com' } };
  const other = new Program(['--import', 'tsx', program, tidings.database.url, '2000', JSON.stringify(event)], {});
  cleanup.push(() => other.kill('SIGKILL'));
  const frozen = `select from pg_stat_activity where application_name = 'frozen' and state = 'idle in transaction'
                  and datname = current_database()`;
  await expect.poll(async () => (await tidings.database.pool.query(frozen)).rowCount).toBe(1);

  // Few events are one batch: who is not locked waits with who is.
  const results = await Promise.all(['victim', 'bystander'].map((user) => take(tidings.pipeline, user)));
  expect(results).toEqual(['accepted', 'accepted']);
  expect(other.over).toBe(false);

  other.kill('SIGCONT');
  // At once, as a rule; where it does not hear that its session is gone, once it has waited for an answer long enough.
  await other.says(/^answer: unavailable$/m, 90_000);
  expect(await other.ended).toBe(0);
  const { rows } = await tidings.database.pool.query('select user_id as user from events order by 1');
  expect(rows).toEqual([{ user: 'bystander' }, { user: 'victim' }]);
});

test('a lock that is held for too long: nothing is taken in, and the caller is told to send it again', async () => {
  const tidings = await start();
  const { pipeline } = another(tidings, tidings.database.url, { lock: 200 });
  const { release } = await hold(tidings, 'held');
  await expect(take(pipeline, 'held')).rejects.toMatchObject(UNAVAILABLE);
  expect(await take(pipeline, 'free')).toBe('accepted');
  await release();
  expect(await take(pipeline, 'held')).toBe('accepted');
});

test('connections that go silent: refused, and the next one is a new one', async () => {
  const tidings = await start();
  const cable = await cableTo(tidings.database.url);
  cleanup.push(() => cable.cut());
  const { pool, pipeline } = another(tidings, cable.url, { query: 2000 });
  expect(await take(pipeline, 'a')).toBe('accepted');
  cable.silence();
  await expect(take(pipeline, 'b')).rejects.toMatchObject(UNAVAILABLE);
  expect(await take(pipeline, 'b')).toBe('accepted');

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

test('a wake-up that connects and may not listen leaves no connection behind', async () => {
  const { database } = await start();
  const wakeUp = new NotifyListener(database.url, 'no channel', () => {});
  await wakeUp.start();
  cleanup.push(() => wakeUp.stop());
  const sessions = `select from pg_stat_activity where application_name = 'tidings wake-up' and datname = current_database()`;
  await expect.poll(async () => (await database.pool.query(sessions)).rowCount).toBe(0);
});

test('what the sessions are given', async () => {
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

test.each([
  ['the server ended our silent transaction', coded('25P03'), 'unreachable'],
  ['a server that takes no writes any more', coded('25006'), 'unreachable'],
  ['no name service for now', coded('EAI_AGAIN'), 'unreachable'],
  ['no way to the host', coded('EHOSTUNREACH'), 'unreachable'],
  ['no answer', new Error('Query read timeout'), 'unreachable'],
  ['a lock that is held', coded('55P03'), 'transient'],
  ['a statement that was cancelled', coded('57014'), 'transient'],
  ['a serialization failure', coded('40001'), 'transient'],
  ['a deadlock', coded('40P01'), 'transient'],
  ['a value that is refused', coded('22003'), 'own fault'],
  ['a broken constraint', coded('23514'), 'own fault'],
  ['a mistake in our code', new TypeError('x is not a function'), 'own fault'],
  ['an error of our code', new Error('this never happens'), 'own fault'],
  ['a privilege that is missing', coded('42501'), 'neither'],
  ['no error', null, 'neither'],
])('%s', (_what, error, kind) => {
  const told = isUnreachable(error) ? 'unreachable' : isTransient(error) ? 'transient' : 'neither';
  expect(isPermanentError(error) ? 'own fault' : told).toBe(kind);
});

function coded(code: string): Error {
  return Object.assign(new Error('said by the database'), { code });
}

// ---------------------------------------------------------------------------------------------------------------------

async function start(): Promise<TestTidings> {
  const tidings = await testTidings({}, CATALOG);
  cleanup.push(() => tidings.close());
  return tidings;
}

/** Another process, with a patience of its own. */
function another({ seal, clock }: TestTidings, url: string, patience: Partial<Timeouts>) {
  const pool = openPool(url, { max: 5, name: 'another', timeouts: patience });
  cleanup.push(() => pool.end());
  const catalogs = new CatalogCache(pool);
  const partitions = new Partitions(pool);
  const parts = { pool, catalogs, partitions, seal, clock: () => clock.now, log: silent };
  return { pool, pipeline: new Pipeline(parts) };
}

/** As a batch of somebody who takes his time. */
async function hold({ database }: TestTidings, userId: string) {
  const connection: pg.PoolClient = await database.pool.connect();
  await connection.query('begin');
  await lockUsers(connection, TENANT, [userId]);
  const release = async () => {
    await connection.query('rollback');
    connection.release();
  };
  return { release };
}

function seen(userId: string) {
  return { user_id: userId, event_type: 'seen', event_timestamp: '2025-11-20T11:59:00Z' };
}

async function take(pipeline: Pipeline, userId: string): Promise<string | undefined> {
  const [result] = await pipeline.ingest(TENANT, [seen(userId)]);
  return result?.status;
}
