import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkKafka } from '../src/health/kafka-check.ts';
import type { KafkaProducer } from '../src/kafka/client.ts';
import type { KafkaSettings } from '../src/model/kafka.ts';
import { SinkWorker } from '../src/sinks/sink-worker.ts';
import {
  deadLetterStatement,
  readOutbox,
  releaseMessages,
  renumberForeign,
  renumberOutbox,
} from '../src/store/kafka/outbox.ts';
import { findTopicTrouble, listTopics, setTopicPaused } from '../src/store/kafka/topics.ts';
import {
  awaitTransactions,
  CATALOG,
  fakeProducer,
  fillOutbox,
  idsOf,
  makeKeeper,
  openSinks,
  SINKS,
  TOPIC,
  takeTurns,
  tooLarge,
} from './support/kafka/outbox.ts';
import { silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Messages for Kafka topics as they are recorded, and the order in which they are handed over; without a broker. */

let tidings: TestTidings;
let n = 0;
beforeEach(async () => {
  tidings = await testTidings({}, new Map(CATALOG));
  tidings.clock.now = Date.now();
});
afterEach(() => tidings.close());

const keeper = (out: Partial<KafkaSettings['out']> = {}, settings: Partial<KafkaSettings> = {}) =>
  makeKeeper(tidings, out, settings);
const open = () => openSinks(tidings);
const fill = (count: number, size = 10) => fillOutbox(tidings, { count, size });
const turn = (producer: KafkaProducer, goodFor?: number, rate?: number) =>
  takeTurns(tidings, producer, { goodFor, rate });

async function post(user: string, properties: object = {}): Promise<void> {
  const event_timestamp = new Date(tidings.clock.now).toISOString();
  const [result] = await tidings.ingest([
    { event_id: `e ${++n}`, user_id: user, event_type: 'ordered', event_timestamp, properties: { n, ...properties } },
  ]);
  expect(result?.status).toBe('accepted');
}

const count = async () => (await tidings.pool.query('select count(*)::int as n from kafka_outbox')).rows[0].n as number;

test('without sinks, and before their topics are open, nothing is recorded', async () => {
  await post('ana');
  await tidings.apply(new Map([...CATALOG, ['sinks.yaml', SINKS]]));
  await post('ana');
  expect(await count()).toBe(0);
  await keeper({}, { allowed: [{ tenantId: 'other', topic: 'shop.*' }] }).open();
  await post('ana');
  expect(await count()).toBe(0);
  await keeper().open();
  await post('ana');
  expect(await count()).toBe(1);
});

test('a message is sent as it was posted, and stands masked in the outbox', async () => {
  await open();
  await post('ana', { to: 'ana@example.com' });
  const { rows } = await tidings.pool.query('select data::text as text from kafka_outbox');
  expect(rows[0].text).not.toContain('ana@example.com');
  const { producer, sent } = fakeProducer();
  await turn(producer);
  expect(String(sent[0]?.key)).toBe('default:ana');
  expect(JSON.parse(String(sent[0]?.value)).properties.to).toBe('ana@example.com');
  expect(await count()).toBe(0);
});

test('what an open transaction precedes waits for it, so that nothing is overtaken', async () => {
  await open();
  const early = await tidings.pool.connect();
  await early.query('begin');
  await early.query(`insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, key, type, event_id, at, data, bytes, created_at)
    values ('default', gen_random_uuid(), '${TOPIC}', 'fact', 'ana', 'default:ana', 'ordered', 'early', now(), '{}', 2, now())`);
  await post('ana');
  expect(await readOutbox(tidings.pool, { tenantId: TENANT, topic: TOPIC }, 10, 1000)).toEqual([]);
  await early.query('commit');
  early.release();
  const { producer, sent } = fakeProducer();
  await turn(producer);
  expect(idsOf(sent)).toEqual(['early', `e ${n}`]);
});

test('after a crash between acknowledgement and deletion the same messages come again, in order', async () => {
  await open();
  for (let i = 0; i < 5; i++) await post('ana');
  const ids = Array.from({ length: 5 }, (_, i) => `e ${n - 4 + i}`);
  const failing = fakeProducer();
  await tidings.pool.query(`
    create function fail() returns trigger language plpgsql as $$ begin raise exception 'gone'; end $$;
    create trigger fail before delete on kafka_outbox for each row execute function fail()`);
  await expect(turn(failing.producer)).rejects.toThrow('gone');
  await tidings.pool.query('drop trigger fail on kafka_outbox');
  const again = fakeProducer();
  tidings.clock.now += 1;
  await turn(again.producer);
  expect(idsOf(failing.sent)).toEqual(ids);
  expect(idsOf(again.sent)).toEqual(ids);
  expect(await count()).toBe(0);
});

test('a process whose claim may be over sends nothing', async () => {
  await open();
  await post('ana');
  const { producer, sent } = fakeProducer();
  await turn(producer, -1);
  expect(sent).toEqual([]);
  expect(await count()).toBe(1);
});

test('a message that is never taken is found by halving, and set aside; the others go on in order', async () => {
  await open();
  for (let i = 0; i < 9; i++) await post('ana');
  const bad = `e ${n - 3}`;
  const { producer, sent } = fakeProducer((messages) => {
    if (idsOf(messages).includes(bad)) throw tooLarge();
  });
  await turn(producer);
  expect(idsOf(sent)).toEqual(Array.from({ length: 9 }, (_, i) => `e ${n - 8 + i}`).filter((id) => id !== bad));
  const { rows } = await tidings.pool.query('select event_id, parked_code from kafka_outbox');
  expect(rows).toEqual([{ event_id: bad, parked_code: 'too_large' }]);
});

test('when too much waits nothing more is recorded; afterwards a message says what time is missing', async () => {
  await open();
  for (let i = 0; i < 3; i++) await post('ana');
  await keeper({ maxWaiting: 3 }).measure();
  expect(await listTopics(tidings.pool, TENANT)).toMatchObject([{ waiting: 3, full_since: expect.any(String) }]);
  await post('ana');
  expect(await count()).toBe(3);
  await keeper().open();
  await post('ana');
  expect(await count()).toBe(3);
  const { producer, sent } = fakeProducer();
  tidings.clock.now += 10_000;
  await turn(producer);
  await keeper({ maxWaiting: 3 }).measure();
  await post('ana');
  tidings.clock.now += 1;
  await turn(producer);
  const types = sent.map(({ headers }) => String(headers.find(([name]) => name === 'ce_type')?.[1]));
  expect(types).toEqual(['ordered', 'ordered', 'ordered', 'tidings.gap', 'ordered']);
  expect(JSON.parse(String(sent[3]?.value))).toMatchObject({
    topic: TOPIC,
    since: expect.any(String),
    until: expect.any(String),
  });
});

test('messages of another database keep their order, before those of this one', async () => {
  await open();
  for (let i = 0; i < 3; i++) await post('ana');
  // As after a restore into a database with fewer transactions.
  await tidings.pool.query(`update kafka_outbox set xid = (9000000000 - id)::text::xid8`);
  const { rows } = await tidings.pool.query('select event_id from kafka_outbox order by xid, id');
  await renumberOutbox(tidings.pool, null);
  await post('ana');
  const { producer, sent } = fakeProducer();
  await turn(producer);
  expect(idsOf(sent)).toEqual([...rows.map((row) => row.event_id), `e ${n}`]);
});

test('what was sent is not visited again, as long as an old snapshot keeps it', async () => {
  await open();
  const { pool } = tidings;
  const old = await pool.connect();
  await old.query('begin isolation level repeatable read');
  await old.query('select from kafka_outbox');
  for (let i = 0; i < 12; i++) await fill(100);
  const { producer, sent } = fakeProducer();
  while ((await count()) > 0) {
    tidings.clock.now += 120_000;
    await turn(producer);
  }
  expect(sent).toHaveLength(1200);
  await fill(1);
  await awaitTransactions(pool);
  const one = await pool.connect();
  const visited = async () => {
    await one.query('select pg_stat_force_next_flush()');
    const { rows } = await one.query(
      `select idx_tup_read::int as n from pg_stat_user_indexes where indexrelname = 'kafka_outbox_queue'`,
    );
    return rows[0].n as number;
  };
  const before = await visited();
  expect(await readOutbox(one as unknown as typeof pool, { tenantId: TENANT, topic: TOPIC }, 10, 1000)).toHaveLength(1);
  expect((await visited()) - before).toBeLessThanOrEqual(101);
  one.release();
  await old.query('commit');
  old.release();
});

test('a message that was set aside is sent after what waits, when it is retried', async () => {
  await open();
  for (let i = 0; i < 3; i++) await post('ana');
  const bad = `e ${n - 2}`;
  await turn(
    fakeProducer((messages) => {
      if (idsOf(messages).includes(bad)) throw tooLarge();
    }).producer,
  );
  await post('ana');
  expect(await releaseMessages(tidings.pool, TENANT, TOPIC, 'retried', null)).toMatchObject({ messages: 1 });
  const { producer, sent } = fakeProducer();
  tidings.clock.now += 120_000;
  await turn(producer);
  expect(idsOf(sent)).toEqual([`e ${n}`, bad]);
});

test('what was sent in another database hides nothing', async () => {
  await open();
  await tidings.pool.query(`update kafka_topics set sent_xid = '9000000000'`);
  await post('ana');
  await renumberForeign(tidings.pool);
  const { producer, sent } = fakeProducer();
  await turn(producer);
  expect(idsOf(sent)).toEqual([`e ${n}`]);
});

test('messages that were set aside count as messages that wait', async () => {
  await open();
  await fill(3);
  await tidings.pool.query(`update kafka_outbox set parked_at = now(), parked_code = 'too_large'`);
  await keeper({ maxWaiting: 3 }).measure();
  await post('ana');
  expect(await count()).toBe(3);
});

test('a topic that no process looked at for a day says what time it lacks', async () => {
  await open();
  await tidings.pool.query(`update active_catalogs set open_until = now() - interval '2 hours'`);
  await post('ana');
  expect(await count()).toBe(0);
  await keeper().open();
  await keeper().open();
  await post('ana');
  const { rows } = await tidings.pool.query('select kind, data from kafka_outbox order by xid, id');
  expect(rows).toMatchObject([{ kind: 'gap', data: { topic: TOPIC, since: expect.any(String) } }, { kind: 'fact' }]);
});

test('what waits of a suspended tenant is no trouble', async () => {
  await open();
  await fill(1);
  await keeper().measure();
  const late = tidings.clock.now + 1000;
  expect((await findTopicTrouble(tidings.pool, late)).late).toBe(1);
  await tidings.pool.query(`update tenants set status = 'suspended', suspended_at = now()`);
  expect((await findTopicTrouble(tidings.pool, late)).late).toBe(0);
});

test('brokers that are away are no trouble while the topics that they would take are paused', async () => {
  await open();
  await fill(1);
  await keeper().measure();
  const { pool, clock } = tidings;
  const check = checkKafka(pool, () => clock.now, {
    getSources: () => ({ problem: null, missing: [], failing: new Map(), lag: new Map() }),
    getSinks: () => ({ problem: 'they do not answer' }),
  });
  expect(await check.run()).toMatchObject({ status: 'degraded', cause: 'topics are not written: they do not answer' });
  await setTopicPaused(pool, { tenantId: TENANT, topic: TOPIC }, true, clock.now);
  expect(await check.run()).toMatchObject({ status: 'ok' });
});

test('at a low rate batches are small, so that no wait outlasts the claim', async () => {
  await open();
  await fill(5);
  const sizes: number[] = [];
  await turn(fakeProducer((messages) => void sizes.push(messages.length)).producer, 30_000, 8);
  expect(sizes[0]).toBe(2);
});

test('a batch is not larger than the brokers take, whatever the messages are like', async () => {
  await open();
  await fill(600, 1850);
  const sizes: number[] = [];
  const producer = fakeProducer((messages) => {
    const texts = messages.flatMap(({ key, value, headers }) => [key, value, ...headers.flat()]);
    sizes.push(texts.reduce((sum, text) => sum + (text?.length ?? 0) + 2, 0));
  });
  await turn(producer.producer);
  expect(Math.max(...sizes)).toBeLessThan(1024 * 1024);
});

/** Makes a worker with this producer. */
function sinkWorker(producer: KafkaProducer): SinkWorker {
  const { pool, seal, clock } = tidings;
  return new SinkWorker({
    pool,
    seal,
    clock: () => clock.now,
    mayAct: () => true,
    log: silent,
    settings: { allowed: [], out: { rate: 1000, maxWaiting: 1000, maxWaitingBytes: 1e6 } } as unknown as KafkaSettings,
    tenant: TENANT,
    poll: 10,
    open: async () => producer,
  });
}

test('one topic whose sends fail, or whose messages cannot be deleted, is tried again later; the others are written', async () => {
  const sinks = `sinks: { orders: { topic: ${TOPIC}, event_types: [ordered] }, away: { topic: shop.away, event_types: [ordered] },
    stuck: { topic: shop.stuck, event_types: [ordered] } }`;
  await tidings.apply(new Map([...CATALOG, ['sinks.yaml', sinks]]));
  await keeper().open();
  await tidings.pool.query(`
    create function fail() returns trigger language plpgsql as $$ begin raise exception 'gone'; end $$;
    create trigger fail before delete on kafka_outbox for each row when (old.topic = 'shop.stuck') execute function fail()`);
  await post('ana');
  let stuck = 0;
  let orders = 0;
  const send = async (topic: string) => {
    if (topic === 'shop.stuck') stuck++;
    if (topic === TOPIC) orders++;
    if (topic !== 'shop.away') return;
    await vi.waitFor(() => expect(orders).toBe(1), 10_000);
    throw Object.assign(new Error('no'), { code: 'PLT_KFK_NETWORK' });
  };
  const { pool } = tidings;
  const worker = sinkWorker({ send, close: async () => {} });
  worker.start();
  const problems = async () => (await listTopics(pool, TENANT)).map(({ topic, problem }) => [topic, problem]);
  await vi.waitFor(
    async () =>
      expect(await problems()).toEqual([
        ['shop.away', 'failing'],
        [TOPIC, null],
        ['shop.stuck', 'failing'],
      ]),
    20_000,
  );
  expect(worker.state.problem).toBeNull();
  await worker.stop();
  // The clock of the test stands still: the pause is not over.
  expect(stuck).toBe(1);
});

test('a process ends although the brokers hang, and its messages wait for the next one', async () => {
  const { pool } = tidings;
  await fillOutbox(tidings, { topic: 'shop.hangs' });
  await awaitTransactions(pool);
  const send = vi.fn(() => new Promise<void>(() => {}));
  const worker = sinkWorker({ send, close: () => new Promise(() => {}) });
  worker.start();
  await vi.waitFor(() => expect(send).toHaveBeenCalled(), 20_000);
  await worker.stop(10);
  const { rows } = await pool.query(`select from kafka_outbox where topic = 'shop.hangs'`);
  expect(rows).toHaveLength(1);
});

/** Time that goes on with each send. */
function sendsOf(ms: number, isTaken: (ids: readonly string[]) => boolean) {
  const sends: number[] = [];
  const { producer, sent } = fakeProducer((messages) => {
    sends.push(messages.length);
    if (!isTaken(idsOf(messages))) throw tooLarge();
  });
  return { producer, sent, sends, elapsed: () => sends.length * ms };
}

test('a topic with many messages that are never taken loses one send for each, and no more than its turns', async () => {
  await open();
  await fill(200);
  const { producer, sends, elapsed } = sendsOf(20, () => false);
  let size: number | undefined;
  let turns = 0;
  while ((await listTopics(tidings.pool, TENANT))[0]?.parked !== 200) {
    const before = sends.length;
    tidings.clock.now += 120_000;
    size = await takeTurns(tidings, producer, { elapsed, size });
    // A turn of 500 ms.
    expect(sends.length - before).toBeLessThanOrEqual(26);
    expect(++turns).toBeLessThan(20);
    await keeper().measure();
  }
  expect(sends.length).toBeLessThan(220);
});

test('after a message that was set aside, sends grow again', async () => {
  await open();
  await fill(700);
  const { producer, sent, sends, elapsed } = sendsOf(0, (ids) => !ids.includes('e3'));
  await takeTurns(tidings, producer, { elapsed });
  expect(idsOf(sent)).toEqual(Array.from({ length: 700 }, (_, i) => `e${i + 1}`).filter((id) => id !== 'e3'));
  expect(sends.length).toBeLessThan(25);
});

test('a message of a source that is rejected twice stands in its topic once', async () => {
  await open();
  const [letter] = ['one'].map((name) => ({
    ...{ tenantId: TENANT, forTenant: TENANT, topic: TOPIC },
    ...{ messageId: '01890a5d-ac96-774b-bcce-b302099a8057', userId: '' },
    ...{ data: { source: name }, key: null, value: Buffer.from('x'), headers: [] },
  }));
  const record = async () => {
    const { text, values } = deadLetterStatement(tidings.seal, [letter!], tidings.clock.now);
    await tidings.pool.query(text, [...(values as unknown[])]);
  };
  await record();
  await record();
  expect(await count()).toBe(1);
});
