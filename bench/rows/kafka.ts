import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { Broker, type KafkaTools } from '../../test/support/kafka/broker.ts';
import { startChild } from '../child.ts';
import { makeEvents, type PostedEvent, type Traffic } from '../events.ts';
import { readKafkaSettings } from '../kafka-settings.ts';
import { findMissingKafka, requireKafka } from '../kafka-tools.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import type { ServerOrder } from '../server.ts';
import { allStored, type Database, measureStored, type Setup } from '../setup.ts';

const TOPIC = 'bench.events';
const PARTITIONS = 8;
/** Messages that are sent to the broker at once. */
const PRODUCED = 1000;

/** Messages that wait in a topic, against the same events in requests; each is decided by a process of its own, on the same Node.js. */
export const kafkaRow: Row = {
  id: 'kafka',
  name: `events decided and stored, from a Kafka topic of ${PARTITIONS} partitions`,
  unit: 'events/s',
  against: 'the same over HTTP, 100 a request',
  direction: 'higher',
  atLeast: 0.8,
  goal: 1,
  lacks: findMissingKafka,
  async measure(setup) {
    const tools = requireKafka();
    const traffic = setup.traffic();
    const limit = await measureHttp(setup, tools, traffic);
    const value = await measureTopic(setup, tools, traffic);
    return { value, limit };
  },
};

function measureHttp(setup: Setup, { node }: KafkaTools, traffic: Traffic): Promise<number> {
  return setup.withDatabase(async (database) => {
    const order: ServerOrder = { database: database.url, delivers: false };
    const server = await startChild('server.ts', order, node);
    try {
      await post({ url: String(server.ready), traffic, kind: 'mix', perRequest: 100, connections: 32 });
      return await measureStored(database, traffic.count);
    } finally {
      await server.stop();
    }
  });
}

async function measureTopic(setup: Setup, tools: KafkaTools, traffic: Traffic): Promise<number> {
  const broker = await Broker.start(tools);
  try {
    await produce(broker, makeEvents(traffic));
    return await setup.withDatabase(async (database) => {
      await addSource(setup, database);
      const kafka = readKafkaSettings(broker);
      const order: ServerOrder = { database: database.url, delivers: false, kafka };
      const server = await startChild('server.ts', order, tools.node);
      try {
        await server.go();
        await allStored(database, traffic.count);
        return await measureStored(database, traffic.count);
      } finally {
        await server.stop();
      }
    });
  } finally {
    await broker.stop();
  }
}

async function produce(broker: Broker, events: readonly PostedEvent[]): Promise<void> {
  await broker.createTopic(TOPIC, PARTITIONS);
  const producer = await broker.producer();
  for (let from = 0; from < events.length; from += PRODUCED) {
    const messages = events
      .slice(from, from + PRODUCED)
      .map((event) => ({ key: event.user_id, value: JSON.stringify(event) }));
    await producer.send({ topic: TOPIC, messages });
  }
}

/** Adds a source to the catalog, whose messages are events as they would be posted. */
async function addSource({ catalog }: Setup, { pool }: Database): Promise<void> {
  const sources = [{ name: 'events', topic: TOPIC, format: 'json' as const }];
  await applyCatalog(pool, DEFAULT_TENANT, { ...catalog, sources }, systemActor('bench'), Date.now());
}
