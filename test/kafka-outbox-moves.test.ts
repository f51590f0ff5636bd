import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutgoingMessage } from '../src/kafka/client.ts';
import { Seal } from '../src/privacy/seal.ts';
import { awaitQuiet } from '../src/store/dump/quiet-tenant.ts';
import { claimTopics, findReadyTopics, releaseTopic } from '../src/store/kafka/lanes.ts';
import type { TestDatabase } from './support/database.ts';
import { addTenant, emptyDatabase, recordKey, runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { awaitTransactions, CATALOG, fakeProducer, fillOutbox, takeTurns } from './support/kafka/outbox.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Messages for Kafka topics, and positions in topics that are read, when a tenant is dumped or moves, and when keys are rotated. */

const SINKS = `sinks:
  facts: { topic: shop.facts, event_types: [ordered] }
  paused: { topic: shop.paused, event_types: [ordered] }
`;
const TENANTS = ['default', 'acme'];
const ORDERS = ['first', 'second', 'third'];

let tidings: TestTidings;
let folder: { path: string; remove: () => Promise<void> };
const others: TestDatabase[] = [];

beforeAll(async () => {
  tidings = await testTidings({}, new Map(CATALOG));
  tidings.clock.now = Date.now();
  folder = await temporaryFolder();
  await recordKey(tidings);
  await tidings.apply(new Map([...CATALOG, ['sinks.yaml', SINKS]]));
  await addTenant(tidings, 'acme');
  await tidings.pool.query(`update active_catalogs set open_topics = written_topics, open_until = 'infinity'`);
  // The rows of the dump have other places than those that its database would give them.
  for (let i = 0; i < 50; i++) await tidings.pool.query('select pg_current_xact_id()');
  const { pool, clock } = tidings;
  for (const tenant of TENANTS) {
    await pool.query(
      `insert into kafka_topics (tenant_id, topic, paused_at) values ($1, 'shop.facts', null), ($1, 'shop.paused', now())`,
      [tenant],
    );
    for (const id of ORDERS) {
      const event = {
        event_id: id,
        user_id: 'ana',
        event_type: 'ordered',
        event_timestamp: new Date(clock.now).toISOString(),
      };
      const properties = { to: `${id}@example.com` };
      expect(await tidings.pipeline.ingest(tenant, [{ ...event, properties }])).toMatchObject([{ status: 'accepted' }]);
    }
    await fillOutbox(tidings, { tenant, topic: 'shop.facts', user: 'aside' });
    await pool.query(
      `update kafka_outbox set parked_at = now(), parked_code = 'too_large' where tenant_id = $1 and user_id = 'aside'`,
      [tenant],
    );
    await pool.query(
      `insert into kafka_offsets (tenant_id, topic, partition, topic_id, next_offset) values ($1, 'shop.in', 0, 'x', 7)`,
      [tenant],
    );
    await pool.query(`insert into paused_sources (tenant_id, source, paused_at) values ($1, 'orders', now())`, [
      tenant,
    ]);
  }
});
afterAll(async () => {
  await Promise.all(others.map((one) => one.drop()));
  await tidings.close();
  await folder.remove();
});

async function run(database: TestDatabase, ...args: string[]): Promise<void> {
  const { code, stderr } = await runTidings(args, toEnv(database, tidings.key, folder.path));
  expect(code, stderr).toBe(0);
}

/** Returns the messages that are sent from a database, by their ids, with the property that is sealed. */
async function sendFrom(database: TestDatabase, seal = tidings.seal): Promise<string[][]> {
  const { producer, sent } = fakeProducer();
  await takeTurns({ ...tidings, pool: database.pool, seal } as TestTidings, producer);
  return sent.map((message: OutgoingMessage) => {
    const header = (name: string) => String(message.headers.find(([one]) => one === name)?.[1]);
    return [header('tenant'), header('ce_id'), JSON.parse(String(message.value)).properties.to as string];
  });
}

const expected = (tenant: string) => ORDERS.map((id) => [tenant, id, `${id}@example.com`]);

/** Returns the rest of what a dump has of a tenant. */
async function loadPlaces(database: TestDatabase) {
  const rows = async (text: string) => (await database.pool.query({ text, rowMode: 'array' })).rows;
  return {
    offsets: await rows('select tenant_id, next_offset::int from kafka_offsets order by 1'),
    sources: await rows('select tenant_id, source from paused_sources order by 1'),
    topics: await rows(`select tenant_id, topic, paused_at is not null from kafka_topics order by 1, 2`),
    parked: await rows('select tenant_id, user_id from kafka_outbox where parked_at is not null order by 1'),
  };
}

test('a tenant that is dumped is sent what waited elsewhere, in its order, and reads on where it was', async () => {
  const file = join(folder.path, 'acme.gz');
  await run(tidings.database, 'dump', file, '--tenant', 'acme');
  const other = await emptyDatabase();
  others.push(other);
  await run(other, 'migrate');
  await run(other, 'restore', file, '--tenant', 'acme', '--resume');
  expect(await loadPlaces(other)).toEqual({
    offsets: [['acme', 7]],
    sources: [['acme', 'orders']],
    topics: [
      ['acme', 'shop.facts', false],
      ['acme', 'shop.paused', true],
    ],
    parked: [['acme', 'aside']],
  });
  // Messages that are recorded there come after older ones.
  await fillOutbox({ pool: other.pool, clock: tidings.clock }, { tenant: 'acme', topic: 'shop.facts' });
  await other.pool.query(
    `update kafka_outbox set event_id = 'later', data = '{"properties": {"to": "later"}}' where event_id = 'e1' and parked_at is null`,
  );
  expect(await sendFrom(other)).toEqual([...expected('acme'), ['acme', 'later', 'later']]);
});

test('a whole installation that is restored sends what waited', async () => {
  const file = join(folder.path, 'all.gz');
  await run(tidings.database, 'dump', file);
  const other = await emptyDatabase();
  others.push(other);
  await run(other, 'restore', file, '--resume');
  expect(await loadPlaces(other)).toEqual(await loadPlaces(tidings.database));
  expect((await sendFrom(other)).sort()).toEqual([...expected('acme'), ...expected('default')].sort());
});

test('a session of a tenant sees its own messages, topics, positions and pauses', async () => {
  const session = new pg.Client({ connectionString: tidings.database.apiUrl });
  await session.connect();
  await session.query(`begin; select set_config('tidings.tenant', 'acme', true)`);
  for (const table of ['kafka_outbox', 'kafka_topics', 'kafka_offsets', 'paused_sources']) {
    const { rows } = await session.query(`select distinct tenant_id from ${table}`);
    expect([table, rows]).toEqual([table, [{ tenant_id: 'acme' }]]);
  }
  await session.query('rollback');
  await session.end();
});

test('of a tenant that moves nothing more is sent, and its dump waits for what is being sent', async () => {
  const { pool, clock } = tidings;
  await awaitTransactions(pool);
  await findReadyTopics(pool);
  const claimed = await claimTopics(pool, clock.now, clock.now + 60_000, 10, 1);
  const own = claimed.filter(({ tenantId }) => tenantId === 'acme');
  expect(own).toHaveLength(1);
  await pool.query(`update tenants set status = 'moving' where tenant_id = 'acme'`);
  await expect(awaitQuiet(pool, 'acme', 0)).rejects.toThrow(
    'messages for Kafka topics of the tenant "acme" do not end',
  );
  for (const lane of claimed) await releaseTopic(pool, lane, false);
  await awaitQuiet(pool, 'acme', 0);
  clock.now += 1;
  const again = await claimTopics(pool, clock.now, clock.now, 10, 1);
  expect(again.map(({ tenantId }) => tenantId)).toEqual(['default']);
  await pool.query(`update tenants set status = 'active' where tenant_id = 'acme'`);
});

test('what waits is sealed under a new key, and sent as it was posted', async () => {
  const key = randomBytes(32);
  const env = toEnv(tidings.database, `${key.toString('base64')},${tidings.key}`, folder.path);
  const { code, stderr } = await runTidings(['keys', 'rotate-encryption', '--json'], env);
  expect(code, stderr).toBe(0);
  tidings.clock.now += 1;
  const sent = await sendFrom(tidings.database, new Seal(key));
  expect(sent.sort()).toEqual([...expected('acme'), ...expected('default')].sort());
});
