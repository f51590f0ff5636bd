import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { Broker, findKafka } from './support/kafka/broker.ts';
import { type Program, tidings } from './support/program.ts';
import { tortureKafka } from './torture/kafka.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const kafka = findKafka();

const CATALOG = {
  'events.yaml': `events:
  order_placed: { properties: { amount: number }, required: [amount] }
  paid: {}
`,
  'notifications.yaml': 'notifications: { RECEIPT: { category: TRANSACTIONAL, channels: [email] } }\n',
  'rules.yaml': 'rules: { RECEIPT: { on: paid } }\n',
  'templates/RECEIPT/email.en.subject.txt': 'Receipt\n',
  'templates/RECEIPT/email.en.txt': 'Thank you.\n',
  'sources.yaml': `sources:
  orders:
    topic: shop.orders
    event_type: order_placed
    user_id: { from: message.value.customer }
    when: '!has(message.value.test)'
    properties: { amount: { from: message.value.total } }
  events: { topic: shop.events, format: cloudevents }
  intents:
    topic: shop.intents
    event_type: notification.requested
    user_id: { from: message.key }
    properties: { type: { from: message.value.template } }
  shared:
    topic: shop.shared
    event_type: { from: message.value.type }
    tenant: { from: message.headers.tenant }
    user_id: { from: message.value.customer }
`,
};

interface RejectedOne {
  readonly rejected_id: string;
  readonly code: string;
  readonly source: string;
  readonly position: { readonly offset: number };
  readonly event: { readonly kafka_record: object };
}

/** Parts of the responses that are looked at here. */
interface Body {
  readonly rejected: readonly RejectedOne[];
  readonly sources: readonly { readonly state: string; readonly lag: number }[];
}

interface Message {
  readonly key?: string;
  readonly value: string | null;
  readonly headers?: { readonly [name: string]: string };
}

describe.skipIf(!kafka)('topics of sources.yaml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sources-'));
  let broker: Broker;
  let database: TestDatabase;
  let program: Program;
  let url = '';

  beforeAll(async () => {
    for (const [file, text] of Object.entries(CATALOG)) {
      mkdirSync(dirname(join(dir, 'catalog', file)), { recursive: true });
      writeFileSync(join(dir, 'catalog', file), text);
    }
    broker = await Broker.start(kafka!, true);
    for (const topic of ['shop.orders', 'shop.events', 'shop.intents', 'shop.shared']) await broker.createTopic(topic);
    database = await testDatabase();
    await database.pool.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme')`);
    program = tidings(['start', '--json'], {
      command: [kafka!.node],
      env: {
        DATABASE_URL: database.url,
        TIDINGS_API_DATABASE_URL: database.apiUrl,
        TIDINGS_DATA_DIR: dir,
        TIDINGS_CATALOG: join(dir, 'catalog'),
        TIDINGS_KAFKA_BROKERS: broker.address,
        TIDINGS_PROVIDERS: 'email=sandbox',
        TIDINGS_POLL: '1s',
        PORT: '0',
      },
    });
    url = (await program.ready(120_000)).url as string;
  });

  afterAll(async () => {
    program?.killGroup('SIGKILL');
    await program?.ended;
    await broker?.stop();
    await database?.drop();
    rmSync(dir, { recursive: true, force: true });
  });

  const send = async (topic: string, ...messages: Message[]) => (await broker.producer()).send({ topic, messages });

  async function rows(sql: string): Promise<object[]> {
    return (await database.pool.query(sql)).rows;
  }

  async function api(method: string, path: string, body?: object): Promise<{ status: number; body: Body }> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  }

  const eventually = (sql: string) => expect.poll(() => rows(sql), { timeout: 60_000, interval: 100 });

  async function readKafkaPart(healthUrl: string): Promise<{ readonly status?: string; readonly cause?: string }> {
    const response = await fetch(`${healthUrl}/healthz/ready`);
    expect(response.status).toBe(200);
    const { checks } = (await response.json()) as { checks: { name: string; status: string; cause?: string }[] };
    return checks.find(({ name }) => name === 'kafka') ?? {};
  }

  test('a message becomes an event, as its source maps it; others are skipped', async () => {
    await send(
      'shop.orders',
      { value: '{"customer":"maria","total":12.5}', key: 'maria' },
      { value: '{"customer":"maria","test":true}' },
      { value: '{"customer":"maria","total":3}' },
    );
    await eventually(`select properties from events where user_id = 'maria' order by event_id`).toEqual([
      { properties: { amount: 12.5 } },
      { properties: { amount: 3 } },
    ]);
    await eventually(`select next_offset::int as n from kafka_offsets where topic = 'shop.orders'`).toEqual([{ n: 3 }]);
  });

  test('CloudEvents are read in structured and in binary mode', async () => {
    const event = { specversion: '1.0', id: 'c-1', source: '/shop', type: 'paid', data: { userId: 'carla' } };
    await send(
      'shop.events',
      { value: JSON.stringify(event), headers: { 'content-type': 'application/cloudevents+json' } },
      {
        value: '{"userId":"carla"}',
        headers: {
          ce_specversion: '1.0',
          ce_id: 'c-2',
          ce_source: '/shop',
          ce_type: 'paid',
          ce_datacontenttype: 'application/json',
        },
      },
      { value: JSON.stringify(event), headers: { 'content-type': 'application/cloudevents+json' } },
    );
    await eventually(`select event_id from events where user_id = 'carla' order by event_id`).toEqual([
      { event_id: '/shop c-1' },
      { event_id: '/shop c-2' },
    ]);
  });

  test('a message may ask for a notification', async () => {
    await send(
      'shop.intents',
      { key: 'nina', value: '{"template":"RECEIPT"}' },
      { key: 'nina', value: '{"template":"NONE"}' },
    );
    await eventually(`select notification_type from notifications where user_id = 'nina'`).toEqual([
      { notification_type: 'RECEIPT' },
    ]);
    await eventually(`select code, source from rejected_events where source = 'intents'`).toEqual([
      { code: 'invalid_event', source: 'intents' },
    ]);
  });

  test('messages of several tenants go to each; one of an unknown tenant is rejected', async () => {
    const value = '{"type":"paid","customer":"zoe"}';
    await send(
      'shop.shared',
      { value, headers: { tenant: 'acme' } },
      { value, headers: { tenant: 'default' } },
      { value, headers: { tenant: 'nobody' } },
      { value, headers: { tenant: 'acme' } },
    );
    await eventually(
      `select tenant_id, count(*)::int as n from events where user_id = 'zoe' group by tenant_id order by tenant_id`,
    ).toEqual([
      { tenant_id: 'acme', n: 2 },
      { tenant_id: 'default', n: 1 },
    ]);
    await eventually(`select path from rejected_events where source = 'shared'`).toEqual([{ path: 'tenant' }]);
    await eventually(`select for_tenant, next_offset::int as n from kafka_offsets where topic = 'shop.shared'`).toEqual(
      [{ for_tenant: '', n: 4 }],
    );
  });

  test('what cannot be read or stored is rejected with its place, and is corrected and retried', async () => {
    await send(
      'shop.orders',
      { key: 'k1', value: 'not { JSON' },
      { value: '{"customer":"petra"}' },
      { value: '{"customer":"petra","total":7}' },
    );
    await eventually(`select count(*)::int as n from events where user_id = 'petra'`).toEqual([{ n: 1 }]);
    const { body } = await api('GET', '/events/rejected?source=orders');
    const shown = body.rejected.map(({ code, source, position }) => ({ code, source, position }));
    expect(shown.sort((one, other) => one.position.offset - other.position.offset)).toEqual([
      { code: 'invalid_event', source: 'orders', position: { topic: 'shop.orders', partition: 0, offset: 3 } },
      { code: 'schema_mismatch', source: 'orders', position: { topic: 'shop.orders', partition: 0, offset: 4 } },
    ]);
    const find = (code: string) => body.rejected.find((one) => one.code === code) as RejectedOne;
    expect(find('invalid_event').event.kafka_record).toMatchObject({ key: 'k1', raw: { text: 'not { JSON' } });
    const wrong = find('schema_mismatch').rejected_id;
    const patch = { properties: { amount: 9 } };
    expect((await api('POST', `/events/rejected/${wrong}/correct`, { patch })).status).toBe(202);
    const unread = find('invalid_event').rejected_id;
    expect((await api('POST', `/events/rejected/${unread}/retry`)).status).toBe(422);
    const fixed = { kafka_record: { value: { customer: 'petra', total: 1 } } };
    expect((await api('POST', `/events/rejected/${unread}/correct`, { patch: fixed })).status).toBe(202);
    await eventually(
      `select (properties ->> 'amount')::int as n from events where user_id = 'petra' order by n`,
    ).toEqual([{ n: 1 }, { n: 7 }, { n: 9 }]);
    expect((await api('GET', '/events/rejected?source=orders')).body.rejected).toEqual([]);
  });

  test('a source is paused and resumed; its messages wait', async () => {
    expect((await api('POST', '/sources/orders/pause')).body).toEqual({ name: 'orders', paused: true, changed: true });
    await expect.poll(async () => (await api('GET', '/sources')).body.sources[0]?.state).toBe('paused');
    // Until the workers have noticed.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await send('shop.orders', { value: '{"customer":"olga","total":1}' });
    await expect.poll(async () => (await api('GET', '/sources')).body.sources[0]?.lag, { timeout: 30_000 }).toBe(1);
    expect(await rows(`select from events where user_id = 'olga'`)).toEqual([]);
    await api('POST', '/sources/orders/resume');
    await eventually(`select count(*)::int as n from events where user_id = 'olga'`).toEqual([{ n: 1 }]);
    expect((await api('POST', '/sources/unknown/pause')).status).toBe(404);
  });

  test('a login by TLS is accepted, and a wrong one is reported without its password', async () => {
    const started: Program[] = [];
    const startWith = async (password: string, more: { readonly [name: string]: string }) => {
      const worker = tidings(['workers', '--json', '--health-port', '0'], {
        command: [kafka!.node],
        env: {
          DATABASE_URL: database.url,
          TIDINGS_DATA_DIR: dir,
          TIDINGS_KAFKA_BROKERS: `127.0.0.1:${broker.securePort}`,
          TIDINGS_KAFKA_SASL_MECHANISM: 'PLAIN',
          TIDINGS_KAFKA_USERNAME: 'tidings',
          TIDINGS_KAFKA_PASSWORD: password,
          ...more,
        },
      });
      started.push(worker);
      const { health_url } = await worker.ready(120_000);
      return { worker, kafkaPart: () => readKafkaPart(health_url) };
    };
    const tls = { TIDINGS_KAFKA_CA: broker.ca };
    try {
      const [right, wrong, untrusted] = [
        await startWith('right', tls),
        await startWith('wr0ng-secret', tls),
        await startWith('right', { TIDINGS_KAFKA_TLS: 'true' }),
      ];
      await expect
        .poll(wrong.kafkaPart, { timeout: 30_000 })
        .toMatchObject({ cause: 'topics are not read: the brokers reject the login' });
      await expect
        .poll(untrusted.kafkaPart, { timeout: 30_000 })
        .toMatchObject({ cause: 'topics are not read: the certificate of a broker is not accepted' });
      await expect.poll(right.kafkaPart, { timeout: 30_000 }).toMatchObject({ status: 'ok' });
      await expect
        .poll(async () => (await rows(`select from kafka_offsets where topic = 'shop.orders'`)).length)
        .toBe(1);
      expect(wrong.worker.output).not.toContain('wr0ng-secret');
    } finally {
      for (const worker of started) worker.killGroup('SIGKILL');
      await Promise.all(started.map(({ ended }) => ended));
    }
  });

  test('without the broker HTTP is ready, and says what is wrong; afterwards reading goes on', async () => {
    await broker.kill();
    await expect
      .poll(() => readKafkaPart(url), { timeout: 60_000 })
      .toMatchObject({ status: 'degraded', cause: 'topics are not read: the brokers cannot be reached' });
    expect(
      (await api('POST', '/events', { event_type: 'paid', user_id: 'ida', event_timestamp: new Date().toISOString() }))
        .status,
    ).toBe(202);
    await broker.run();
    await send('shop.orders', { value: '{"customer":"ida","total":1}' });
    await eventually(`select count(*)::int as n from events where user_id = 'ida'`).toEqual([{ n: 2 }]);
  });
});

// A soak: npm test -- kafka runs it.
test.runIf(kafka && process.env.LONG)(
  '2,500 messages are decided once each and in order, whatever is killed or frozen',
  async () => {
    const report = await tortureKafka(kafka!, {
      messages: 2500,
      seed: 1,
      spread: 20,
      interruptions: ['kill', 'freeze', 'broker'],
      log: () => {},
    });
    expect(report).toMatchObject({
      decided: 2500,
      distinct: 2500,
      outOfOrder: 0,
      quarantined: report.poison,
      held: true,
    });
  },
  400_000,
);

test.runIf(!kafka || Number(process.versions.node.split('.')[0]) < 22)(
  'an older Node.js does not start with Kafka, and says why in one sentence',
  async () => {
    const program = tidings(['workers', '--json'], {
      env: { TIDINGS_KAFKA_BROKERS: '127.0.0.1:9', DATABASE_URL: 'postgres://x@127.0.0.1:9/x' },
    });
    expect(await program.ended).toBe(1);
    expect(program.stderr).toMatch(/Kafka needs Node\.js 22\.22 or newer/);
  },
);
