import type pg from 'pg';
import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { Millis } from '../model/event.ts';
import { attributeGoals, MAX_ATTRIBUTED } from '../store/goals/attribute.ts';
import type { MetricPeriods } from '../store/metrics/counters.ts';
import { foldDeltas, MAX_FOLDED_DELTAS } from '../store/metrics/fold.ts';
import { listWaitingTenants, type TenantQueue } from '../store/tenants/list-waiting-tenants.ts';

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
 * Attributes events to goals, and adds what transactions counted to the roll-ups, again and again, in every process with workers: some of
 * each tenant, then the next of those that have more, so that no tenant waits for all of another.
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
    const { pool, clock, periods, pause, log } = this.#options;
    const attribute = async (tenantId: string) => (await attributeGoals(pool, tenantId)) === MAX_ATTRIBUTED;
    const fold = async (tenantId: string) => (await foldDeltas(pool, tenantId, clock(), periods)) === MAX_FOLDED_DELTAS;
    while (!this.#isStopping) {
      try {
        let hasMore = true;
        while (!this.#isStopping && hasMore) {
          // Goals are counted by what attributes them, and then folded.
          hasMore = await this.#round('goal_events', attribute);
          hasMore = (await this.#round('metric_deltas', fold)) || hasMore;
        }
      } catch (error) {
        log.warn({ err: error }, 'metrics could not be summed up; trying again');
      }
      this.#progress.mark();
      if (!this.#isStopping) await this.#signal.sleep(pause);
    }
  }

  /** Works once for each tenant that has something. Returns whether one of them has more. */
  async #round(queue: TenantQueue, work: (tenantId: string) => Promise<boolean>): Promise<boolean> {
    let hasMore = false;
    for (let after = ''; ; ) {
      const tenants = await listWaitingTenants(this.#options.pool, queue, after, PAGE_TENANTS);
      for (const tenantId of tenants) {
        if (this.#isStopping) return false;
        this.#progress.mark();
        if (await work(tenantId)) hasMore = true;
      }
      if (tenants.length < PAGE_TENANTS) return hasMore;
      after = tenants.at(-1) as string;
    }
  }
}
