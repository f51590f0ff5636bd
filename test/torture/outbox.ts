import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { migrate } from '../../src/store/pg/migrate.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { Broker, type KafkaTools } from '../support/kafka/broker.ts';
import { type ReadMessage, TopicReader } from '../support/kafka/topic-reader.ts';
import { Program, tidings } from '../support/program.ts';
import { type Random, randomFrom } from './random.ts';

/*
 * Kills processes that write what is recorded for a topic, and its broker; freezes them until their claims are over and another has
 * gone on; joins and stops others. Transactions that record messages overlap meanwhile. Counts afterwards: each message is in the topic,
 * under one id, and the first occurrences of each key are in the order of its transactions.
 */

export interface OutboxTortureOptions {
  readonly seed: number;
  readonly interruptions: readonly OutboxInterruption[];
  /** Times that the list of interruptions is gone through. */
  readonly rounds: number;
  /** Time in ms for which topics are claimed: by processes of a test; null: by real ones, for their minute. */
  readonly claim: number | null;
  readonly log: (line: string) => void;
}

export const OUTBOX_INTERRUPTIONS = ['kill', 'pause', 'join', 'freeze', 'broker', 'stop'] as const;
export type OutboxInterruption = (typeof OUTBOX_INTERRUPTIONS)[number];

export interface OutboxTortureReport {
  readonly recorded: number;
  /** Messages in the topic, repetitions included. */
  readonly written: number;
  readonly missing: number;
  /** Messages that came again under another id. */
  readonly renamed: number;
  readonly outOfOrder: number;
  readonly left: number;
  readonly interruptions: { readonly [what: string]: number };
  readonly seconds: number;
  /** Everything held. */
  readonly held: boolean;
}

const TOPIC = 'torture.out';
const PARTITIONS = 4;
const RECORDERS = 6;
const USERS_EACH = 10;
/** Messages of a user in one transaction, at most; and the longest time (ms) that one is open. */
const MAX_MESSAGES = 6;
const MAX_OPEN_MS = 60;
const REAL_CLAIM_MS = 60_000;
const PAUSE_MS = 1500;
/** Time for what is left after the last interruption, and for the reader to see it. */
const MAX_LAST_MS = 120_000;

const CATALOG = {
  'events.yaml': 'events: { order_placed: {} }\n',
  'sinks.yaml': `sinks: { orders: { topic: ${TOPIC}, event_types: [order_placed] } }\n`,
};

export async function tortureOutbox(tools: KafkaTools, options: OutboxTortureOptions): Promise<OutboxTortureReport> {
  const { claim, log } = options;
  const random = randomFrom(options.seed);
  const dir = mkdtempSync(join(tmpdir(), 'tidings-outbox-'));
  for (const [file, text] of Object.entries(CATALOG)) {
    mkdirSync(dirname(join(dir, 'catalog', file)), { recursive: true });
    writeFileSync(join(dir, 'catalog', file), text);
  }
  const began = performance.now();
  const [broker, postgres] = await Promise.all([
    Broker.start(tools),
    startEmbedded({ dataDir: dir, transport: 'tcp', settings: { fsync: 'off' } }),
  ]);
  const pool = openPool(`${postgres.url}`, { max: RECORDERS + 2, name: 'torture' });
  const relays: Program[] = [];
  const done: { [what in OutboxInterruption]?: number } = {};
  const env = {
    DATABASE_URL: postgres.url,
    TIDINGS_DATA_DIR: dir,
    TIDINGS_CATALOG: join(dir, 'catalog'),
    TIDINGS_KAFKA_BROKERS: broker.address,
    TIDINGS_LOG_LEVEL: 'warn',
    TIDINGS_POLL: '200ms',
    RELAY_CLAIM_MS: String(claim),
    PORT: '0',
  };
  const start = async () => {
    const args = relays.length === 0 ? ['start', '--json'] : ['workers', '--json'];
    const program =
      claim === null
        ? tidings(args, { command: [tools.node], env })
        : new Program(['--import', 'tsx', 'test/torture/relay-process.ts'], { command: [tools.node], env });
    relays.push(program);
    await program.says(/^\{"ready":true.*\}$/m, 120_000);
  };
  const running = () => relays.filter(({ over }) => !over);
  let reader: TopicReader | undefined;
  try {
    await broker.createTopic(TOPIC, PARTITIONS);
    reader = await TopicReader.open(broker, [TOPIC]);
    if (claim !== null) await migrate(pool);
    await start();
    await start();
    const recorders = Array.from({ length: RECORDERS }, (_, i) => new Recorder(pool, i, random));
    const recording = recorders.map((one) => one.run());
    for (let round = 0; round < options.rounds; round++) {
      for (const what of options.interruptions) {
        log(`${what}: ${reader.of(TOPIC).length} messages written`);
        await interrupt(what);
        done[what] = (done[what] ?? 0) + 1;
        await sleep(200 + random.next() * 600);
      }
    }
    for (const one of recorders) one.stop();
    await Promise.all(recording);
    if (running().length === 0) await start();
    const recorded = new Map(recorders.flatMap(({ counts }) => [...counts]));
    const sum = [...recorded.values()].reduce((all, count) => all + count, 0);
    const left = async () => (await pool.query('select count(*)::int as n from kafka_outbox')).rows[0].n as number;
    const until = performance.now() + MAX_LAST_MS;
    const isDone = async () => check(reader!.of(TOPIC), recorded).missing === 0 && (await left()) === 0;
    while (performance.now() < until && !(await isDone())) await sleep(250);
    const found = check(reader.of(TOPIC), recorded);
    const remaining = await left();
    const held = found.missing === 0 && found.renamed === 0 && found.outOfOrder === 0 && remaining === 0 && sum > 0;
    if (!held) for (const { output } of relays) log(output.slice(-3000));
    const seconds = Math.round((performance.now() - began) / 1000);
    return {
      ...{ recorded: sum, written: reader.of(TOPIC).length, ...found, left: remaining },
      ...{ interruptions: done, seconds, held },
    };
  } finally {
    for (const program of relays) program.killGroup('SIGKILL');
    await Promise.all(relays.map(({ ended }) => ended));
    await reader?.close();
    await broker.stop();
    await pool.end();
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }

  async function interrupt(what: OutboxInterruption): Promise<void> {
    const victim = running()[Math.floor(random.next() * running().length)] as Program;
    switch (what) {
      case 'join':
        if (running().length < 4) await start();
        return;
      case 'kill':
      case 'stop':
        victim.killGroup(what === 'kill' ? 'SIGKILL' : 'SIGTERM');
        await victim.ended;
        if (running().length < 2) await start();
        return;
      case 'pause':
      case 'freeze':
        victim.killGroup('SIGSTOP');
        await sleep(what === 'pause' ? PAUSE_MS : (claim ?? REAL_CLAIM_MS) + 1000);
        victim.killGroup('SIGCONT');
        return;
      default:
        await broker.kill();
        await sleep(500);
        await broker.run();
    }
  }
}

/** Records messages of its own users, in transactions that are open for a while, one after the other. */
class Recorder {
  /** Messages of each user. */
  readonly counts = new Map<string, number>();
  readonly #pool: pg.Pool;
  readonly #number: number;
  readonly #random: Random;
  #isStopping = false;

  constructor(pool: pg.Pool, number: number, random: Random) {
    this.#pool = pool;
    this.#number = number;
    this.#random = random;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(): Promise<void> {
    const connection = await this.#pool.connect();
    while (!this.#isStopping) {
      const user = `user-${this.#number}-${Math.floor(this.#random.next() * USERS_EACH)}`;
      const from = this.counts.get(user) ?? 0;
      const count = 1 + Math.floor(this.#random.next() * MAX_MESSAGES);
      await connection.query('begin');
      await connection.query(
        `insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, key, type, event_id, at, data, bytes, created_at)
         select $1, gen_random_uuid(), $2, 'fact', $3, $1 || ':' || $3, 'order_placed', $3 || '-' || n, now(),
                json_build_object('user_id', $3::text, 'n', n), 40, now()
         from generate_series($4::integer + 1, $4::integer + $5::integer) as n`,
        [DEFAULT_TENANT, TOPIC, user, from, count],
      );
      await sleep(this.#random.next() * MAX_OPEN_MS);
      await connection.query('commit');
      this.counts.set(user, from + count);
    }
    connection.release();
  }
}

/** Compares what is in the topic with what was recorded. */
function check(messages: readonly ReadMessage[], recorded: ReadonlyMap<string, number>) {
  const seen = new Map<string, { first: number; ids: Map<number, string> }>();
  let outOfOrder = 0;
  let renamed = 0;
  for (const { value, headers } of messages) {
    const { user_id: user, n } = JSON.parse(value) as { readonly user_id: string; readonly n: number };
    const of = seen.get(user) ?? { first: 0, ids: new Map<number, string>() };
    seen.set(user, of);
    const id = of.ids.get(n);
    if (id === undefined) {
      if (n < of.first) outOfOrder++;
      of.first = n;
      of.ids.set(n, String(headers.ce_id));
    } else if (id !== headers.ce_id) {
      renamed++;
    }
  }
  let missing = 0;
  for (const [user, count] of recorded) missing += count - (seen.get(user)?.ids.size ?? 0);
  return { missing, renamed, outOfOrder };
}
