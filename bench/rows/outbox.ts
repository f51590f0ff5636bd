import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import type { KafkaSettings } from '../../src/model/kafka.ts';
import { Broker, type KafkaTools } from '../../test/support/kafka/broker.ts';
import { startChild } from '../child.ts';
import { makeEvents, type PostedEvent } from '../events.ts';
import { readKafkaSettings } from '../kafka-settings.ts';
import { findMissingKafka, requireKafka } from '../kafka-tools.ts';
import type { RelayOrder } from '../relay.ts';
import type { Row } from '../row.ts';
import type { Database, Setup } from '../setup.ts';

const TOPIC = 'bench.outbox';
const PARTITIONS = 8;
/** Messages of one transaction that records them. */
const RECORDED = 500;
const POLL_MS = 20;

/** Messages that wait in the outbox, until the brokers have acknowledged all, against the same by the same client from memory. */
export const outboxRow: Row = {
  id: 'outbox',
  name: `events from the outbox to acknowledged by a Kafka topic of ${PARTITIONS} partitions`,
  unit: 'events/s',
  against: 'the same messages sent from memory',
  direction: 'higher',
  atLeast: 0.2,
  goal: 0.5,
  lacks: findMissingKafka,
  async measure(setup) {
    const tools = requireKafka();
    const events = makeEvents(setup.traffic());
    const broker = await Broker.start(tools);
    try {
      await broker.createTopic(TOPIC, PARTITIONS);
      const settings = readKafkaSettings(broker);
      const limit = await measureMemory(tools, settings, events);
      const value = await measureRelay(setup, tools, settings, events);
      return { value, limit };
    } finally {
      await broker.stop();
    }
  },
};

async function measureMemory(
  { node }: KafkaTools,
  kafka: KafkaSettings,
  events: readonly PostedEvent[],
): Promise<number> {
  const messages = events.map((event) => ({ key: event.user_id, value: JSON.stringify(event) }));
  const order: RelayOrder = { kafka, topic: TOPIC, messages };
  const sender = await startChild('relay.ts', order, node);
  try {
    const seconds = (await sender.go()) as number;
    return events.length / seconds;
  } finally {
    await sender.stop();
  }
}

function measureRelay(
  setup: Setup,
  { node }: KafkaTools,
  kafka: KafkaSettings,
  events: readonly PostedEvent[],
): Promise<number> {
  return setup.withDatabase(async (database) => {
    await record(database, events);
    const order: RelayOrder = { kafka, database: database.url };
    const relay = await startChild('relay.ts', order, node);
    try {
      const begun = performance.now();
      await relay.go();
      await allSent(database);
      return events.length / ((performance.now() - begun) / 1000);
    } finally {
      await relay.stop();
    }
  });
}

/** Records events as messages of a sink, in transactions as those of batches. */
async function record({ pool }: Database, events: readonly PostedEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += RECORDED) {
    const rows = events
      .slice(from, from + RECORDED)
      .map((event) => ({ u: event.user_id, t: event.event_type, d: JSON.stringify(event) }));
    await pool.query(
      `insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, key, type, event_id, at, data, bytes, created_at)
       select $1, m, $2, 'fact', u, $1 || ':' || u, t, m::text, now(), d::json, octet_length(d), now()
       from (select *, gen_random_uuid() as m from json_to_recordset($3) as r(u text, t text, d text)) as r`,
      [DEFAULT_TENANT, TOPIC, JSON.stringify(rows)],
    );
  }
  await pool.query('vacuum analyze kafka_outbox');
}

async function allSent({ pool }: Database): Promise<void> {
  for (;;) {
    const { rows } = await pool.query('select from kafka_outbox limit 1');
    if (rows.length === 0) return;
    await sleep(POLL_MS);
  }
}
