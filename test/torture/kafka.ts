import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { Broker, type KafkaTools } from '../support/kafka/broker.ts';
import { type Program, tidings } from '../support/program.ts';
import { randomFrom } from './random.ts';

/*
 * Kills consumers and the broker of topics that are read, freezes consumers until the group has given their partitions to others,
 * joins and stops others; counts afterwards: each message is decided once, in the order of its user, and none is skipped.
 */

export interface KafkaTortureOptions {
  readonly messages: number;
  readonly seed: number;
  /** Time (s) over which the messages are sent. */
  readonly spread: number;
  /** Interruptions, one after the other; beyond the list it is repeated until the messages are decided. */
  readonly interruptions: readonly Interruption[];
  readonly log: (line: string) => void;
}

export const INTERRUPTIONS = ['join', 'kill', 'pause', 'freeze', 'broker', 'stop'] as const;
export type Interruption = (typeof INTERRUPTIONS)[number];

export interface KafkaTortureReport {
  readonly messages: number;
  readonly decided: number;
  readonly distinct: number;
  readonly outOfOrder: number;
  readonly poison: number;
  readonly quarantined: number;
  readonly interruptions: { readonly [what: string]: number };
  readonly seconds: number;
  /** Everything held. */
  readonly held: boolean;
}

const TOPIC = 'torture.orders';
const PARTITIONS = 6;
const USERS = 200;
/** One message of so many is not JSON. */
const POISON_EVERY = 500;
/** A frozen consumer is missed by the group after 10 s: it keeps its partitions after a pause, and loses them after the other. */
const PAUSE_MS = 3000;
const FREEZE_MS = 12_000;
const MAX_MS = 10 * 60_000;
/** Time for what is left after the last interruption. */
const MAX_LAST_MS = 60_000;

const CATALOG = {
  'events.yaml': 'events: { order_placed: { properties: { n: number } } }\n',
  'notifications.yaml': 'notifications: { RECEIPT: { category: TRANSACTIONAL, channels: [email] } }\n',
  'rules.yaml': 'rules: { RECEIPT: { on: order_placed, limit: once } }\n',
  'templates/RECEIPT/email.en.subject.txt': 'Receipt\n',
  'templates/RECEIPT/email.en.txt': 'Thank you.\n',
  'sources.yaml': `sources: { orders: { topic: ${TOPIC}, event_type: order_placed, user_id: { from: message.key } } }\n`,
};

export async function tortureKafka(tools: KafkaTools, options: KafkaTortureOptions): Promise<KafkaTortureReport> {
  const { messages, seed, log } = options;
  const random = () => draws.next();
  const draws = randomFrom(seed);
  const dir = mkdtempSync(join(tmpdir(), 'tidings-kafka-'));
  for (const [file, text] of Object.entries(CATALOG)) {
    mkdirSync(dirname(join(dir, 'catalog', file)), { recursive: true });
    writeFileSync(join(dir, 'catalog', file), text);
  }
  const broker = await Broker.start(tools);
  const postgres = await startEmbedded({ dataDir: dir, transport: 'tcp', settings: { fsync: 'off' } });
  const pool = openPool(`${postgres.url}`, { max: 3, name: 'torture' });
  const consumers: Program[] = [];
  const done: { [what in Interruption]: number } = {
    join: 0,
    kill: 0,
    pause: 0,
    freeze: 0,
    broker: 0,
    stop: 0,
  };
  const env = {
    DATABASE_URL: postgres.url,
    TIDINGS_DATA_DIR: dir,
    TIDINGS_CATALOG: join(dir, 'catalog'),
    TIDINGS_KAFKA_BROKERS: broker.address,
    TIDINGS_LOG_LEVEL: 'warn',
    PORT: '0',
  };
  const start = async (command: string) => {
    const program = tidings([command, '--json'], { command: [tools.node], env });
    consumers.push(program);
    await program.ready(120_000);
  };
  const began = performance.now();
  try {
    await broker.createTopic(TOPIC, PARTITIONS);
    await start('start');
    log('the first consumer reads');
    const poison = Math.floor(messages / POISON_EVERY);
    const sending = produce(broker, messages, options.spread);
    const decided = async () =>
      (await pool.query('select (select count(*) from events) + (select count(*) from rejected_events) as n')).rows[0]
        .n as number;
    await start('workers');
    for (let i = 0; ; i++) {
      const what = options.interruptions[i % options.interruptions.length] as Interruption;
      if (i >= options.interruptions.length && (await decided()) >= messages + poison) break;
      if (performance.now() - began > MAX_MS) break;
      log(`${what}: ${await decided()} of ${messages + poison} decided`);
      done[what]++;
      await interrupt(what);
      await sleep(500 + random() * 1500);
    }
    await sending;
    const until = performance.now() + MAX_LAST_MS;
    while ((await decided()) < messages + poison && performance.now() < until) await sleep(250);
    const { rows } = await pool.query(`
      with ordered as (
        select user_id, (properties ->> 'n')::int as n, received_at,
               lag(received_at) over (partition by user_id order by (properties ->> 'n')::int) as before
        from events where event_type = 'order_placed'
      )
      select count(*)::int as decided, count(distinct (user_id, n))::int as "distinct",
             count(*) filter (where before > received_at)::int as disordered,
             (select coalesce(sum(times), 0)::int from rejected_events) as quarantined
      from ordered`);
    const { decided: count, distinct, disordered, quarantined } = rows[0];
    const held = count === messages && distinct === messages && disordered === 0 && quarantined === poison;
    if (!held) for (const { output } of consumers) log(output.slice(-3000));
    return {
      messages,
      decided: count,
      distinct,
      outOfOrder: disordered,
      poison,
      quarantined,
      interruptions: done,
      seconds: Math.round((performance.now() - began) / 1000),
      held,
    };
  } finally {
    for (const program of consumers) program.killGroup('SIGKILL');
    await Promise.all(consumers.map(({ ended }) => ended));
    await broker.stop();
    await pool.end();
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }

  async function interrupt(what: Interruption): Promise<void> {
    const running = consumers.filter(({ over }) => !over);
    const victim = running[Math.floor(random() * running.length)] as Program;
    switch (what) {
      case 'join':
        if (running.length < 4) await start('workers');
        return;
      case 'kill':
      case 'stop':
        victim.killGroup(what === 'kill' ? 'SIGKILL' : 'SIGTERM');
        await victim.ended;
        if (running.length <= 2) await start('workers');
        return;
      case 'pause':
      case 'freeze':
        victim.killGroup('SIGSTOP');
        await sleep(what === 'pause' ? PAUSE_MS : FREEZE_MS);
        victim.killGroup('SIGCONT');
        return;
      default:
        await broker.kill();
        await sleep(1000);
        await broker.run();
    }
  }
}

/** Sends the messages, those of a user in their order, and each once: the producer is idempotent. */
async function produce(broker: Broker, messages: number, spread: number): Promise<void> {
  const producer = broker.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    retry: { retries: 50, maxRetryTime: 2000 },
  });
  await producer.connect();
  const counts = new Map<string, number>();
  const BATCH = 250;
  const pause = (spread * 1000 * BATCH) / messages;
  for (let at = 0; at < messages; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, messages - at) }, (_, i) => {
      const user = `user-${(at + i) % USERS}`;
      const n = (counts.get(user) ?? 0) + 1;
      counts.set(user, n);
      return { key: user, value: JSON.stringify({ n }) };
    });
    if (at % POISON_EVERY === 0 && messages - at >= POISON_EVERY)
      batch.push({ key: 'poison', value: `{ not JSON ${at}` });
    await producer.send({ topic: TOPIC, acks: -1, messages: batch });
    await sleep(pause);
  }
  await producer.disconnect();
}
