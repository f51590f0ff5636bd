import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionTypes,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { beginTopic, openOffset } from '../src/store/kafka-offsets.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { Broker, findKafka } from './support/kafka/broker.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from './support/pgbouncer.ts';
import { type Program, tidings } from './support/program.ts';

/** Topics that change while they are read, and what their producers took back; through PgBouncer in transaction mode, where it is installed. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const kafka = findKafka();

const source = (topic: string, more = '') =>
  `{ topic: ${topic}, event_type: paid, user_id: { from: message.value.customer }${more} }`;
const CATALOG = {
  'events.yaml': 'events: { paid: {} }\n',
  'notifications.yaml': 'notifications: { RECEIPT: { category: TRANSACTIONAL, channels: [email] } }\n',
  'rules.yaml': 'rules: { RECEIPT: { on: paid } }\n',
  'templates/RECEIPT/email.en.subject.txt': 'Receipt\n',
  'templates/RECEIPT/email.en.txt': 'Thank you.\n',
  'sources.yaml': `sources:
  grows: ${source('t.grows', ', start: latest')}
  taken_back: ${source('t.taken-back')}
  hidden: ${source('t.hidden')}
  appended: ${source('t.appended')}
  unreadable: ${source('t.unreadable')}
  lost: ${source('t.lost')}
  shared: ${source('t.shared', ', tenant: { from: message.headers.tenant }')}
`,
};

const TOPICS = ['t.grows', 't.taken-back', 't.hidden', 't.unreadable', 't.shared'];

/** Parts of the responses that are looked at here. */
interface Body {
  readonly rejected: readonly { readonly rejected_id: string }[];
  readonly checks: readonly { readonly name: string; readonly cause?: string }[];
}

describe.skipIf(!kafka)('topics that change', () => {
  const dir = mkdtempSync(join(tmpdir(), 'changes-'));
  let broker: Broker;
  let database: TestDatabase;
  let pooler: PgBouncer | undefined;
  let env: { readonly [name: string]: string };
  let program: Program;
  let url = '';

  beforeAll(async () => {
    for (const [file, text] of Object.entries(CATALOG)) {
      mkdirSync(dirname(join(dir, 'catalog', file)), { recursive: true });
      writeFileSync(join(dir, 'catalog', file), text);
    }
    broker = await Broker.start(kafka!, true);
    for (const topic of TOPICS) await broker.createTopic(topic);
    await broker.createTopic('t.appended', 1, { 'message.timestamp.type': 'LogAppendTime' });
    // Only others may see the first topic; this login may see the second, and not read it.
    const rule = (topic: string, principal: string, operation: AclOperationTypes) => ({
      ...{
        resourceType: AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: ResourcePatternTypes.LITERAL,
      },
      ...{ principal, host: '*', operation, permissionType: AclPermissionTypes.ALLOW },
    });
    await (await broker.admin()).createAcls({
      acl: [
        rule('t.hidden', 'User:other', AclOperationTypes.ALL),
        rule('t.unreadable', 'User:tidings', AclOperationTypes.DESCRIBE),
      ],
    });
    database = await testDatabase();
    await database.pool.query(`insert into tenants (tenant_id, name, status) values ('acme', 'Acme', 'suspended')`);
    env = {
      ...(await databaseSettings()),
      TIDINGS_DATA_DIR: dir,
      TIDINGS_CATALOG: join(dir, 'catalog'),
      TIDINGS_KAFKA_BROKERS: `127.0.0.1:${broker.securePort}`,
      TIDINGS_KAFKA_SASL_MECHANISM: 'PLAIN',
      TIDINGS_KAFKA_USERNAME: 'tidings',
      TIDINGS_KAFKA_PASSWORD: 'right',
      TIDINGS_KAFKA_CA: broker.ca,
      TIDINGS_POLL: '1s',
      PORT: '0',
    };
    program = tidings(['start', '--json'], { command: [kafka!.node], env });
    url = (await program.ready(120_000)).url as string;
  });

  afterAll(async () => {
    program?.killGroup('SIGKILL');
    await program?.ended;
    await broker?.stop();
    pooler?.stop();
    await database?.drop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function databaseSettings(): Promise<{ readonly [name: string]: string }> {
    if (!findPgBouncer()) return { DATABASE_URL: database.url, TIDINGS_API_DATABASE_URL: database.apiUrl };
    pooler = await startPgBouncer(database.url, 'transaction');
    const api = new URL(pooler.url);
    api.username = new URL(database.apiUrl).searchParams.get('user') as string;
    return {
      ...{ DATABASE_URL: pooler.url, TIDINGS_DIRECT_DATABASE_URL: database.url },
      TIDINGS_API_DATABASE_URL: api.href,
    };
  }

  const rows = async (sql: string) => (await database.pool.query(sql)).rows;
  const eventually = (sql: string) => expect.poll(() => rows(sql), { timeout: 60_000, interval: 100 });
  const of = (customer: string, more: object = {}) => ({ value: JSON.stringify({ customer }), ...more });

  async function api(method: string, path: string) {
    const response = await fetch(`${url}${path}`, { method });
    return { status: response.status, body: (await response.json()) as Body };
  }

  test('topics that the login may not see, or not read, keep no other from being read, and are reported', async () => {
    await (await broker.producer()).send({
      topic: 't.shared',
      messages: [of('first', { headers: { tenant: 'default' } })],
    });
    await eventually(`select tenant_id from events where user_id = 'first'`).toEqual([{ tenant_id: 'default' }]);
    const findCause = async () =>
      (await api('GET', '/healthz/ready')).body.checks.find(({ name }) => name === 'kafka')?.cause;
    await expect
      .poll(findCause, { timeout: 30_000 })
      .toBe('the brokers do not have 2 topics of sources.yaml, or the login may not read it');
    await program.says(/a Kafka topic is not read: the login may not read a topic/);
  });

  test('an event of a topic with the times of the broker has the time at which the broker took it', async () => {
    const messages = ['2001-01-01', '2099-01-01'].map((at) => of(at, { timestamp: String(Date.parse(at)) }));
    await (await broker.producer()).send({ topic: 't.appended', messages });
    await eventually(
      `select count(*)::int as n from events where user_id like '%-01-01' and event_time > now() - interval '10 minutes'`,
    ).toEqual([{ n: 2 }]);
  });

  test('a small batch that is large when it is inflated is rejected; what follows it is decided', async () => {
    const text = JSON.stringify({ customer: 'bomb', filler: ' '.repeat(33 * 1024 * 1024) });
    const bomb = { value: text, headers: { tenant: 'default' } };
    const producer = await broker.producer();
    await producer.send({ topic: 't.shared', compression: CompressionTypes.GZIP, messages: [bomb] });
    const small = of('after the bomb', { headers: { tenant: 'default' } });
    await producer.send({ topic: 't.shared', compression: CompressionTypes.GZIP, messages: [small] });
    await eventually(`select tenant_id from events where user_id = 'after the bomb'`).toEqual([
      { tenant_id: 'default' },
    ]);
    const { body } = await api('GET', '/api/v1/events/rejected?source=shared');
    expect(body.rejected).toEqual([
      expect.objectContaining({ code: 'invalid_event', message: expect.stringContaining('more than 32 MiB') }),
    ]);
    expect((await api('POST', `/api/v1/events/rejected/${body.rejected[0]?.rejected_id}/dismiss`)).status).toBe(200);
  });

  test('what a producer has taken back is no event: transactions that were aborted, each of them', async () => {
    const producer = broker.kafka.producer({ transactionalId: 'bank', maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    // Read in one answer, as of a consumer that was away.
    await api('POST', '/api/v1/sources/taken_back/pause');
    await eventually(`select source from paused_sources`).toEqual([{ source: 'taken_back' }]);
    for (const [name, end] of [
      ['aborted-1', 'abort'],
      ['committed-1', 'commit'],
      ['aborted-2', 'abort'],
      ['aborted-3', 'abort'],
      ['committed-2', 'commit'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: 't.taken-back', messages: [of(name), of(name)] });
      await transaction[end]();
    }
    await producer.disconnect();
    await (await broker.producer()).send({ topic: 't.taken-back', messages: [of('last')] });
    await api('POST', '/api/v1/sources/taken_back/resume');
    await eventually(`select count(*)::int as n from events where user_id = 'last'`).toEqual([{ n: 1 }]);
    expect(
      await rows(
        `select user_id, count(*)::int as n from events where user_id ~ '^(aborted|committed)' group by user_id order by user_id`,
      ),
    ).toEqual([
      { user_id: 'committed-1', n: 2 },
      { user_id: 'committed-2', n: 2 },
    ]);
  });

  test('partitions that are added are read from their beginning, also of a topic that was begun at its end', async () => {
    await eventually(`select partition from kafka_offsets where topic = 't.grows'`).toEqual([{ partition: 0 }]);
    await (await broker.admin()).createPartitions({ topicPartitions: [{ topic: 't.grows', count: 3 }] });
    // A producer that knows them: others send to none of them for some minutes.
    const producer = broker.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({ topic: 't.grows', messages: [of('added', { partition: 2 })] });
    await producer.disconnect();
    await eventually(`select user_id from events where user_id = 'added'`).toEqual([{ user_id: 'added' }]);
  });

  test('partitions that go to another process and back while they are read are decided once each, in order', async () => {
    const producer = broker.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    let sent = 0;
    const sendRounds = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        const value = (partition: number) => JSON.stringify({ customer: `moved-${partition}`, n: sent });
        await producer.send({
          topic: 't.grows',
          acks: -1,
          messages: [0, 1, 2].map((partition) => ({ partition, value: value(partition) })),
        });
        sent++;
      }
    };
    const members = async () => {
      const { groups } = await (await broker.admin()).describeGroups(['tidings']);
      return groups.map(({ state, members }) => `${state} ${members.length}`);
    };
    const other = tidings(['workers', '--json', '--health-port', '0'], { command: [kafka!.node], env });
    try {
      for (let isJoined = false; !isJoined; isJoined = (await members())[0] === 'Stable 2') await sendRounds(5);
      await sendRounds(20);
      other.kill('SIGTERM');
      for (let hasLeft = false; !hasLeft; hasLeft = (await members())[0] === 'Stable 1') await sendRounds(5);
      expect(await other.ended).toBe(0);
    } finally {
      other.killGroup('SIGKILL');
      await other.ended;
    }
    await sendRounds(5);
    await producer.disconnect();
    await eventually(`select count(*)::int as n from events where user_id like 'moved-%'`).toEqual([{ n: 3 * sent }]);
    const disordered = `select user_id from (
        select user_id, received_at, lag(received_at) over (partition by user_id order by (properties ->> 'n')::int) as before
        from events where user_id like 'moved-%') as ordered where before > received_at`;
    expect(await rows(disordered)).toEqual([]);
  });

  test('a message of a tenant that is not active is not decided by a retry for another one', async () => {
    await (await broker.producer()).send({
      topic: 't.shared',
      messages: [of('theirs', { headers: { tenant: 'acme' } })],
    });
    await eventually(`select tenant_id, path from rejected_events where source = 'shared'`).toEqual([
      { tenant_id: 'default', path: 'tenant' },
    ]);
    const { body } = await api('GET', '/api/v1/events/rejected?source=shared');
    const retried = await api('POST', `/api/v1/events/rejected/${body.rejected[0]?.rejected_id}/retry`);
    expect(retried).toMatchObject({ status: 422, body: { rejected: [{ path: 'tenant' }] } });
    expect(await rows(`select tenant_id from events where user_id = 'theirs'`)).toEqual([]);
  });

  test('a topic that is created again is begun anew, whatever was ahead in the old one', async () => {
    // As of a process that was killed between the transactions of two tenants.
    await database.pool.query(
      `insert into kafka_offsets (tenant_id, topic, partition, for_tenant, topic_id, next_offset)
       select tenant_id, topic, partition, 'default', topic_id, 50 from kafka_offsets where topic = 't.shared'`,
    );
    const admin = await broker.admin();
    await admin.deleteTopics({ topics: ['t.shared'] });
    await expect.poll(() => admin.listTopics()).not.toContain('t.shared');
    await broker.createTopic('t.shared');
    await (await broker.producer()).send({
      topic: 't.shared',
      messages: [of('again', { headers: { tenant: 'default' } })],
    });
    await eventually(`select tenant_id from events where user_id = 'again'`).toEqual([{ tenant_id: 'default' }]);
  });

  test('a topic is begun at its end once, with all of its partitions; later ones are begun at their first record', async () => {
    const topic = { tenantId: 'default', topic: 'never-read', topicId: 'a' };
    await beginTopic(
      database.pool,
      topic,
      [
        { partition: 0, end: 7n },
        { partition: 1, end: 9n },
      ],
      0,
    );
    await beginTopic(
      database.pool,
      topic,
      [0, 1, 2].map((partition) => ({ partition, end: 20n })),
      0,
    );
    const open = (partition: number) =>
      openOffset(database.pool, { ...topic, partition }, { first: 3n, end: 30n }, 0).then(({ next }) => next);
    expect([await open(0), await open(1), await open(2)]).toEqual([7n, 9n, 3n]);
  });
});
