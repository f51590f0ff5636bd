import type pg from 'pg';
import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { Millis } from '../model/event.ts';
import type { MetricPeriods } from '../store/metrics/counters.ts';
import { foldDeltas, listTenantsWithDeltas, MAX_FOLDED_DELTAS } from '../store/metrics/fold.ts';

export interface FoldWorkerOptions {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  readonly log: Logger;
  readonly periods: MetricPeriods;
  /** Pause in ms after which it looks for deltas again. Default 2 s. */
  readonly pause?: Millis;
}

/** Tenants that one statement lists. */
const PAGE_TENANTS = 500;

/**
 * Adds what transactions counted to the roll-ups, again and again, in every process with workers: one fold of each tenant, then the
 * next of those that have more, so that no tenant waits for all of another.
 */
export class FoldWorker {
  readonly #options: Required<FoldWorkerOptions>;
  readonly #signal = new Signal();
  readonly #progress = new Progress();
  #isStopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(options: FoldWorkerOptions) {
    this.#options = { pause: 2000, ...options };
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Resolves when the fold under way has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#signal.set();
    await this.#done;
  }

  /** Time (ms) since the loop last came to its next step, for health reports. */
  get idleTime(): Millis {
    return this.#progress.idleTime;
  }

  async #run(): Promise<void> {
    const { pause, log } = this.#options;
    while (!this.#isStopping) {
      try {
        while (!this.#isStopping && (await this.#foldRound()));
      } catch (error) {
        log.warn({ err: error }, 'metrics could not be summed up; trying again');
      }
      this.#progress.mark();
      if (!this.#isStopping) await this.#signal.sleep(pause);
    }
  }

  /** Folds once for each tenant. Returns whether one of them has more. */
  async #foldRound(): Promise<boolean> {
    const { pool, clock, periods } = this.#options;
    let hasMore = false;
    for (let after = ''; ; ) {
      const tenants = await listTenantsWithDeltas(pool, after, PAGE_TENANTS);
      for (const tenantId of tenants) {
        if (this.#isStopping) return false;
        this.#progress.mark();
        if ((await foldDeltas(pool, tenantId, clock(), periods)) === MAX_FOLDED_DELTAS) hasMore = true;
      }
      if (tenants.length < PAGE_TENANTS) return hasMore;
      after = tenants.at(-1) as string;
    }
  }
}
