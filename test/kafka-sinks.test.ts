import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { validateCatalogFiles } from '../src/catalog/load-valid-catalog.ts';
import { systemActor } from '../src/model/principal.ts';
import { applyCatalog } from '../src/store/apply-catalog.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { Broker, findKafka } from './support/kafka/broker.ts';
import { TopicReader } from './support/kafka/topic-reader.ts';
import { type Program, tidings } from './support/program.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const kafka = findKafka();

const CATALOG = {
  'events.yaml': 'events: { order_placed: { properties: { n: number, to: string } }, paid: {} }\n',
  'notifications.yaml': 'notifications: { RECEIPT: { category: TRANSACTIONAL, channels: [email] } }\n',
  'rules.yaml': 'rules: { RECEIPT: { on: paid } }\n',
  'templates/RECEIPT/email.en.subject.txt': 'Receipt\n',
  'templates/RECEIPT/email.en.txt': 'Thank you.\n',
  'sources.yaml': `sources:
  orders:
    topic: shop.in
    event_type: order_placed
    user_id: { from: message.key }
    dead_letter_topic: true
`,
  'sinks.yaml': `sinks:
  orders: { topic: shop.orders, event_types: [order_placed] }
  outcomes: { topic: shop.outcomes, event_types: [notification.*], decisions: sent, format: structured }
  missing: { topic: shop.missing, event_types: [paid] }
`,
};

/** Parts of the responses that are looked at here. */
interface ShownSink {
  readonly name: string;
  readonly state: string;
  readonly waiting: number;
  readonly parked: number;
  readonly problem: { readonly code: string } | null;
}

describe.skipIf(!kafka)('topics of sinks.yaml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sinks-'));
  let broker: Broker;
  let database: TestDatabase;
  let program: Program;
  let url = '';
  let reader: TopicReader;
  let n = 0;

  beforeAll(async () => {
    for (const [file, text] of Object.entries(CATALOG)) {
      mkdirSync(dirname(join(dir, 'catalog', file)), { recursive: true });
      writeFileSync(join(dir, 'catalog', file), text);
    }
    broker = await Broker.start(kafka!, true);
    for (const topic of [
      'shop.orders',
      'shop.outcomes',
      'shop.in',
      'shop.in.dlq',
      'acme.out',
      'acme.gone',
      'acme.denied',
    ])
      await broker.createTopic(topic, topic === 'shop.orders' ? 3 : 1);
    // The login may not write it.
    await (await broker.admin()).createAcls({
      acl: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: 'acme.denied',
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: 'User:other',
          host: '*',
          operation: AclOperationTypes.ALL,
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    });
    reader = await TopicReader.open(broker, ['shop.orders', 'shop.outcomes', 'shop.in.dlq', 'acme.out']);
    database = await testDatabase();
    program = tidings(['start', '--json'], { command: [kafka!.node], env: env() });
    url = (await program.ready(120_000)).url as string;
  });

  afterAll(async () => {
    program?.killGroup('SIGKILL');
    await program?.ended;
    await reader?.close();
    await broker?.stop();
    await database?.drop();
    rmSync(dir, { recursive: true, force: true });
  });

  const env = () => ({
    DATABASE_URL: database.url,
    TIDINGS_API_DATABASE_URL: database.apiUrl,
    TIDINGS_DATA_DIR: dir,
    TIDINGS_CATALOG: join(dir, 'catalog'),
    TIDINGS_KAFKA_BROKERS: `127.0.0.1:${broker.securePort}`,
    TIDINGS_KAFKA_SASL_MECHANISM: 'PLAIN',
    TIDINGS_KAFKA_USERNAME: 'tidings',
    TIDINGS_KAFKA_PASSWORD: 'right',
    TIDINGS_KAFKA_CA: broker.ca,
    TIDINGS_KAFKA_TOPICS: 'acme=acme.*',
    TIDINGS_PROVIDERS: 'email=sandbox',
    TIDINGS_POLL: '1s',
    PORT: '0',
  });

  async function api<T = object>(
    method: string,
    path: string,
    body?: object,
    tenant = 'default',
  ): Promise<{ status: number; body: T }> {
    const headers = { 'x-tidings-tenant': tenant, ...(body && { 'content-type': 'application/json' }) };
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  async function findSink(name: string, tenant?: string): Promise<ShownSink | undefined> {
    const { body } = await api<{ sinks: ShownSink[] }>('GET', '/sinks', undefined, tenant);
    return body.sinks.find((one) => one.name === name);
  }

  const stateOf = async (name: string) => (await findSink(name))?.state;

  const post = (type: string, user: string, properties: object = {}, tenant?: string) => {
    const event = { event_id: `e-${++n}`, event_type: type, user_id: user, properties };
    const user_traits = { email: `${user}@example.com` };
    return api('POST', '/events', { ...event, event_timestamp: new Date().toISOString(), user_traits }, tenant);
  };

  const waiting = async (topic: string) =>
    (await database.pool.query('select count(*)::int as n from kafka_outbox where topic = $1', [topic])).rows[0].n;

  test('an event is written to its topic as a CloudEvent, by tenant and user, with what was masked', async () => {
    await expect.poll(() => stateOf('orders'), { timeout: 60_000 }).toBe('open');
    await post('order_placed', 'maria', { n: 1, to: 'maria@example.com' });
    await expect.poll(() => reader.of('shop.orders').length, { timeout: 30_000 }).toBe(1);
    const [message] = reader.of('shop.orders');
    expect(message).toMatchObject({
      key: 'default:maria',
      headers: {
        ce_specversion: '1.0',
        ce_type: 'order_placed',
        ce_id: 'e-1',
        ce_source: '/tidings/default',
        ce_subject: 'maria',
        tenant: 'default',
        'content-type': 'application/json',
      },
    });
    expect(JSON.parse(message!.value)).toMatchObject({
      user_id: 'maria',
      properties: { n: 1, to: 'maria@example.com' },
    });
    const { rows } = await database.pool.query(`select from kafka_outbox where data::text like '%maria@example.com%'`);
    expect(rows).toEqual([]);
    await expect.poll(() => waiting('shop.orders')).toBe(0);
  });

  test('outcomes and decisions are written, and a missing topic delays only its own messages', async () => {
    await post('paid', 'nina');
    await expect.poll(() => reader.of('shop.outcomes').length, { timeout: 30_000 }).toBe(2);
    const [decision, outcome] = reader.of('shop.outcomes').map(({ value }) => JSON.parse(value));
    expect(decision).toMatchObject({
      type: 'tidings.decision',
      subject: 'nina',
      data: {
        rule: 'RECEIPT',
        outcome: 'send',
        reason_code: 'matched',
        trigger: { event_id: 'e-2', event_type: 'paid' },
      },
    });
    expect(outcome).toMatchObject({
      type: 'notification.delivered',
      data: { user_id: 'nina', properties: { notification_id: decision.data.notification_id } },
    });
    await expect
      .poll(() => findSink('missing'), { timeout: 30_000 })
      .toMatchObject({
        state: 'failing',
        problem: { code: 'topic_missing' },
      });
    expect(await waiting('shop.missing')).toBe(1);
    await post('order_placed', 'nina', { n: 1 });
    await expect.poll(() => reader.of('shop.orders').length, { timeout: 30_000 }).toBe(2);
    await expect
      .poll(async () => {
        const { checks } = (await (await fetch(`${url}/healthz/ready`)).json()) as {
          checks: { name: string; status: string; cause?: string }[];
        };
        return checks.find(({ name }) => name === 'kafka');
      })
      .toMatchObject({ status: 'degraded', cause: expect.stringContaining('1 topic') });
    await broker.createTopic('shop.missing');
    await expect.poll(() => waiting('shop.missing'), { timeout: 60_000 }).toBe(0);
  });

  test('a message that the brokers never take is set aside, listed, and tried again when they do', async () => {
    const admin = await broker.admin();
    const limit = async (bytes: string) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: 'shop.orders', configEntries: [{ name: 'max.message.bytes', value: bytes }] }],
      });
    await limit('2000');
    await post('order_placed', 'olga', { n: 1 });
    await post('order_placed', 'olga', { n: 2, to: 'x'.repeat(5000) });
    await post('order_placed', 'olga', { n: 3 });
    const ofOlga = () => reader.of('shop.orders').filter(({ key }) => key === 'default:olga');
    await expect
      .poll(() => ofOlga().map(({ value }) => JSON.parse(value).properties.n), { timeout: 30_000 })
      .toEqual([1, 3]);
    await expect
      .poll(async () => (await api('GET', '/sinks/orders/parked')).body)
      .toMatchObject({ messages: [{ code: 'too_large', type: 'order_placed', user_id: 'olga' }] });
    await limit('1000000');
    expect((await api('POST', '/sinks/orders/parked/retry')).body).toMatchObject({
      ...{ name: 'orders', messages: 1, has_more: false },
    });
    await expect.poll(() => ofOlga().length, { timeout: 30_000 }).toBe(3);
  });

  test('what a source cannot read goes to its topic for dead letters as it was', async () => {
    const producer = await broker.producer();
    await producer.send({
      topic: 'shop.in',
      messages: [{ key: 'petra', value: 'not { JSON', headers: { trace: 't1' } }],
    });
    await expect.poll(() => reader.of('shop.in.dlq').length, { timeout: 30_000 }).toBe(1);
    expect(reader.of('shop.in.dlq')[0]).toMatchObject({
      key: 'petra',
      value: 'not { JSON',
      headers: {
        trace: 't1',
        tidings_code: 'invalid_event',
        tidings_source: 'orders',
        tidings_topic: 'shop.in',
        tidings_partition: '0',
        tidings_offset: '0',
      },
    });
    const { rows } = await database.pool.query('select source from rejected_events');
    expect(rows).toEqual([{ source: 'orders' }]);
  });

  test('topics of a tenant that are denied or gone delay neither its others nor those of another tenant', async () => {
    const sinks = ['out', 'gone', 'denied'].map(
      (name) => `  ${name}: { topic: acme.${name}, event_types: [order_placed] }\n`,
    );
    const foreign = '  foreign: { topic: shop.orders, event_types: [order_placed] }\n';
    const files = new Map([
      ...Object.entries(CATALOG).filter(([file]) => file !== 'sources.yaml'),
      ['sinks.yaml', `sinks:\n${sinks.join('')}${foreign}`] as const,
    ]);
    await database.pool.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme')`);
    await applyCatalog(database.pool, 'acme', await validateCatalogFiles(files), systemActor('test'), Date.now());
    const state = async (name: string) => (await findSink(name, 'acme'))?.state;
    for (const name of ['out', 'gone', 'denied'])
      await expect.poll(() => state(name), { timeout: 60_000 }).toBe('open');
    expect(await state('foreign')).toBe('not_allowed');
    await (await broker.admin()).deleteTopics({ topics: ['acme.gone'] });
    expect((await post('order_placed', 'rosa', { n: 1 }, 'acme')).status).toBe(202);
    await post('order_placed', 'rosa', { n: 2 });
    await expect.poll(() => reader.of('acme.out').map(({ key }) => key), { timeout: 30_000 }).toEqual(['acme:rosa']);
    await expect
      .poll(() => reader.of('shop.orders').filter(({ key }) => key?.endsWith(':rosa')).length, { timeout: 30_000 })
      .toBe(1);
    for (const [name, code] of [
      ['gone', 'topic_missing'],
      ['denied', 'not_authorized'],
    ] as const)
      await expect
        .poll(() => findSink(name, 'acme'), { timeout: 60_000 })
        .toMatchObject({ waiting: 1, problem: { code } });
    expect(await waiting('shop.orders')).toBe(0);
    await broker.createTopic('acme.gone');
    await (await broker.admin()).deleteAcls({
      filters: [
        {
          resourceType: AclResourceTypes.TOPIC,
          resourceName: 'acme.denied',
          resourcePatternType: ResourcePatternTypes.LITERAL,
          operation: AclOperationTypes.ANY,
          permissionType: AclPermissionTypes.ANY,
        },
      ],
    });
    for (const name of ['gone', 'denied'])
      await expect.poll(() => waiting(`acme.${name}`), { timeout: 90_000 }).toBe(0);
  });

  test('a paused topic waits', async () => {
    await api('POST', '/sinks/orders/pause');
    expect(await stateOf('orders')).toBe('paused');
    await post('order_placed', 'paula', { n: 1 });
    await expect.poll(() => findSink('orders'), { timeout: 60_000 }).toMatchObject({ waiting: 1 });
    await api('POST', '/sinks/orders/resume');
    await expect.poll(() => waiting('shop.orders'), { timeout: 30_000 }).toBe(0);
  });

  test('without the broker events are ingested and messages sent; afterwards all is written, in order', async () => {
    await broker.kill();
    for (let i = 1; i <= 40; i++) {
      expect((await post('order_placed', `user-${i % 4}`, { n: i })).status).toBe(202);
    }
    await post('paid', 'quinn');
    await expect
      .poll(async () => (await database.pool.query(`select status from deliveries where user_id = 'quinn'`)).rows)
      .toEqual([{ status: 'sandboxed' }]);
    await expect
      .poll(() => findSink('orders'), { timeout: 60_000 })
      .toMatchObject({ waiting: 40, problem: { code: 'brokers_away' } });
    await broker.run();
    await expect.poll(() => waiting('shop.orders'), { timeout: 60_000 }).toBe(0);
    for (let user = 0; user < 4; user++) {
      const own = () => reader.of('shop.orders').filter(({ key }) => key === `default:user-${user}`);
      await expect.poll(() => own().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(10);
      const firsts = [...new Set(own().map(({ value }) => JSON.parse(value).properties.n as number))];
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      expect(firsts).toHaveLength(10);
    }
  });
});
