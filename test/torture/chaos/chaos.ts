import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from '../../../src/embedded/embedded.ts';
import { Program } from '../../support/program.ts';
import { killDatabase } from '../database-process.ts';
import { type Finding, Findings } from '../findings.ts';
import { freePort } from '../free-port.ts';
import { type Random, randomFrom } from '../random.ts';
import { Undying } from '../undying.ts';
import { chaosCatalog } from './catalog.ts';
import { ChaosPoster } from './chaos-poster.ts';
import { type Counts, checkDeliveries, PLANNED } from './check-deliveries.ts';
import { CHAOS_KEY, createInstallation } from './installation.ts';
import { type ChaosStandIns, startStandIns } from './stand-ins.ts';
import { Tally } from './tally.ts';

export interface ChaosOptions {
  readonly notifications: number;
  readonly seed: number;
  /** Receives a line of progress now and then. */
  readonly say?: (line: string) => void;
}

export interface ChaosReport extends Counts {
  readonly seed: number;
  readonly notifications: number;
  readonly kills: number;
  readonly frozen: number;
  readonly databaseKills: number;
  /** Requests that the stand-ins got, without mails. */
  readonly requests: number;
  readonly messages: number;
  readonly accepted: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly failed: boolean;
}

/** Size of a run: from here on it is a long one, with longer hangs than any timeout of a provider. */
const LONG_NOTIFICATIONS = 20_000;
/** Tenants of a long run and of a short one: it takes twelve for each combination of providers. */
const LONG_TENANTS = 50;
const SHORT_TENANTS = 15;
const LEASE_MS = 3000;
const NOTIFICATIONS_PER_SECOND = 250;
/** Time in ms that posting takes at least: enough for each kind of outage. */
const MIN_POSTING_MS = 15_000;
/** Pauses in ms between changes of the weather, and between outages of processes. */
const WEATHER_MS = [800, 3000] as const;
const OUTAGE_MS = [1000, 4000] as const;
/** Time in ms after the calm in which everything has to end, beside that for what is queued by then. */
const MAX_CALM_MS = 150_000;

/**
 * Runs an API process and two worker processes on one embedded PostgreSQL, under notifications of all channels to users of many
 * tenants, while providers and endpoints fail, hang, throttle and lie, workers are killed and frozen, and the database is killed.
 * Then all is well again, retries are brought forward, and when nothing is open each delivery is checked against what the
 * stand-ins accepted.
 */
export async function chaos({ notifications, seed, say = () => {} }: ChaosOptions): Promise<ChaosReport> {
  const began = Date.now();
  const isLong = notifications >= LONG_NOTIFICATIONS;
  const tenants = isLong ? LONG_TENANTS : SHORT_TENANTS;
  const dataDir = mkdtempSync(join(tmpdir(), 'tidings-chaos-'));
  const tally = new Tally();
  const findings = new Findings();
  const random = randomFrom(seed);
  const standIns = await startStandIns(seed, tally, isLong ? 25_000 : 2500);
  const port = await freePort();
  const env = {
    TIDINGS_DATA_DIR: dataDir,
    TIDINGS_CATALOG: writeCatalog(join(dataDir, 'catalog')),
    TIDINGS_API_KEYS: CHAOS_KEY,
    TIDINGS_KEY_RATE: '10000000',
    HOST: '127.0.0.1',
    PORT: String(port),
    TIDINGS_WATCH: 'false',
    TIDINGS_LOG_LEVEL: 'fatal',
    TIDINGS_LEASE: `${LEASE_MS / 1000}s`,
  };
  const start = (role: string) => () =>
    new Program(['--import', 'tsx', 'test/torture/chaos/process.ts', role], { env });
  const api = new Undying('api', start('api'));
  const workers = [1, 2].map((n) => new Undying(`worker ${n}`, start('workers')));
  const all = [api, ...workers];
  try {
    api.start();
    await api.ready(60_000);
    const url = `http://127.0.0.1:${port}`;
    const { users, addresses } = await createInstallation(url, standIns.urls, { tenants, usersEach: isLong ? 10 : 3 });
    say(`${tenants} tenants with ${users.length} users, after ${Math.round((Date.now() - began) / 1000)} s`);
    for (const worker of workers) worker.start();
    await Promise.all(workers.map((worker) => worker.ready(60_000)));

    const poster = new ChaosPoster(url, users, notifications, random);
    const stop = new AbortController();
    const duration = Math.max(MIN_POSTING_MS, (notifications / NOTIFICATIONS_PER_SECOND) * 1000);
    const outages = new Outages(workers, dataDir, random);
    const posting = poster.postAll(duration, stop.signal).then(() => stop.abort());
    await Promise.all([
      posting,
      changeWeather(standIns, random, stop.signal),
      outages.cause(stop.signal),
      report(poster, notifications, outages, stop.signal, say),
    ]);

    standIns.calm();
    await outages.end();
    const server = await startEmbedded({ dataDir });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    say('All is well again. Waiting until everything has ended');
    await untilEnded(client, MAX_CALM_MS + duration, say);
    const ends = await Promise.all(all.map((one) => one.end(15_000)));
    ends.forEach((end, i) => {
      findings.expect('each process ends within 15 s of SIGTERM', end === 0, () => `${all[i]?.name}: ${end}`);
    });
    findings.about('no process ends by itself');
    for (const words of all.flatMap((one) => one.diedByItself))
      findings.expect('no process ends by itself', false, () => words);
    findings.expect('each event is accepted', poster.wrong.length === 0, () => poster.wrong.slice(0, 3).join('\n'));
    standIns.countMails();
    await checkPlanned(client, notifications, findings);
    const counts = await checkDeliveries(client, tally, addresses, findings);
    findings.expect(
      'each request of a stand-in names its notification',
      tally.unknown === 0,
      () => `${tally.unknown} do not`,
    );
    await client.end();
    await server.stop();
    return {
      seed,
      notifications,
      kills: outages.kills,
      frozen: workers.reduce((sum, worker) => sum + worker.frozen, 0),
      databaseKills: outages.databaseKills,
      requests: tally.requests,
      ...tally.totals,
      ...counts,
      seconds: Math.round((Date.now() - began) / 1000),
      findings: findings.rows,
      failed: findings.failed,
    };
  } finally {
    await Promise.all(all.map((one) => one.end(10_000)));
    killDatabase(dataDir);
    await standIns.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Kills and freezes of workers, and kills of the database. */
class Outages {
  kills = 0;
  databaseKills = 0;
  readonly #workers: readonly Undying[];
  readonly #dataDir: string;
  readonly #random: Random;
  #count = 0;

  constructor(workers: readonly Undying[], dataDir: string, random: Random) {
    this.#workers = workers;
    this.#dataDir = dataDir;
    this.#random = random;
  }

  async cause(signal: AbortSignal): Promise<void> {
    while (await sleep(this.#random.between(...OUTAGE_MS), signal)) {
      const ready = this.#workers.filter((worker) => worker.isReady);
      if (ready.length === 0) continue;
      const worker = this.#random.pick(ready);
      const kind = this.#count++ % 4;
      // Longer than a lease.
      if (kind === 0) worker.freeze(this.#random.between(LEASE_MS + 500, LEASE_MS * 2));
      else if (kind === 2) this.databaseKills += killDatabase(this.#dataDir) ? 1 : 0;
      else this.#kill(worker);
    }
  }

  /** Lets frozen workers go on, and kills all: their successors know of no failures. */
  async end(): Promise<void> {
    await pause(LEASE_MS * 2);
    for (const worker of this.#workers) this.#kill(worker);
    await Promise.all(this.#workers.map((worker) => worker.ready(60_000)));
  }

  #kill(worker: Undying): void {
    if (worker.killNow()) this.kills++;
  }
}

async function changeWeather(standIns: ChaosStandIns, random: Random, signal: AbortSignal): Promise<void> {
  while (await sleep(random.between(...WEATHER_MS), signal)) standIns.change();
}

async function report(
  poster: ChaosPoster,
  count: number,
  outages: Outages,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  while (await sleep(10_000, signal)) {
    say(
      `${poster.accepted} of ${count} events · ${outages.kills} kills of workers, ${outages.databaseKills} of the database`,
    );
  }
}

/** Returns false if the signal is aborted. */
async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  await pause(ms, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}

/**
 * Lets time pass for retries, and resolves when no delivery is open, or after `patience` ms. What is due by then and does not end
 * is found by the checks.
 */
async function untilEnded(client: pg.Client, patience: number, say: (line: string) => void): Promise<void> {
  for (const since = Date.now(); Date.now() - since < patience; await pause(1000)) {
    await client.query(
      `update deliveries set due_at = now() where finished_at is null and status = 'queued' and due_at > now() + interval '2 seconds'`,
    );
    const { rows } = await client.query<{ open: number }>(
      `select (select count(*) from deliveries where finished_at is null)::int
            + (select count(*) from outbox_events)::int
            + (select count(*) from webhook_facts)::int as open`,
    );
    const open = rows[0]?.open ?? 0;
    if (open === 0) return;
    if (Math.round((Date.now() - since) / 1000) % 10 === 0) say(`${open} are open`);
  }
}

async function checkPlanned(client: pg.Client, expected: number, findings: Findings): Promise<void> {
  const { rows } = await client.query<{ notifications: number; stuck: number; facts: number }>(
    `select (select count(*) from notifications)::int as notifications,
            (select count(*) from deliveries where finished_at is null and due_at < now() - $1::interval)::int as stuck,
            (select count(*) from webhook_facts where due_at < now() - $1::interval)::int as facts`,
    [`${2 * LEASE_MS} milliseconds`],
  );
  const { notifications = 0, stuck = 0, facts = 0 } = rows[0] ?? {};
  findings.expect(PLANNED, notifications === expected, () => `${notifications} of ${expected} events`);
  findings.expect('no open delivery is older than its due time and two leases', stuck === 0, () => `${stuck} are`);
  findings.expect('no fact is older than its due time and two leases', facts === 0, () => `${facts} are`);
}

function writeCatalog(folder: string): string {
  for (const [path, text] of chaosCatalog()) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}
