import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Pipeline } from '../../ingest/pipeline.ts';
import { RecentNames } from '../../lib/concurrency/recent-names.ts';
import { Signal } from '../../lib/concurrency/signal.ts';
import { doublePause } from '../../lib/doubling-pause.ts';
import { Progress } from '../../lib/progress.ts';
import { countOpen, isReading, type RecipientChange } from '../../model/batch.ts';
import type { Millis } from '../../model/event.ts';
import type { StoredBatch } from '../../store/batches/batches.ts';
import { type ClaimedBatch, claimBatch, commitTurn, postponeBatch } from '../../store/batches/claim-batch.ts';
import {
  cancelPending,
  insertLines,
  type LineResult,
  loadPending,
  type PendingLine,
  writeResults,
} from '../../store/batches/recipients.ts';
import { askPage, findAsked } from './ask-page.ts';
import { type AudiencePage, MAX_AUDIENCE_LINES, readAudience } from './audience.ts';
import { type BatchParts, openRequest } from './commands.ts';
import { type SettledPage, settlePage } from './settle-page.ts';

export interface BatchWorkerOptions extends BatchParts {
  readonly pipeline: Pick<Pipeline, 'ingest' | 'waiting'>;
  readonly log: Logger;
  /** Whether this process may act now: not while its clock is wrong. Default: always. */
  readonly mayAct?: () => boolean;
  /** Duration of a claim in ms. If it expires, only one of two turns counts. Default 60 s. */
  readonly lease?: Millis;
  /** Pause between two looks at the queue in ms. Default 1 s. */
  readonly poll?: Millis;
  /** Recipients of a page, at most. Default 500. */
  readonly page?: number;
  /** Recipients of a batch who are accepted and not final, at most. Default 20,000. */
  readonly maxOpen?: number;
}

/**
 * Recipients who are accepted and not final: beyond it a batch asks for no further ones, so that a pause has little to hold.
 */
const MAX_OPEN = 20_000;
/** Lines of a cancelled batch that one turn cancels. */
const CANCELLED_LINES = 10_000;
/** Claims of a batch in a row that end without a commit; then it is paused. */
const MAX_ATTEMPTS = 20;
const MAX_RETRY_PAUSE_MS = 60_000;
/** Pause in ms while there is no room for another page. */
const FULL_PAUSE_MS = 200;
/** Pause in ms after a look at all open recipients, and for each thousand of them. */
const PASS_PAUSE_MS = 300;
const PASS_PAUSE_PER_THOUSAND_MS = 100;
const MAX_PASS_PAUSE_MS = 60_000;
/** Pause in ms of a paused batch without open recipients; a command ends it. */
const IDLE_PAUSE_MS = 3_600_000;
/** Events of others that may be waiting when a page is ingested, and how long a page waits for that in ms. */
const MAX_WAITING_BESIDE = 50;
const MAX_YIELD_MS = 500;
const YIELD_STEP_MS = 10;
/** Tenants whose turn was lately, for as long as each of them is remembered. */
const MAX_SERVED_TENANTS = 1000;

/**
 * Runs started batches, one turn of one batch at a time: it asks for a page of recipients, and looks at some of those who were
 * asked for before. Tenants take turns. Each turn is claimed anew: the batch of a worker that stopped goes on with another when
 * its claim expires.
 */
export class BatchWorker {
  readonly #options: Required<BatchWorkerOptions>;
  readonly #signal = new Signal();
  readonly #progress = new Progress();
  /** Tenants that had a turn, the latest last. */
  readonly #served = new RecentNames(MAX_SERVED_TENANTS);
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor({
    lease = 60_000,
    poll = 1000,
    page = 500,
    maxOpen = MAX_OPEN,
    mayAct = () => true,
    ...options
  }: BatchWorkerOptions) {
    this.#options = { lease, poll, page, maxOpen, mayAct, ...options };
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Claims nothing more, and resolves when the turn under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#signal.set();
    await this.#done;
  }

  /** Time (ms) since the loop last came to its next step, for health reports. */
  get idleTime(): Millis {
    return this.#progress.idleTime;
  }

  async #run(): Promise<void> {
    const { pool, lease, poll, mayAct, log } = this.#options;
    while (!this.#stopping) {
      this.#progress.mark();
      try {
        const batch = mayAct() ? await claimBatch(pool, lease, this.#served.list()) : undefined;
        if (batch) {
          this.#served.note(batch.tenantId);
          await this.#runTurn(batch);
        } else await this.#signal.sleep(poll);
      } catch (error) {
        log.warn({ err: error }, 'batches could not be read; trying again');
        if (!this.#stopping) await this.#signal.sleep(poll);
      }
    }
  }

  async #runTurn(batch: ClaimedBatch): Promise<void> {
    const { pool, clock, log } = this.#options;
    try {
      const asked = await this.#ask(batch);
      const read = await this.#readAudience(batch);
      const settled = await settlePage(this.#options, batch, clock());
      await this.#commit(batch, asked, read, settled);
    } catch (error) {
      log.warn(
        { err: error, batch_id: batch.batchId, attempts: batch.attempts },
        'a page of a batch failed; will retry',
      );
      const isPaused = batch.attempts >= MAX_ATTEMPTS && batch.state === 'running';
      const reason = isPaused
        ? `No progress in ${MAX_ATTEMPTS} attempts; the log of Tidings has the errors. Resume it to try again.`
        : 'The last page failed, and is tried again; the log of Tidings has the error.';
      const pause = doublePause(500, MAX_RETRY_PAUSE_MS, batch.attempts);
      await postponeBatch(pool, batch, { pause, reason, isPaused });
    }
  }

  /** Asks for the next page, if the batch runs and has room. */
  async #ask(batch: ClaimedBatch): Promise<AskedPage> {
    const { clock, page, maxOpen } = this.#options;
    const { nextLine, lines, perSecond } = batch;
    if (batch.state === 'cancelled') return { results: await this.#findAsked(batch), nextLine, pause: null };
    const room = maxOpen - (batch.counts.accepted ?? 0);
    const count = Math.min(page, perSecond ?? page, lines - nextLine, room);
    if (batch.state !== 'running' || count <= 0) return { results: [], nextLine, pause: null };
    const startedAt = performance.now();
    const to = nextLine + count;
    // The time of its events: those of a user who is erased once they were read are from before the erasure, however long this takes.
    const now = clock();
    const pending = await this.#loadPending(batch, to);
    await this.#yield();
    const results = await this.#askPage(batch, pending, now);
    const pace = perSecond === null ? 0 : Math.ceil((pending.length * 1000) / perSecond);
    return { results, nextLine: to, pause: Math.max(0, pace - (performance.now() - startedAt)) };
  }

  /**
   * Returns what became of lines of a cancelled batch that a turn asked for, and did not note: their messages may have gone. Only the page
   * that is next can have been asked for. What is stored after this look is not sent: the claim of a delivery sees that its batch is cancelled.
   */
  async #findAsked(batch: ClaimedBatch): Promise<readonly LineResult[]> {
    const { pool, clock, page } = this.#options;
    const { tenantId, batchId, nextLine, lines } = batch;
    const pending = await this.#loadPending(batch, Math.min(lines, nextLine + page));
    return this.#askPage(batch, await findAsked(pool, tenantId, batchId, pending), clock());
  }

  #loadPending({ tenantId, batchId, nextLine }: ClaimedBatch, to: number): Promise<PendingLine[]> {
    return loadPending(this.#options.pool, tenantId, batchId, nextLine, to);
  }

  async #askPage(batch: ClaimedBatch, lines: readonly PendingLine[], now: Millis): Promise<readonly LineResult[]> {
    if (lines.length === 0) return [];
    const { tenantId, sealed } = batch;
    const request = openRequest(this.#options.seal, tenantId, batch, sealed);
    return askPage(this.#options, { tenantId, batch, request }, lines, now);
  }

  /** Reads the next users of its audience, once less than a page of lines is left to ask for. */
  async #readAudience(batch: ClaimedBatch): Promise<AudiencePage | undefined> {
    const { page, clock } = this.#options;
    const { tenantId, state, source, lines, nextLine } = batch;
    if (state !== 'running' || !source || !isReading(source) || lines - nextLine >= page) return undefined;
    return readAudience(this.#options, { tenantId, source, now: clock() }, MAX_AUDIENCE_LINES - lines);
  }

  /** Lets events of others go first, for a while: a page must come to its turn in the end. */
  async #yield(): Promise<void> {
    const { pipeline } = this.#options;
    const until = performance.now() + MAX_YIELD_MS;
    while (pipeline.waiting > MAX_WAITING_BESIDE && performance.now() < until && !this.#stopping)
      await sleep(YIELD_STEP_MS);
  }

  async #commit(
    claimed: ClaimedBatch,
    asked: AskedPage,
    read: AudiencePage | undefined,
    settled: SettledPage,
  ): Promise<void> {
    const { pool, clock } = this.#options;
    const { tenantId, batchId } = claimed;
    await commitTurn(pool, claimed, clock(), async (connection, batch) => {
      await writeResults(connection, tenantId, batchId, [
        ...asked.results,
        ...settled.changed.map(({ result }) => result),
      ]);
      const lines = batch.lines + (read?.lines.length ?? 0);
      if (read) await insertLines(connection, tenantId, batchId, batch.lines, read.lines);
      let { nextLine } = asked;
      const changes: RecipientChange[] = [
        ...asked.results.map(({ state, code }) => ({ from: null, to: state, code })),
        ...settled.changed.map(({ from, fromCode, result: { state, code } }) => ({ from, fromCode, to: state, code })),
      ];
      // Not if it was cancelled within this turn, which has not looked for what was asked for.
      if (claimed.state === 'cancelled' && nextLine < lines) {
        const to = Math.min(nextLine + CANCELLED_LINES, lines);
        const count = await cancelPending(connection, tenantId, batchId, nextLine, to);
        for (let n = 0; n < count; n++) changes.push({ from: null, to: 'cancelled', code: 'cancelled' });
        nextLine = to;
      }
      return {
        changes,
        nextLine,
        lines,
        source: read?.source ?? batch.source,
        scanned: settled.scanned,
        pause: (next) => findPause(next, asked.pause, settled.isPassOver),
      };
    });
  }
}

interface AskedPage {
  readonly results: readonly LineResult[];
  readonly nextLine: number;
  /** Time in ms that the rate demands before the next page; null: none was asked for. */
  readonly pause: Millis | null;
}

/** Returns the time in ms until the next turn of a batch. */
function findPause(
  { state, nextLine, lines, counts, source }: StoredBatch,
  asked: Millis | null,
  isPassOver: boolean,
): Millis {
  if (nextLine < lines && state === 'cancelled') return 0;
  if (nextLine < lines && state === 'running') return asked ?? FULL_PAUSE_MS;
  if (state === 'running' && isReading(source)) return asked ?? 0;
  const open = countOpen(counts);
  if (state === 'paused' && open === 0) return IDLE_PAUSE_MS;
  return isPassOver ? Math.min(MAX_PASS_PAUSE_MS, PASS_PAUSE_MS + (open / 1000) * PASS_PAUSE_PER_THOUSAND_MS) : 0;
}
