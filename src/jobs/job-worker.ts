import type { Logger } from 'pino';
import { TidingsError } from '../errors.ts';
import { RecentNames } from '../lib/concurrency/recent-names.ts';
import { Signal } from '../lib/concurrency/signal.ts';
import { doublePause } from '../lib/doubling-pause.ts';
import { Progress } from '../lib/progress.ts';
import type { Millis } from '../model/event.ts';
import type { ChunkResult } from '../model/job.ts';
import { type ClaimedJob, claimJob, commitChunk, failJob, postponeJob } from '../store/jobs/jobs.ts';
import type { JobParts } from './action.ts';
import { ACTIONS } from './actions.ts';

export interface JobWorkerOptions extends JobParts {
  readonly log: Logger;
  /** Duration of a claim in ms. Longer than a chunk takes; if it expires, only one of two chunks counts. Default 60 s. */
  readonly lease?: Millis;
  /** Pause between two looks at the queue in ms. Default 1 s. */
  readonly poll?: Millis;
  /** Items that a chunk changes, at most. Default 500. */
  readonly chunk?: number;
}

/** Claims of a job in a row that end without a commit; then it fails. */
const MAX_ATTEMPTS = 20;
/** Pause before a chunk that failed is run again: doubles from 1 s up to this. */
const MAX_RETRY_PAUSE_MS = 60_000;

/** Tenants whose turn was lately, for as long as each of them is remembered: with more of them, some have a turn too early. */
const MAX_SERVED_TENANTS = 1000;

/**
 * Runs jobs, one chunk of one job at a time. Tenants take turns, whatever the number of their jobs; those of one tenant do, too:
 * that due longest is first. Each chunk is claimed anew: several workers share the jobs, and the job of a worker that stopped goes on with another when its claim expires.
 */
export class JobWorker {
  readonly #options: Required<Omit<JobWorkerOptions, 'prepare'>> & Pick<JobWorkerOptions, 'prepare'>;
  readonly #signal = new Signal();
  readonly #progress = new Progress();
  /** Tenants that had a chunk, the latest last. */
  readonly #served = new RecentNames(MAX_SERVED_TENANTS);
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor({ lease = 60_000, poll = 1000, chunk = 500, ...options }: JobWorkerOptions) {
    this.#options = { lease, poll, chunk, ...options };
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Claims nothing more, and resolves when the chunk under way has ended. */
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
    const { pool, lease, poll, clock, log } = this.#options;
    while (!this.#stopping) {
      this.#progress.mark();
      try {
        const job = await claimJob(pool, lease, clock(), this.#served.list());
        if (job) {
          this.#served.note(job.tenantId);
          await this.#runChunk(job);
        } else await this.#signal.sleep(poll);
      } catch (error) {
        log.warn({ err: error }, 'jobs could not be read; trying again');
        if (!this.#stopping) await this.#signal.sleep(poll);
      }
    }
  }

  async #runChunk(job: ClaimedJob): Promise<void> {
    const { pool, clock, log } = this.#options;
    const { tenantId, filter, actor, patch, compute, cursor, createdAt, perSecond } = job;
    if (job.attempts > MAX_ATTEMPTS) {
      return failJob(pool, job, `No progress in ${MAX_ATTEMPTS} attempts; the log of Tidings has the errors.`, clock());
    }
    const limit = Math.min(this.#options.chunk, perSecond ?? Number.POSITIVE_INFINITY);
    const scope = { tenantId, filter, startedAt: createdAt };
    try {
      await ACTIONS[job.action].runChunk(
        this.#options,
        { scope, actor, cursor, patch, compute, limit },
        async (work) => {
          await commitChunk(pool, job, clock(), async (connection) => withPace(await work(connection), perSecond));
        },
      );
    } catch (error) {
      // The catalog has changed so that the job can do nothing more.
      if (error instanceof TidingsError && error.status < 500) return failJob(pool, job, error.message, clock());
      log.warn({ err: error, job_id: job.jobId, attempts: job.attempts }, 'a chunk of a job failed; will retry');
      await postponeJob(pool, job, doublePause(1000, MAX_RETRY_PAUSE_MS, job.attempts));
    }
  }
}

/** Adds the pause that keeps a job to its items per second. */
function withPace(result: ChunkResult, perSecond: number | null): ChunkResult {
  if (perSecond === null || result.cursor === null) return result;
  const items = result.done + result.skipped + result.failures.length;
  return { ...result, pause: Math.max(result.pause ?? 0, Math.ceil((items * 1000) / perSecond)) };
}
