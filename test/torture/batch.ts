import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Tidings, TidingsApiError, TidingsConnectionError } from '../../packages/client/src/tidings.ts';
import type { Batch } from '../../packages/client/src/types.ts';
import { mailSink } from '../support/mailsink.ts';
import { tidingsDirectly } from '../support/program.ts';
import { killDatabase } from './database-process.ts';
import { type Finding, Findings } from './findings.ts';
import { freePort } from './free-port.ts';
import { randomFrom } from './random.ts';
import { Undying } from './undying.ts';

export interface BatchSoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Recipients of a batch. */
  readonly recipients: number;
  /** Seconds between two interruptions. */
  readonly every: number;
  /** Directory in which it goes on where an earlier run with it ended; absent: one of its own, which is deleted. */
  readonly directory: string | undefined;
  /** Receives a line of progress now and then. */
  readonly say?: (line: string) => void;
}

export interface BatchSoakReport {
  readonly seed: number;
  readonly batches: number;
  readonly lines: number;
  readonly kills: number;
  readonly pauses: number;
  readonly cancellations: number;
  readonly mails: number;
  readonly inDoubt: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
  readonly failed: boolean;
}

/** Everything that a later run must know, beside the database and the list of mails. */
interface Saved {
  readonly seconds: number;
  readonly batches: readonly string[];
}

const CATALOG = {
  'events.yaml': 'events: { known: {} }\ntraits: { email: string }',
  'notifications.yaml':
    'notifications: { NEWS: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email], in_doubt: hold } }',
  'rules.yaml': 'rules: { NEWS: { on: known } }',
  'templates/NEWS/email.en.subject.txt': 'News',
  'templates/NEWS/email.en.txt': 'The news.',
};

/** Time in ms that the last batch may take to end. */
const PATIENCE_MS = 600_000;

/**
 * Sends batch after batch by an API process and two worker processes, and every some seconds pauses and resumes one, kills a
 * process with `kill -9`, or cancels the batch. Afterwards each line has one result, and the mail server has got what the
 * results say.
 */
export async function soakBatches(options: BatchSoakOptions): Promise<BatchSoakReport> {
  const { minutes, seed, recipients, every, say = () => {} } = options;
  const began = Date.now();
  const folder = options.directory ?? mkdtempSync(join(tmpdir(), 'tidings-batches-'));
  mkdirSync(folder, { recursive: true });
  const [state, mailLog, catalog] = ['soak.json', 'mails.log', 'catalog'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const saved: Saved = existsSync(state) ? JSON.parse(readFileSync(state, 'utf8')) : { seconds: 0, batches: [] };
  for (const [path, text] of Object.entries(CATALOG)) {
    mkdirSync(join(catalog, path, '..'), { recursive: true });
    writeFileSync(join(catalog, path), text);
  }
  const sink = await mailSink();
  const random = randomFrom(seed);
  const findings = new Findings();
  const port = await freePort();
  const env = {
    TIDINGS_DATA_DIR: folder,
    TIDINGS_CATALOG: catalog,
    HOST: '127.0.0.1',
    PORT: String(port),
    SMTP_URL: sink.url,
    TIDINGS_PUBLIC_URL: `http://127.0.0.1:${port}`,
    TIDINGS_WATCH: 'false',
    TIDINGS_LOG_LEVEL: 'error',
    TIDINGS_LEASE: '3s',
  };
  const api = new Undying('api', () => tidingsDirectly(['api', '--json'], { env }));
  const workers = [1, 2].map((n) => new Undying(`worker ${n}`, () => tidingsDirectly(['workers', '--json'], { env })));
  const all = [api, ...workers];
  const client = new Tidings({ baseUrl: `http://127.0.0.1:${port}`, maxRetries: 20 });
  const counts = { kills: 0, pauses: 0, cancellations: 0 };
  const batches = [...saved.batches];
  // The start of the processes, which may take long on a busy machine, is no part of it.
  let readyAt = began;
  const elapsed = () => saved.seconds + (Date.now() - readyAt) / 1000;
  let logged = 0;
  const save = () => {
    const news = sink.mails.slice(logged);
    logged = sink.mails.length;
    if (news.length > 0) appendFileSync(mailLog, news.map(({ to }) => `${to}\n`).join(''));
    writeFileSync(state, JSON.stringify({ seconds: elapsed(), batches } satisfies Saved));
  };
  const logger = setInterval(save, 200);

  const startBatch = async (): Promise<string> => {
    const { batch_id: id } = await client.batches.create({ type: 'NEWS', name: `batch ${batches.length}` });
    const of = batches.push(id);
    save();
    const lines = Array.from({ length: recipients }, (_, n) => toLine(of, n));
    await client.batches.addRecipients(id, lines);
    await client.batches.start(id);
    return id;
  };

  const interrupt = async (id: string) => {
    const luck = random.next();
    if (luck < 0.45) {
      if (random.pick(all).killNow()) counts.kills++;
    } else if (luck < 0.95) {
      counts.pauses++;
      await ignoreEnd(() => client.batches.pause(id));
      await pause(random.between(100, every * 300));
      if (random.chance(0.5) && random.pick(all).killNow()) counts.kills++;
      await ignoreEnd(() => client.batches.resume(id));
    } else {
      counts.cancellations++;
      await ignoreEnd(() => client.batches.cancel(id));
    }
  };

  try {
    for (const one of all) one.start();
    await Promise.all(all.map((one) => one.ready(60_000)));
    readyAt = Date.now();
    for (const id of saved.batches) await settleEarlier(client, id);
    while (elapsed() < minutes * 60) {
      const id = await startBatch();
      for (;;) {
        await pause(every * 1000 * (0.5 + random.next()));
        const batch = await client.batches.get(id);
        expectSum(findings, batch);
        if (batch.ended_at !== null || elapsed() >= minutes * 60) break;
        await interrupt(id);
        say(
          `${Math.round(elapsed())} s · batch ${batches.length} · ${counts.kills} kills · ${counts.pauses} pauses · ${sink.mails.length} mails`,
        );
      }
    }
    for (const id of batches) await waitForEnd(client, id);
    await Promise.all(all.map((one) => one.ready(60_000)));
    save();
    const mails = countBy(readFileSync(mailLog, 'utf8').split('\n').filter(Boolean));
    const checked = await checkResults(client, batches, mails, findings);
    findings.about('no process ends by itself');
    for (const words of all.flatMap((one) => one.diedByItself)) {
      findings.expect('no process ends by itself', false, () => words);
    }
    return {
      seed,
      batches: batches.length,
      ...counts,
      ...checked,
      seconds: Math.round((Date.now() - began) / 1000),
      findings: findings.rows,
      failed: findings.failed,
    };
  } finally {
    clearInterval(logger);
    save();
    await Promise.all(all.map((one) => one.end(10_000)));
    killDatabase(folder);
    await sink.close();
    if (options.directory === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns a line: of twenty, one is a repetition, one names a user without an address, and one is no address. */
function toLine(batch: number, n: number) {
  if (n % 20 === 7) return { user_id: `unknown ${batch}.${n}` };
  if (n % 20 === 9) return { email: 'no address' };
  return { email: `b${batch}.${n % 20 === 3 ? n - 1 : n}@example.com` };
}

/** A batch may have ended before a command for it. */
async function ignoreEnd(command: () => Promise<unknown>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof TidingsApiError) || error.code !== 'wrong_batch_state') throw error;
  }
}

/** Starts or resumes what an earlier run left. */
async function settleEarlier(client: Tidings, id: string): Promise<void> {
  const { state } = await client.batches.get(id);
  if (state === 'draft') await client.batches.cancel(id);
  if (state === 'paused') await client.batches.resume(id);
}

async function waitForEnd(client: Tidings, id: string): Promise<Batch> {
  for (const until = Date.now() + PATIENCE_MS; ; await pause(200)) {
    const batch = await client.batches.get(id).catch((error: unknown) => {
      if (error instanceof TidingsConnectionError) return undefined;
      throw error;
    });
    if (batch?.ended_at) return batch;
    if (batch?.state === 'paused') await ignoreEnd(() => client.batches.resume(id));
    if (Date.now() > until) throw new Error(`batch ${id} does not end: ${JSON.stringify(batch)}`);
  }
}

function expectSum(findings: Findings, { batch_id, lines, counts }: Batch): void {
  const sum = Object.values(counts).reduce((total, count) => total + count, 0);
  findings.expect('the states of a batch add up to its lines', sum === lines, () => `${batch_id}: ${sum} of ${lines}`);
}

async function checkResults(
  client: Tidings,
  batches: readonly string[],
  mails: ReadonlyMap<string, number>,
  findings: Findings,
): Promise<{ lines: number; mails: number; inDoubt: number }> {
  let [lines, sent, inDoubt] = [0, 0, 0];
  for (const [index, id] of batches.entries()) {
    const batch = await client.batches.get(id);
    expectSum(findings, batch);
    const seen: { [state: string]: number } = {};
    let next = 0;
    for await (const { line, state } of client.batches.results(id, { limit: 200 })) {
      findings.expect('each line has one result, in order', line === next++, () => `${id}: line ${line}`);
      seen[state] = (seen[state] ?? 0) + 1;
      const recipient = toLine(index + 1, line);
      const address = 'email' in recipient && state !== 'duplicate' ? recipient.email : '';
      const got = mails.get(address) ?? 0;
      if (state === 'sent') {
        sent++;
        findings.expect('a recipient who is sent got one mail', got === 1, () => `${address}: ${got}`);
      } else if (state === 'in_doubt') {
        inDoubt++;
        findings.expect('a recipient in doubt got one mail at most', got <= 1, () => `${address}: ${got}`);
      } else if (address !== '') findings.expect('others got none', got === 0, () => `${address}: ${state}, ${got}`);
    }
    lines += next;
    findings.expect('each line is stored', next === batch.lines, () => `${id}: ${next} of ${batch.lines}`);
    for (const [state, count] of Object.entries(batch.counts)) {
      findings.expect(
        'counts are those of the results',
        (seen[state] ?? 0) === count,
        () => `${id}: ${state} ${count}`,
      );
    }
  }
  const total = [...mails.values()].reduce((sum, count) => sum + count, 0);
  findings.expect('mails are sent or in doubt', total >= sent && total <= sent + inDoubt, () => `${total}: ${sent}`);
  return { lines, mails: total, inDoubt };
}

function countBy(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}
