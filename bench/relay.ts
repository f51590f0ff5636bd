/** Sends messages to a topic in a process of its own: what waits in the outbox of a database, or messages from memory. */
import { createHash } from 'node:crypto';
import pino from 'pino';
import { openProducer } from '../src/kafka/client.ts';
import { DEFAULT_TENANT } from '../src/model/event.ts';
import type { KafkaSettings } from '../src/model/kafka.ts';
import { Seal } from '../src/privacy/seal.ts';
import { SinkWorker } from '../src/sinks/sink-worker.ts';
import { openPool } from '../src/store/pg/pool.ts';

export type RelayOrder = { readonly kafka: KafkaSettings } & (
  | { /** URL of the database. */ readonly database: string }
  | { readonly topic: string; readonly messages: readonly { readonly key: string; readonly value: string }[] }
);

/** Messages of one send, as of the outbox. */
const SENT = 500;
const POLL_MS = 1000;

process.once('message', async (order: RelayOrder) => {
  if ('database' in order) await relay(order.kafka, order.database);
  else await sendAll(order.kafka, order.topic, order.messages);
  process.exit();
});

async function relay(settings: KafkaSettings, url: string): Promise<void> {
  const pool = openPool(url, { max: 20, name: 'tidings bench' });
  const seal = new Seal(createHash('sha256').update('bench').digest());
  const [clock, mayAct, log] = [Date.now, () => true, pino({ level: 'silent' })];
  const worker = new SinkWorker({ pool, seal, clock, mayAct, log, settings, tenant: DEFAULT_TENANT, poll: POLL_MS });
  await untilStopped(async () => {
    worker.start();
    return 'begun';
  });
  await worker.stop();
  await pool.end();
}

/** Answers with the time in seconds. */
async function sendAll(
  settings: KafkaSettings,
  topic: string,
  texts: readonly { readonly key: string; readonly value: string }[],
): Promise<void> {
  const producer = await openProducer(settings);
  const messages = texts.map(({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value), headers: [] }));
  await untilStopped(async () => {
    const begun = performance.now();
    for (let from = 0; from < messages.length; from += SENT)
      await producer.send(topic, messages.slice(from, from + SENT));
    return (performance.now() - begun) / 1000;
  });
  await producer.close();
}

/** Does its work once the other side says so, and resolves when that side is gone. */
async function untilStopped(work: () => Promise<unknown>): Promise<void> {
  const over = new Promise<void>((resolve) => process.once('disconnect', resolve));
  process.once('message', async () => process.send?.(await work()));
  process.send?.('ready');
  await over;
}
