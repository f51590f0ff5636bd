import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, type ExpectStatic, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { Broker, findKafka } from './support/kafka/broker.ts';
import { type Program, tidings } from './support/program.ts';
import { tortureKafka } from './torture/kafka.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const kafka = findKafka();

/** A source whose messages are orders. */
function toOrders(name: string): string {
  return `  ${name}:
    topic: shop.${name}
    event_type: order_placed
    user_id: { from: message.value.customer }
    when: '!has(message.value.test)'
    properties: { amount: { from: message.value.total } }
`;
}

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
${['orders', 'broken', 'paused'].map(toOrders).join('')}  events: { topic: shop.events, format: cloudevents }
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

const TOPICS = ['orders', 'broken', 'paused', 'events', 'intents', 'shared'].map((name) => `shop.${name}`);

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
  readonly groups: readonly { readonly code: string; readonly sources: readonly string[]; readonly count: number }[];
  readonly sources: readonly { readonly name: string; readonly state: string; readonly lag: number }[];
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
    [broker, database] = await Promise.all([Broker.start(kafka!, true), testDatabase()]);
    await Promise.all(TOPICS.map((topic) => broker.createTopic(topic)));
    await database.pool.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme')`);
    program = tidings(['start', '--json'], {
      command: [kafka!.node],
      env: {
        DATABASE_URL: database.url,
        TIDINGS_API_DATABASE_URL: database.apiUrl,
        TIDINGS_DATA_DIR: dir,
        TIDINGS_CATALOG: join(dir, 'catalog'),
        ...login('SCRAM-SHA-512'),
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

  /** The environment of a login by TLS. */
  const login = (mechanism: string, password = 'right', tls: object = { TIDINGS_KAFKA_CA: broker.ca }) => ({
    TIDINGS_KAFKA_BROKERS: `127.0.0.1:${broker.securePort}`,
    TIDINGS_KAFKA_SASL_MECHANISM: mechanism,
    TIDINGS_KAFKA_USERNAME: 'tidings',
    TIDINGS_KAFKA_PASSWORD: password,
    ...tls,
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

  const eventually = (sql: string, { poll }: ExpectStatic = expect) =>
    poll(() => rows(sql), { timeout: 60_000, interval: 100 });

  async function findSource(name: string): Promise<Body['sources'][number] | undefined> {
    return (await api('GET', '/sources')).body.sources.find((one) => one.name === name);
  }

  async function readKafkaPart(healthUrl: string): Promise<{ readonly status?: string; readonly cause?: string }> {
    const response = await fetch(`${healthUrl}/healthz/ready`);
    expect(response.status).toBe(200);
    const { checks } = (await response.json()) as { checks: { name: string; status: string; cause?: string }[] };
    return checks.find(({ name }) => name === 'kafka') ?? {};
  }

  describe.concurrent('of a broker that runs', () => {
    test('a message becomes an event, as its source maps it; others are skipped', async ({ expect }) => {
      await send(
        'shop.orders',
        { value: '{"customer":"maria","total":12.5}', key: 'maria' },
        { value: '{"customer":"maria","test":true}' },
        { value: '{"customer":"maria","total":3}' },
      );
      await eventually(`select properties from events where user_id = 'maria' order by event_id`, expect).toEqual([
        { properties: { amount: 12.5 } },
        { properties: { amount: 3 } },
      ]);
      await eventually(`select next_offset::int as n from kafka_offsets where topic = 'shop.orders'`, expect).toEqual([
        { n: 3 },
      ]);
    });

    test('CloudEvents are read in structured and in binary mode', async ({ expect }) => {
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
      await eventually(`select event_id from events where user_id = 'carla' order by event_id`, expect).toEqual([
        { event_id: '/shop c-1' },
        { event_id: '/shop c-2' },
      ]);
    });

    test('a message may ask for a notification', async ({ expect }) => {
      await send(
        'shop.intents',
        { key: 'nina', value: '{"template":"RECEIPT"}' },
        { key: 'nina', value: '{"template":"NONE"}' },
      );
      await eventually(`select notification_type from notifications where user_id = 'nina'`, expect).toEqual([
        { notification_type: 'RECEIPT' },
      ]);
      await eventually(`select code, source from rejected_events where source = 'intents'`, expect).toEqual([
        { code: 'invalid_event', source: 'intents' },
      ]);
    });

    test('messages of several tenants go to each; one of an unknown tenant is rejected', async ({ expect }) => {
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
        expect,
      ).toEqual([
        { tenant_id: 'acme', n: 2 },
        { tenant_id: 'default', n: 1 },
      ]);
      await eventually(`select path from rejected_events where source = 'shared'`, expect).toEqual([
        { path: 'tenant' },
      ]);
      await eventually(
        `select for_tenant, next_offset::int as n from kafka_offsets where topic = 'shop.shared'`,
        expect,
      ).toEqual([{ for_tenant: '', n: 4 }]);
    });

    test('what cannot be read or stored is rejected with its place, and is corrected and retried', async ({
      expect,
    }) => {
      await send(
        'shop.broken',
        { key: 'k1', value: 'not { JSON' },
        { value: '{"customer":"petra"}' },
        { value: '{"customer":"petra","total":7}' },
      );
      await eventually(`select count(*)::int as n from events where user_id = 'petra'`, expect).toEqual([{ n: 1 }]);
      const { body } = await api('GET', '/events/rejected?source=broken');
      const shown = body.rejected.map(({ code, source, position }) => ({ code, source, position }));
      expect(shown.sort((one, other) => one.position.offset - other.position.offset)).toEqual([
        { code: 'invalid_event', source: 'broken', position: { topic: 'shop.broken', partition: 0, offset: 0 } },
        { code: 'schema_mismatch', source: 'broken', position: { topic: 'shop.broken', partition: 0, offset: 1 } },
      ]);
      const { groups } = (await api('GET', '/events/rejected/groups?source=broken')).body;
      expect(groups.map(({ code, sources, count }) => [code, sources, count]).sort()).toEqual([
        ['invalid_event', ['broken'], 1],
        ['schema_mismatch', ['broken'], 1],
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
        expect,
      ).toEqual([{ n: 1 }, { n: 7 }, { n: 9 }]);
      expect((await api('GET', '/events/rejected?source=broken')).body.rejected).toEqual([]);
    });

    test('a source is paused and resumed; its messages wait', async ({ expect }) => {
      const changed = { name: 'paused', paused: true, changed: true };
      expect((await api('POST', '/sources/paused/pause')).body).toEqual(changed);
      expect(await findSource('paused')).toMatchObject({ state: 'paused' });
      // Messages that come before the workers have noticed are decided; then one waits.
      const isDecided = async (n: number) =>
        (await rows(`select from events where user_id = 'olga' and properties ->> 'amount' = '${n}'`)).length > 0;
      let last = 0;
      for (let isWaiting = false; !isWaiting; ) {
        await send('shop.paused', { value: `{"customer":"olga","total":${++last}}` });
        let isDone = false;
        await expect
          .poll(
            async () => {
              isDone = await isDecided(last);
              return isDone || (await findSource('paused'))?.lag === 1;
            },
            { timeout: 30_000, interval: 100 },
          )
          .toBe(true);
        isWaiting = !isDone && !(await isDecided(last));
      }
      await api('POST', '/sources/paused/resume');
      await eventually(`select count(*)::int as n from events where user_id = 'olga'`, expect).toEqual([{ n: last }]);
      expect((await api('POST', '/sources/unknown/pause')).status).toBe(404);
    });

    test('each login is accepted by TLS, and none with another password or an unknown certificate', async ({
      expect,
    }) => {
      const environments = [
        login('PLAIN'),
        login('PLAIN', 'wrong'),
        login('SCRAM-SHA-256'),
        login('SCRAM-SHA-256', 'wrong'),
        login('SCRAM-SHA-512'),
        login('SCRAM-SHA-512', 'wrong'),
        login('SCRAM-SHA-512', 'right', { TIDINGS_KAFKA_TLS: 'true' }),
      ];
      const program = ['--import', 'tsx', 'test/support/kafka/log-in.ts', JSON.stringify(environments)];
      const { stdout } = await promisify(execFile)(kafka!.node, program);
      const rejected = 'the brokers reject the login';
      const unknown = 'the certificate of a broker is not accepted';
      expect(JSON.parse(stdout)).toEqual([null, rejected, null, rejected, null, rejected, unknown]);
    });

    test('a wrong password is reported without it', async ({ expect }) => {
      const worker = tidings(['workers', '--json', '--health-port', '0'], {
        command: [kafka!.node],
        env: { DATABASE_URL: database.url, TIDINGS_DATA_DIR: dir, ...login('SCRAM-SHA-256', 'wr0ng-secret') },
      });
      try {
        const { health_url } = await worker.ready(120_000);
        await expect
          .poll(() => readKafkaPart(health_url), { timeout: 60_000 })
          .toMatchObject({ status: 'degraded', cause: 'topics are not read: the brokers reject the login' });
        expect(worker.output).not.toContain('wr0ng-secret');
      } finally {
        worker.killGroup('SIGKILL');
        await worker.ended;
      }
    });
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
