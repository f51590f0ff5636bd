import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { Broker, findKafka } from './support/kafka/broker.ts';
import { type Program, tidings } from './support/program.ts';

const kafka = findKafka();

const CATALOG = {
  'events.yaml': `
events:
  order_placed: { properties: { amount: number, n: number } }
  payment_failed: { properties: { amount: number } }
`,
  'notifications.yaml': 'notifications: { RECEIPT: { category: TRANSACTIONAL, channels: [email] } }\n',
  'rules.yaml': 'rules: { RECEIPT: { on: payment_failed } }\n',
  'templates/RECEIPT/email.en.subject.txt': 'Receipt\n',
  'templates/RECEIPT/email.en.txt': 'Thank you.\n',
  'sources.yaml': `
sources:
  orders:
    topic: shop.orders
    event_type: order_placed
    user_id: { from: message.value.customer }
    when: message.value.kind != "test"
    properties: { amount: { from: message.value.total }, n: { from: message.value.n } }
  events: { topic: shop.events, format: cloudevents }
  intents:
    topic: shop.intents
    event_type: notification.requested
    user_id: { from: message.key }
    properties: { type: { from: message.value.template } }
  tenants:
    topic: shop.tenants
    event_type: order_placed
    tenant: { from: message.headers.tenant }
    user_id: { from: message.value.customer }
`,
};

describe.skipIf(!kafka)('topics of sources.yaml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sources-'));
  let broker: Broker;
  let database: TestDatabase;
  let program: Program;
  let url = '';
  let topics = 0;

  beforeAll(async () => {
    for (const [file, text] of Object.entries(CATALOG)) {
      const path = join(dir, file);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
    }
    broker = await Broker.start(kafka!);
    for (const topic of ['shop.orders', 'shop.events', 'shop.intents', 'shop.tenants']) await broker.createTopic(topic);
    database = await testDatabase();
    program = tidings(['start', '--json'], {
      command: [kafka!.node],
      env: {
        DATABASE_URL: database.url,
        TIDINGS_CATALOG: dir,
        TIDINGS_KAFKA_BROKERS: broker.address,
        TIDINGS_DATA_DIR: dir,
        PORT: '0',
      },
    });
    ({ url } = (await program.ready(120_000)) as { url: string });
  }, 180_000);

  afterAll(async () => {
    program?.killGroup('SIGKILL');
    await program?.ended;
    await broker?.stop();
    await database?.drop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function send(
    topic: string,
    ...messages: { key?: string; value: string | null; headers?: Record<string, string> }[]
  ) {
    await (await broker.producer()).send({ topic, messages });
  }

  async function count(sql: string): Promise<number> {
    const { rows } = await database.pool.query(`select count(*)::int as n from ${sql}`);
    return rows[0].n;
  }

  test('each message becomes an event, once', async () => {
    await send(
      'shop.orders',
      { value: '{"customer":"u1","total":12.5,"n":1}' },
      { value: '{"customer":"u1","kind":"test"}' },
    );
    await expect.poll(() => count(`events where user_id = 'u1'`), { timeout: 60_000 }).toBe(1);
    console.log(topics++, url, program.stderr);
  });
});
