import type pg from 'pg';
import { expect } from 'vitest';
import type { KafkaProducer, OutgoingMessage } from '../../../src/kafka/client.ts';
import { TokenBucket } from '../../../src/lib/concurrency/token-bucket.ts';
import type { KafkaSettings } from '../../../src/model/kafka.ts';
import { takeTurn } from '../../../src/sinks/lane-turn.ts';
import { TopicKeeper } from '../../../src/sinks/topic-keeper.ts';
import { claimTopics, findReadyTopics, releaseTopic } from '../../../src/store/kafka/lanes.ts';
import { silent, TENANT, type TestTidings } from '../tidings.ts';

/* Messages for Kafka topics without a broker: what is recorded, and in which order it is handed over. */

export const TOPIC = 'shop.orders';

/** A catalog without sinks, and the sinks that its tests add. */
export const CATALOG = [
  ['events.yaml', 'events: { ordered: { properties: { n: number, to: string } }, other: {} }'],
  ['notifications.yaml', 'notifications: { TELL: { category: SYSTEM, channels: [email] } }'],
  ['rules.yaml', 'rules: { TELL: { on: other } }'],
  ['templates/TELL/email.en.subject.txt', 'Hello'],
  ['templates/TELL/email.en.txt', 'Hello'],
] as const;
export const SINKS = `sinks: { orders: { topic: ${TOPIC}, event_types: [ordered] } }`;

/** Makes what opens and measures topics. */
export function makeKeeper(
  { pool, clock }: Pick<TestTidings, 'pool' | 'clock'>,
  out: Partial<KafkaSettings['out']> = {},
  settings: Partial<KafkaSettings> = {},
): TopicKeeper {
  const all = { rate: 1000, maxWaiting: 1000, maxWaitingBytes: 1_000_000, ...out };
  return new TopicKeeper({
    pool,
    clock: () => clock.now,
    log: silent,
    settings: { allowed: [], ...settings, out: all } as unknown as KafkaSettings,
    tenant: TENANT,
  });
}

/** Makes the catalog with these sinks the active one, and opens their topics. */
export async function openSinks(tidings: TestTidings, sinks = SINKS): Promise<void> {
  await tidings.apply(new Map([...CATALOG, ['sinks.yaml', sinks]]));
  await makeKeeper(tidings).open();
}

/** Records messages in a transaction of their own. */
export async function fillOutbox(
  { pool, clock }: Pick<TestTidings, 'pool' | 'clock'>,
  {
    count = 1,
    size = 10,
    topic = TOPIC,
    tenant = TENANT,
    user = 'ana',
  }: { count?: number; size?: number; topic?: string; tenant?: string; user?: string } = {},
): Promise<void> {
  await pool.query(
    `insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, key, type, event_id, at, data, bytes, created_at)
     select $5, gen_random_uuid(), $3, 'fact', $6, $5 || ':' || $6, 'ordered', 'e' || n, $4,
            to_json(repeat('x', $2::integer - 2)), $2::integer, $4 from generate_series(1, $1) as n`,
    [count, size, topic, new Date(clock.now), tenant, user],
  );
}

/**
 * Resolves when no transaction is open that began before now: other tests have some in other databases of the server, which hold up
 * messages as well.
 */
export async function awaitTransactions(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query('select pg_current_xact_id()::text as own');
  const isOver = async () =>
    (await pool.query('select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 as is', [rows[0].own])).rows[0].is;
  await expect.poll(isOver, { timeout: 60_000, interval: 5 }).toBe(true);
}

/** A producer that keeps what it is given. @param take throws what the brokers answer */
export function fakeProducer(take: (messages: readonly OutgoingMessage[]) => void = () => {}) {
  const sent: OutgoingMessage[] = [];
  const producer: KafkaProducer = {
    async send(_topic, messages) {
      take(messages);
      sent.push(...messages);
    },
    async close() {},
  };
  return { producer, sent };
}

export interface TurnOptions {
  /** Time (ms) for which the claim holds. */
  readonly goodFor?: number | undefined;
  readonly rate?: number | undefined;
  /** By default no time passes: a turn is not over before all is sent. */
  readonly elapsed?: () => number;
  readonly size?: number | undefined;
}

/** Claims the topics that have messages, and has each take a turn. Returns the messages of the next send of the last one. */
export async function takeTurns(
  { pool, seal, clock }: TestTidings,
  producer: KafkaProducer,
  { goodFor = 30_000, rate = 10_000, elapsed = () => 0, size }: TurnOptions = {},
): Promise<number | undefined> {
  const parts = { pool, seal, clock: () => clock.now, elapsed, bucket: new TokenBucket(rate, elapsed()) };
  await awaitTransactions(pool);
  await findReadyTopics(pool);
  let next: number | undefined;
  for (const lane of await claimTopics(pool, clock.now, clock.now, 10, 1)) {
    const listener = { isStopping: () => false, onSent: () => {}, onParked: () => {} };
    const end = await takeTurn({ ...parts, ...listener }, producer, lane, elapsed() + goodFor, size);
    await releaseTopic(pool, lane, end.isEmpty);
    next = end.size;
  }
  return next;
}

export const idsOf = (messages: readonly OutgoingMessage[]): string[] =>
  messages.map(({ headers }) => String(headers.find(([name]) => name === 'ce_id')?.[1]));

/** An answer of brokers that never take a message. */
export function tooLarge(): Error {
  return Object.assign(new Error('no'), { apiId: 'MESSAGE_TOO_LARGE' });
}
