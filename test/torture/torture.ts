import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { mailSink } from '../support/mailsink.ts';
import { tidingsDirectly } from '../support/program.ts';
import { writeCatalog } from './catalog.ts';
import { checkAll, type Doubts } from './check.ts';
import { freezeDatabase, killDatabase } from './database-process.ts';
import { createUsers, makeAudience } from './events.ts';
import { type Finding, Findings } from './findings.ts';
import { freePort } from './free-port.ts';
import { Poster } from './poster.ts';
import { type Random, randomFrom } from './random.ts';
import { fillDisk } from './small-disk.ts';
import { Undying } from './undying.ts';

export interface TortureOptions {
  readonly kills: number;
  readonly seed: number;
  /** Directory of a small file system, which is filled now and then; absent: no disk is filled. */
  readonly disk: string | undefined;
  /** Receives a line of progress now and then. */
  readonly say?: (line: string) => void;
}

export interface TortureReport extends Doubts {
  readonly seed: number;
  readonly kills: number;
  /** Kills of the database server. */
  readonly databaseKills: number;
  readonly restarts: number;
  /** Times that a process was frozen for longer than its lease, and continued. */
  readonly frozen: number;
  /** Times that the database server was frozen, and continued. */
  readonly databaseFreezes: number;
  /** Times that the disk was full for some seconds. */
  readonly fullDisks: number;
  readonly events: number;
  readonly requests: number;
  readonly retried: number;
  readonly mails: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly failed: boolean;
}

const USERS = 400;
const AUDIENCE = 700;
/** Kills between two times that the database is frozen, or the disk is full; both last some seconds. */
const KILLS_PER_OUTAGE = 8;
/** Outages at least, so that a short run has each kind. */
const MIN_OUTAGES = 2;
/** The run does not end in the last seconds before a full minute, when a scheduled rule runs. */
const BEFORE_THE_MINUTE = 12_000;
/** Time in ms in which a run starts; a minute that begins later is one of the scheduled rule. */
const START_MS = 15_000;

/**
 * Runs an API process and two worker processes on one embedded PostgreSQL, under a stream of events and of rules that wait,
 * and kills random ones with `kill -9` at random times, the server among them. Each is started again at once. In between, the
 * server does not answer for some seconds, or its disk is full. After enough kills, when all processes are idle, everything is
 * checked.
 */
export async function torture({ kills, seed, disk, say = () => {} }: TortureOptions): Promise<TortureReport> {
  const began = Date.now();
  const dataDir = mkdtempSync(join(disk ?? tmpdir(), 'tidings-torture-'));
  const catalogDir = join(dataDir, 'catalog');
  writeCatalog(catalogDir);
  // A separate seed for each, because the number of draws depends on how fast the API responds.
  const sinkRandom = randomFrom(seed ^ 0x51ac);
  const sink = await mailSink(() => (sinkRandom.chance(0.05) ? sinkRandom.between(200, 4000) : 0));
  const findings = new Findings();
  const port = await freePort();
  const env = {
    TIDINGS_DATA_DIR: dataDir,
    TIDINGS_CATALOG: catalogDir,
    HOST: '127.0.0.1',
    PORT: String(port),
    SMTP_URL: sink.url,
    TIDINGS_PUBLIC_URL: `http://127.0.0.1:${port}`,
    TIDINGS_WATCH: 'false',
    TIDINGS_LOG_LEVEL: 'error',
    // Short, so that the leases of killed workers expire soon.
    TIDINGS_LEASE: '3s',
  };
  const api = new Undying('api', () => tidingsDirectly(['api', '--json'], { env }));
  const workers = [1, 2].map((n) => new Undying(`worker ${n}`, () => tidingsDirectly(['workers', '--json'], { env })));
  const all = [api, ...workers];
  const users = createUsers(USERS);
  const audience = makeAudience(AUDIENCE);
  const poster = new Poster(`http://127.0.0.1:${port}`, users, randomFrom(seed));
  const random = randomFrom(seed ^ 0x5eed);
  const killsPerOutage = Math.min(KILLS_PER_OUTAGE, Math.floor(kills / (MIN_OUTAGES + 1)));
  let killed = 0;
  let databaseKills = 0;
  let databaseFreezes = 0;
  let fullDisks = 0;
  let outages = 0;
  try {
    for (const one of all) one.start();
    await Promise.all(all.map((one) => one.ready(60_000)));
    await poster.introduce(audience);
    poster.start(5, 30);

    for (let said = 0; killed < kills; ) {
      await pause(random.between(100, 1200));
      // Mostly processes that have work to interrupt; sometimes one that is still starting.
      if (random.chance(0.85)) await untilReady(all, 2);
      if (random.chance(0.5)) await api.ready(30_000);
      const ready = all.filter((one) => one.isReady);
      // A process that is frozen for longer than its lease continues without knowing that its lease expired.
      if (random.chance(0.15)) random.pick(workers).freeze(random.between(3500, 6000));
      if (killed >= (outages + 1) * killsPerOutage) {
        outages++;
        // In turns. Longer than a lease.
        const duration = random.between(3500, 6000);
        if (disk === undefined || outages % 2 === 0) {
          if (freezeDatabase(dataDir, duration)) databaseFreezes++;
        } else {
          fullDisks++;
          const makeRoom = fillDisk(disk);
          await pause(duration);
          makeRoom();
        }
      }
      const { victims, database } = choose(ready.length > 0 && random.chance(0.85) ? ready : all, random);
      if (database && killDatabase(dataDir)) {
        databaseKills++;
        killed++;
      }
      for (const victim of victims) if (victim.killNow()) killed++;
      if (killed >= said + 10) {
        said = killed;
        const { acknowledged } = poster;
        say(`${killed} of ${kills} kills · ${acknowledged.size} events acknowledged · ${sink.mails.length} mails`);
      }
    }

    await Promise.all(all.map((one) => one.ready(60_000)));
    await poster.finish(60_000);
    findings.expect('each request is acknowledged in the end', poster.pending === 0, () => `${poster.pending} are not`);
    const server = await startEmbedded({ dataDir });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    say('Waiting until all is delivered');
    await untilQuiet(client, 90_000, began);

    const ends = await Promise.all(all.map((one) => one.end(10_000)));
    ends.forEach((end, i) => {
      findings.expect('each process ends within 10 s of SIGTERM', end === 0, () => `${all[i]?.name}: ${end}`);
    });
    findings.about('no process ends by itself');
    for (const one of all) {
      for (const words of one.diedByItself) findings.expect('no process ends by itself', false, () => words);
    }
    findings.about('no answer but 202, and 503 when something is down');
    for (const words of poster.wrong) {
      findings.expect('no answer but 202, and 503 when something is down', false, () => words);
    }
    const doubts = await checkAll(client, [...users, ...audience], poster.acknowledged.values(), sink.mails, findings);
    await client.end();
    await server.stop();
    return {
      seed,
      kills: killed,
      databaseKills,
      restarts: all.reduce((sum, one) => sum + one.restarts, 0),
      frozen: all.reduce((sum, one) => sum + one.frozen, 0),
      databaseFreezes,
      fullDisks,
      events: poster.acknowledged.size,
      requests: poster.requests,
      retried: poster.retried,
      mails: sink.mails.length,
      ...doubts,
      seconds: Math.round((Date.now() - began) / 1000),
      findings: findings.rows,
      failed: findings.failed,
    };
  } finally {
    await Promise.all(all.map((one) => one.end(10_000)));
    killDatabase(dataDir);
    await sink.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function choose(all: readonly Undying[], random: Random): { victims: readonly Undying[]; database: boolean } {
  const luck = random.next();
  if (luck < 0.03) return { victims: all, database: true };
  if (luck < 0.08) return { victims: [], database: true };
  const first = random.pick(all);
  const others = all.filter((one) => one !== first);
  if (luck < 0.25 && others.length > 0) return { victims: [first, random.pick(others)], database: false };
  return { victims: [first], database: false };
}

/** Resolves when `count` of them are running, or after half a minute. */
async function untilReady(all: readonly Undying[], count: number): Promise<void> {
  for (const since = Date.now(); Date.now() - since < 30_000; await pause(20)) {
    if (all.filter((one) => one.isReady).length >= count) return;
  }
}

/**
 * Resolves when nothing is in progress, nothing is due soon, and the scheduled rule has run: a minute has begun since `began`, a while
 * after which everything was up. What remains is found by the checks.
 */
async function untilQuiet(client: pg.Client, patience: number, began: number): Promise<void> {
  const minute = Math.ceil((began + START_MS) / 60_000) * 60_000;
  for (const since = Date.now(); Date.now() - since < patience; await pause(200)) {
    const now = Date.now();
    if (now < minute || 60_000 - (now % 60_000) < BEFORE_THE_MINUTE) continue;
    const { rows } = await client.query<{ busy: boolean }>(BUSY);
    if (!rows[0]?.busy) return;
  }
}

const BUSY = `
select exists (select from deliveries where status in ('queued', 'sending'))
    or exists (select from outbox_events)
    or exists (select from webhook_facts)
    or exists (select from waits where status = 'waiting' and due_at < now() + interval '1 minute')
    or exists (select from schedules where next_at <= now() or claimed_until is not null) as busy`;
