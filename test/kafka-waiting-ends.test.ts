import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RETENTION_NAMES, type RetentionPeriods } from '../src/model/retention-policy.ts';
import { runRetention } from '../src/store/retention/run-retention.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import {
  CATALOG,
  fakeProducer,
  fillOutbox,
  idsOf,
  makeKeeper,
  openSinks,
  SINKS,
  TOPIC,
  takeTurns,
} from './support/kafka/outbox.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Ends of messages that wait for a Kafka topic: retention, which says so in the topic, and a catalog that no longer writes it. */

const DAY = 86_400_000;
const PERIODS = {
  ...Object.fromEntries(RETENTION_NAMES.map((name) => [name, null])),
  kafka_outbox: 30 * DAY,
} as unknown as RetentionPeriods;

let tidings: TestTidings;
let server: TestServer;
beforeEach(async () => {
  tidings = await testTidings({}, new Map(CATALOG));
  tidings.clock.now = Date.now();
  server = await testServer(tidings);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await tidings.close();
});

const iso = (at: number) => new Date(at).toISOString();
const rows = async (text: string) => (await tidings.pool.query(text)).rows;
/** Makes a catalog without these sinks the active one, as a worker notices it. */
async function apply(sinks: string | null): Promise<void> {
  await tidings.apply(new Map([...CATALOG, ...(sinks === null ? [] : [['sinks.yaml', sinks] as const])]));
  await makeKeeper(tidings).open();
}
async function listSinks(): Promise<readonly { name: string; topic: string; kind: string; waiting: number }[]> {
  return (await server.get('/api/v1/sinks')).body.sinks;
}

/** Records messages as of some days ago. */
async function fillOld(count: number, daysAgo: number, topic = TOPIC): Promise<number> {
  const at = tidings.clock.now - daysAgo * DAY;
  await fillOutbox({ pool: tidings.pool, clock: { now: at } }, { count, topic });
  return at;
}

test('a message in the topic says what retention removes, one for each run', async () => {
  await openSinks(tidings);
  const first = await fillOld(1500, 50);
  const last = await fillOld(1500, 40);
  await fillOld(1, 1);
  await runRetention(tidings.pool, PERIODS);
  const { producer, sent } = fakeProducer();
  await takeTurns(tidings, producer);
  const types = sent.map(({ headers }) => String(headers.find(([name]) => name === 'ce_type')?.[1]));
  expect(types).toEqual(['ordered', 'tidings.gap']);
  expect(JSON.parse(String(sent[1]?.value))).toEqual({ topic: TOPIC, since: iso(first), until: iso(last) });
});

test('a gap that expires itself is in the next one', async () => {
  await openSinks(tidings);
  const first = await fillOld(1, 90);
  await runRetention(tidings.pool, PERIODS);
  await tidings.pool.query(`update kafka_outbox set created_at = created_at - interval '31 days'`);
  const last = await fillOld(1, 31);
  await runRetention(tidings.pool, PERIODS);
  expect(await rows('select kind, data from kafka_outbox')).toEqual([
    { kind: 'gap', data: { topic: TOPIC, since: iso(first), until: iso(last) } },
  ]);
});

test('a topic that no catalog writes any longer is sent what waits, and is forgotten', async () => {
  await openSinks(tidings);
  await fillOutbox(tidings, { count: 3 });
  await apply(null);
  await makeKeeper(tidings).measure();
  expect(await listSinks()).toMatchObject([{ name: TOPIC, kind: 'former', waiting: 3 }]);
  const { producer, sent } = fakeProducer();
  await takeTurns(tidings, producer);
  expect(idsOf(sent)).toHaveLength(3);
  tidings.clock.now += 60_000;
  await makeKeeper(tidings).measure();
  expect(await listSinks()).toEqual([]);
  expect(await rows('select open_topics, topics_due_at from active_catalogs')).toEqual([
    { open_topics: null, topics_due_at: null },
  ]);
});

test('what a transaction records under an old catalog is sent, though its topic was forgotten', async () => {
  await openSinks(tidings);
  const late = await tidings.pool.connect();
  await late.query('begin');
  await fillOutbox({ pool: late as never, clock: tidings.clock });
  await apply(null);
  await makeKeeper(tidings).measure();
  expect(await rows('select from kafka_topics')).toEqual([]);
  await late.query('commit');
  late.release();
  const { producer, sent } = fakeProducer();
  await takeTurns(tidings, producer);
  expect(idsOf(sent)).toHaveLength(1);
});

test('what waits for a topic that no catalog writes is discarded by command, and removed by retention without a gap', async () => {
  await openSinks(tidings);
  await fillOutbox(tidings, { count: 3 });
  await tidings.pool.query(
    `update kafka_outbox set parked_at = now(), parked_code = 'too_large' where event_id = 'e1'`,
  );
  await apply(null);
  expect((await server.post(`/api/v1/sinks/${TOPIC}/parked/discard`, undefined)).body).toMatchObject({
    ...{ name: TOPIC, messages: 3, has_more: false, remaining: 0 },
  });
  await fillOld(2, 40);
  await runRetention(tidings.pool, PERIODS);
  expect(await rows('select from kafka_outbox')).toEqual([]);
});

test('a discard leaves what waits for a topic that is written', async () => {
  await openSinks(tidings);
  await fillOutbox(tidings, { count: 2 });
  expect((await server.post('/api/v1/sinks/orders/parked/discard', undefined)).body).toEqual({
    ...{ name: 'orders', messages: 0, has_more: false, remaining: 0, parked_until: null },
  });
  expect(await rows('select from kafka_outbox')).toHaveLength(2);
});

test('an answer says how many messages are left, and a command goes on with all but those that are set aside again', async () => {
  await openSinks(tidings);
  await fillOutbox(tidings, { count: 3500 });
  await tidings.pool.query(`update kafka_outbox set parked_at = now(), parked_code = 'too_large'`);
  const first = await server.post('/api/v1/sinks/orders/parked/retry', undefined);
  expect(first.body).toMatchObject({ messages: 1000, has_more: true, remaining: 2500 });
  await tidings.pool.query(
    `update kafka_outbox set parked_at = now() + interval '1 s', parked_code = 'too_large' where parked_at is null`,
  );
  const { parked_until } = first.body;
  const second = await server.post('/api/v1/sinks/orders/parked/retry', { parked_until });
  expect(second.body).toMatchObject({ messages: 1000, remaining: 1500, parked_until });
  vi.stubEnv('TIDINGS_URL', server.url);
  const once = await runCommand('sinks', 'discard', 'orders');
  expect(once.text).toBe(
    'The sink orders lost 1,000 messages.\nLeft: 1,500 messages; repeat the command, or write --all.',
  );
  const all = await runCommand('sinks', 'discard', 'orders', '--all');
  expect(all.text).toBe('The sink orders lost 1,500 messages.');
  expect(await rows('select count(*)::int as n from kafka_outbox where parked_at is null')).toEqual([{ n: 1000 }]);
});

test('a former topic has a name of its own if a sink has its name now', async () => {
  await openSinks(tidings, 'sinks: { first: { topic: orders, event_types: [ordered] } }');
  await fillOutbox(tidings, { topic: 'orders' });
  await apply(SINKS);
  expect(await listSinks()).toMatchObject([
    { name: 'orders', topic: TOPIC, kind: 'sink' },
    { name: 'former:orders', topic: 'orders', kind: 'former' },
  ]);
  expect((await server.post('/api/v1/sinks/former%3Aorders/parked/discard', undefined)).body.messages).toBe(1);
});
