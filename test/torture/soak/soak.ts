import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from '../../../src/embedded/embedded.ts';
import { tidingsDirectly } from '../../support/program.ts';
import { killDatabase } from '../database-process.ts';
import { type Finding, Findings } from '../findings.ts';
import { freePort } from '../free-port.ts';
import { randomFrom } from '../random.ts';
import { Undying } from '../undying.ts';
import { checkSoak } from './check.ts';
import { countMessages, Load } from './load.ts';
import { drawSoak, type Interruption } from './plot.ts';
import { RestartedSink } from './restarted-sink.ts';
import { readDatabaseMemory, readMemory, readSizes, type Sample, toPercentiles } from './samples.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Seconds between two interruptions. */
  readonly every: number;
  /** Events a second; absent: half of what is measured at the beginning. */
  readonly rate: number | undefined;
  /** Directory in which it goes on where an earlier run with it ended; absent: one of its own, which is deleted. */
  readonly directory: string | undefined;
  /** File of the plot (SVG); absent: none is drawn. */
  readonly plot: string | undefined;
  /** Ends it early, to be continued. */
  readonly signal?: AbortSignal;
  /** Receives a line of progress now and then. */
  readonly say?: (line: string) => void;
}

export interface SoakReport {
  readonly seed: number;
  /** Events a second. */
  readonly rate: number;
  readonly events: number;
  readonly mails: number;
  readonly inDoubt: number;
  readonly interruptions: number;
  readonly restarts: number;
  /** In ms, over the whole soak: the median of samples, and the highest of them. */
  readonly latency: { readonly [name: string]: number };
  /** In MB: of the first half minute after the start, and at the end. */
  readonly memory: { readonly [process: string]: readonly [first: number, last: number] };
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly failed: boolean;
}

/** Everything that a later run must know, beside the database and the list of mails. */
interface Saved {
  readonly seconds: number;
  readonly made: number;
  readonly rate: number;
  readonly samples: readonly Sample[];
  readonly interruptions: readonly Interruption[];
}

const CATALOG = {
  'events.yaml': 'events: { came: {}, looked: {} }\ntraits: { email: string }',
  'notifications.yaml': 'notifications: { WELCOME: { category: TRANSACTIONAL, channels: [email] } }',
  'rules.yaml': 'rules: { WELCOME: { on: came } }',
  'templates/WELCOME/email.en.subject.txt': 'Welcome',
  'templates/WELCOME/email.en.txt': 'You came.',
};

const MEASURED_MS = 20_000;
/** Samples of a soak, roughly. */
const SAMPLES = 240;
const MIN_SAMPLE_MS = 1000;
/** Time in ms that the last messages may take. */
const PATIENCE_MS = 300_000;
const MAIL_OUTAGE_MS = 3000;

/**
 * Posts events for minutes at half of the rate that was measured, a third of which lead to a message, to an API process and two
 * worker processes, and interrupts something every some seconds: `kill -9` or a restart of a process, of the database, of the mail
 * server. Afterwards nothing is lost, doubled or stuck, and no error has reached the client.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, seed, every, say = () => {}, signal } = options;
  const folder = options.directory ?? mkdtempSync(join(tmpdir(), 'tidings-soak-'));
  const [state, mailLog, catalog] = ['soak.json', 'mails.log', 'catalog'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const [path, text] of Object.entries(CATALOG)) {
    mkdirSync(join(catalog, path, '..'), { recursive: true });
    writeFileSync(join(catalog, path), text);
  }
  const before: Saved | null = existsSync(state) ? JSON.parse(readFileSync(state, 'utf8')) : null;
  const samples = [...(before?.samples ?? [])];
  const interruptions = [...(before?.interruptions ?? [])];
  const random = randomFrom(seed + interruptions.length);
  const findings = new Findings();
  const port = await freePort();
  const load = new Load(`http://127.0.0.1:${port}`, before?.made ?? 0);
  const sink = await RestartedSink.start((recipient) => load.noteMessage(recipient));
  const env = {
    TIDINGS_DATA_DIR: folder,
    TIDINGS_CATALOG: catalog,
    HOST: '127.0.0.1',
    PORT: String(port),
    SMTP_URL: sink.url,
    TIDINGS_WATCH: 'false',
    TIDINGS_LOG_LEVEL: 'error',
    TIDINGS_LEASE: '5s',
  };
  const start = (name: string, command: string) =>
    new Undying(name, () => tidingsDirectly([command, '--json'], { env }));
  const processes = [start('api', 'api'), start('worker 1', 'workers'), start('worker 2', 'workers')];
  const server = await startEmbedded({ dataDir: folder });
  const pool = new pg.Pool({ connectionString: server.url, max: 1 });
  pool.on('error', () => {});

  let rate = options.rate ?? before?.rate ?? 0;
  let startedAt = performance.now();
  /** When the last event was posted; what is left to be sent then is no part of the soak. */
  let endedAt: number | undefined;
  const elapsed = () => (before?.seconds ?? 0) + ((endedAt ?? performance.now()) - startedAt) / 1000;
  const save = () => {
    const news = sink.takeRecipients();
    if (news.length > 0) appendFileSync(mailLog, news.map((to) => `${to}\n`).join(''));
    const saved: Saved = { seconds: elapsed(), made: load.made, rate, samples, interruptions };
    writeFileSync(state, JSON.stringify(saved));
  };

  let sampled = { at: performance.now(), acknowledged: 0, mails: 0 };
  const sample = async () => {
    if (endedAt !== undefined) return;
    const { ingest, send } = load.takeLatencies();
    const now = { at: performance.now(), acknowledged: load.acknowledged, mails: sink.received };
    const seconds = (now.at - sampled.at) / 1000;
    const memory = Object.entries({
      ...Object.fromEntries(processes.map((one) => [one.name, readMemory(one.pid)])),
      PostgreSQL: readDatabaseMemory(folder),
    }).filter((entry): entry is [string, number] => entry[1] !== undefined);
    samples.push({
      at: Math.round(elapsed()),
      memory: Object.fromEntries(memory),
      ingest: toPercentiles(ingest),
      send: toPercentiles(send),
      events: Math.round((now.acknowledged - sampled.acknowledged) / seconds),
      messages: Math.round((now.mails - sampled.mails) / seconds),
      sizes: await readSizes(pool as never).catch(() => ({})),
    });
    sampled = now;
  };

  const interrupt = async () => {
    const luck = random.next();
    const victim = random.pick(processes);
    let what = `kill -9 of ${victim.name.replace(/ \d$/, '')}`;
    if (luck < 0.4) victim.killNow();
    else if (luck < 0.65) {
      what = `restart of ${victim.name.replace(/ \d$/, '')}`;
      victim.restart();
    } else if (luck < 0.85) {
      what = 'kill -9 of PostgreSQL';
      killDatabase(folder);
    } else {
      what = 'restart of the mail server';
      await sink.restart(MAIL_OUTAGE_MS);
    }
    interruptions.push({ at: Math.round(elapsed()), what });
    say(`${Math.round(elapsed())} s · ${what} · ${load.acknowledged} events · ${sink.received} mails`);
  };

  const sampleMs = Math.max(MIN_SAMPLE_MS, (minutes * 60_000) / SAMPLES);
  let sampling: Promise<void> = Promise.resolve();
  let sampler: NodeJS.Timeout | undefined;
  const isOver = () => elapsed() >= minutes * 60 || signal?.aborted === true;
  try {
    for (const one of processes) one.start();
    await Promise.all(processes.map((one) => one.ready(120_000)));
    if (rate === 0) {
      rate = await measure(load, sink);
      say(`Measured, and from now on half of it: ${rate} events a second`);
    }
    startedAt = performance.now();
    sampled = { at: startedAt, acknowledged: load.acknowledged, mails: sink.received };
    load.takeLatencies();
    sampler = setInterval(() => {
      sampling = sampling.then(sample).then(save);
    }, sampleMs);
    load.start(rate);
    while (!isOver()) {
      const until = elapsed() + every;
      while (elapsed() < until && !isOver()) await pause(100);
      if (!isOver()) await interrupt();
    }
    const seconds = Math.round(elapsed());
    endedAt = performance.now();
    await Promise.all(processes.map((one) => one.ready(120_000)));
    await load.stop();
    await untilSent(pool as never);
    clearInterval(sampler);
    await sampling;
    save();
    const mails = countBy(readFileSync(mailLog, 'utf8').split('\n').filter(Boolean));
    findings.expect('no error reaches the client', load.errors.length === 0, () => load.errors.slice(0, 5).join('; '));
    findings.about('no process ends by itself');
    for (const words of processes.flatMap((one) => one.diedByItself))
      findings.expect('no process ends by itself', false, () => words);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { inDoubt } = await checkSoak(client, load.made, mails, findings);
    await client.end();
    const title = `${Math.round(seconds / 60)} minutes at ${rate} events a second, something interrupted every ${every} s`;
    if (options.plot) writeFileSync(options.plot, drawSoak(samples, interruptions, title));
    return {
      ...{ seed, rate, events: load.made, mails: mails.size, inDoubt, interruptions: interruptions.length },
      restarts: processes.reduce((sum, one) => sum + one.restarts, 0),
      latency: summarizeLatency(samples),
      memory: summarizeMemory(samples),
      seconds,
      findings: findings.rows,
      failed: findings.failed,
    };
  } finally {
    clearInterval(sampler);
    await sampling;
    save();
    await pool.end();
    await Promise.all(processes.map((one) => one.end(10_000)));
    await server.stop();
    await sink.close();
    if (options.directory === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Posts as fast as it is acknowledged for a while. Returns half of what was posted a second until its messages had come as well. */
async function measure(load: Load, sink: RestartedSink): Promise<number> {
  const began = performance.now();
  load.start(Number.POSITIVE_INFINITY);
  await pause(MEASURED_MS);
  await load.stop();
  while (sink.received < countMessages(load.made)) await pause(50);
  return Math.max(1, Math.round(load.made / ((performance.now() - began) / 1000) / 2));
}

async function untilSent(pool: pg.Pool): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(200)) {
    const { rows } = await pool
      .query<{ open: boolean }>('select exists (select from deliveries where finished_at is null) as open')
      .catch(() => ({ rows: [{ open: true }] }));
    if (rows[0]?.open === false) return;
  }
}

function countBy(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

function summarizeLatency(samples: readonly Sample[]): SoakReport['latency'] {
  const of = (read: (sample: Sample) => number | undefined) =>
    samples.flatMap((sample) => read(sample) ?? []).sort((a, b) => a - b);
  const middle = (values: readonly number[]) => values[Math.floor(values.length / 2)] ?? 0;
  const [ingest50, ingest99] = [of((s) => s.ingest?.p50), of((s) => s.ingest?.p99)];
  const [send50, send99] = [of((s) => s.send?.p50), of((s) => s.send?.p99)];
  return {
    request_p50: middle(ingest50),
    request_p99: middle(ingest99),
    request_p99_highest: ingest99.at(-1) ?? 0,
    message_p50: middle(send50),
    message_p99: middle(send99),
    message_p99_highest: send99.at(-1) ?? 0,
  };
}

function summarizeMemory(samples: readonly Sample[]): SoakReport['memory'] {
  const names = [...new Set(samples.flatMap(({ memory }) => Object.keys(memory)))];
  return Object.fromEntries(
    names.map((name) => {
      const values = samples.flatMap(({ memory }) => memory[name] ?? []);
      return [name, [Math.max(...values.slice(0, 6)), values.at(-1) ?? 0] as const];
    }),
  );
}
