import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ERASURE_STEPS } from '../src/store/erasure/erase-rows.ts';
import { claimTopics, findReadyTopics, hasHeldBack, releaseTopic } from '../src/store/kafka/lanes.ts';
import { listTopics } from '../src/store/kafka/topics.ts';
import {
  awaitTransactions,
  CATALOG,
  fakeProducer,
  fillOutbox,
  makeKeeper,
  openSinks,
  TOPIC,
  takeTurns,
} from './support/kafka/outbox.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Work for Kafka topics costs what there is to send, however many topics and users there are; and tenants take turns. */

const IDLE = 10_000;

let tidings: TestTidings;
beforeEach(async () => {
  tidings = await testTidings({}, new Map(CATALOG));
  tidings.clock.now = Date.now();
});
afterEach(() => tidings.close());

/** Adds tenants whose catalogs write a topic, and that have nothing to send. */
async function addIdle(): Promise<void> {
  const { pool } = tidings;
  await pool.query(
    `insert into tenants (tenant_id, name) select 'idle-' || n, 'Idle' from generate_series(1, ${IDLE}) as n`,
  );
  await pool.query(`
    insert into catalogs select (jsonb_populate_record(c, jsonb_build_object('tenant_id', 'idle-' || n))).*
    from catalogs as c, generate_series(1, ${IDLE}) as n where tenant_id = '${TENANT}' and version = 1`);
  await pool.query(`
    insert into active_catalogs (tenant_id, version) select 'idle-' || n, 1 from generate_series(1, ${IDLE}) as n`);
  // As a worker leaves them.
  await pool.query(`
    update active_catalogs set written_topics = array['t'], open_topics = array['t'], open_until = now() + interval '24 hours',
           topics_due_at = now() + interval '1 hour' where tenant_id like 'idle-%'`);
  await pool.query(`
    insert into kafka_topics (tenant_id, topic, measured_at, measure_at)
    select 'idle-' || n, 't', now(), null from generate_series(1, ${IDLE}) as n`);
  await pool.query('analyze kafka_topics, active_catalogs, tenants');
}

const TABLES = `('kafka_topics', 'kafka_outbox', 'active_catalogs')`;

/** A connection whose reads of these tables are counted. */
class CountedConnection {
  static async open(): Promise<CountedConnection> {
    return new CountedConnection(await tidings.pool.connect());
  }

  readonly #connection: pg.PoolClient;

  private constructor(connection: pg.PoolClient) {
    this.#connection = connection;
  }

  get pool(): pg.Pool {
    return this.#connection as unknown as pg.Pool;
  }

  /** Returns the rows and index entries that `work` reads. */
  async count(work: () => Promise<unknown>): Promise<number> {
    const before = await this.#load();
    await work();
    return (await this.#load()) - before;
  }

  close(): void {
    this.#connection.release();
  }

  async #load(): Promise<number> {
    await this.#connection.query('select pg_stat_force_next_flush()');
    const { rows } = await this.#connection.query(`
      select (select sum(idx_tup_read) from pg_stat_user_indexes where relname in ${TABLES})
           + (select sum(seq_tup_read) from pg_stat_user_tables where relname in ${TABLES}) as n`);
    return Number(rows[0].n);
  }
}

test('looks, claims and measurements cost what one busy topic does, beside ten thousand that are idle', async () => {
  await openSinks(tidings);
  await addIdle();
  await fillOutbox(tidings, { count: 3 });
  await awaitTransactions(tidings.pool);
  const { clock } = tidings;
  const now = clock.now;
  const counted = await CountedConnection.open();
  const { pool } = counted;
  const keeper = makeKeeper({ pool, clock });
  // The first look of a process is at all of them.
  await keeper.open();
  const claimed = await counted.count(async () => {
    await findReadyTopics(pool);
    const [lane, ...others] = await claimTopics(pool, now, now + 1000, 4, 1);
    expect(lane).toMatchObject({ tenantId: TENANT, topic: TOPIC });
    expect(others).toEqual([]);
    await releaseTopic(pool, lane!, false);
    await hasHeldBack(pool);
    await findReadyTopics(pool);
  });
  expect(claimed).toBeLessThan(100);
  expect(await counted.count(() => keeper.open())).toBeLessThan(100);
  // A page of those that are idle is looked at, too.
  expect(await counted.count(() => makeKeeper({ pool, clock }).measure())).toBeLessThan(2000);
  expect(await listTopics(pool, TENANT)).toMatchObject([{ waiting: 3 }]);
  counted.close();
});

test('a topic that has sent all it had is claimed again only for new messages', async () => {
  await openSinks(tidings);
  const { pool, clock } = tidings;
  const claim = async () => {
    await awaitTransactions(pool);
    await findReadyTopics(pool);
    return claimTopics(pool, clock.now, clock.now, 4, 1);
  };
  await fillOutbox(tidings);
  await takeTurns(tidings, fakeProducer().producer);
  clock.now += 1;
  expect(await claim()).toEqual([]);
  await fillOutbox(tidings);
  expect(await claim()).toHaveLength(1);
});

test('a message that is found while the last one is sent has its topic claimed again', async () => {
  await openSinks(tidings);
  const { pool, clock } = tidings;
  await fillOutbox(tidings);
  await awaitTransactions(pool);
  await findReadyTopics(pool);
  const [lane] = await claimTopics(pool, clock.now, clock.now, 4, 1);
  await fillOutbox(tidings);
  await awaitTransactions(pool);
  await findReadyTopics(pool);
  await releaseTopic(pool, lane!, true);
  clock.now += 1;
  expect(await claimTopics(pool, clock.now, clock.now, 4, 1)).toHaveLength(1);
});

test('one tenant with many busy topics leaves places to the others', async () => {
  await openSinks(tidings);
  const { pool, clock } = tidings;
  await pool.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme')`);
  for (let topic = 0; topic < 30; topic++) await fillOutbox(tidings, { topic: `busy-${topic}` });
  await fillOutbox(tidings, { tenant: 'acme', topic: 'small' });
  await awaitTransactions(pool);
  await findReadyTopics(pool);
  const first = await claimTopics(pool, clock.now, clock.now + 1000, 2, 1);
  expect(first.map(({ tenantId }) => tenantId).sort()).toEqual(['acme', TENANT].sort());
  await releaseTopic(pool, first.find(({ tenantId }) => tenantId === 'acme')!, false);
  clock.now += 1;
  // Its turn was the last, but the other tenant has a place already.
  expect((await claimTopics(pool, clock.now, clock.now + 1000, 1, 1)).map(({ tenantId }) => tenantId)).toEqual([
    'acme',
  ]);
});

test('what a long transaction holds back is measured, though nothing of it can be sent', async () => {
  await openSinks(tidings);
  const { pool } = tidings;
  const keeper = makeKeeper(tidings);
  await keeper.measure();
  const long = await pool.connect();
  await long.query('begin');
  await long.query('select pg_current_xact_id()');
  await fillOutbox(tidings, { count: 5 });
  await findReadyTopics(pool);
  await makeKeeper(tidings, { maxWaiting: 5 }).measure();
  expect(await listTopics(pool, TENANT)).toMatchObject([{ waiting: 5, full_since: expect.any(String) }]);
  await long.query('rollback');
  long.release();
});

test('an erasure reads the messages of its user, not those of others', async () => {
  await openSinks(tidings);
  const { seal, clock } = tidings;
  await fillOutbox(tidings, { count: 20_000, user: 'other' });
  await fillOutbox(tidings, { count: 3, user: 'ana' });
  const step = ERASURE_STEPS.find(({ table }) => table === 'kafka_outbox')!;
  const erasure = {
    tenantId: TENANT,
    userId: 'ana',
    erasedAt: clock.now + 1000,
    until: '00000000-0000-0000-0000-000000000000',
  } as never;
  const counted = await CountedConnection.open();
  const read = await counted.count(async () => {
    const connection = counted.pool as unknown as pg.PoolClient;
    expect(await step.erase(connection, seal, erasure, null, 1000)).toEqual({ rows: 3, at: null });
  });
  counted.close();
  expect(read).toBeLessThan(20);
  const { rows } = await tidings.pool.query('select user_id, count(*)::int as n from kafka_outbox group by 1');
  expect(rows).toEqual([{ user_id: 'other', n: 20_000 }]);
});
