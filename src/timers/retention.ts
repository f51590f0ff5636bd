import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import type { RetentionPeriods } from '../model/retention-policy.ts';
import { loadRetentionTimes, type RetentionTimes, runRetention } from '../store/retention/run-retention.ts';
import { DAY_MS } from '../time/iso-time.ts';

export interface RetentionJobOptions {
  readonly pool: pg.Pool;
  readonly periods: RetentionPeriods;
  /** Time of day, in ms after midnight in UTC by the clock of the database. */
  readonly at: Millis;
  readonly log: Logger;
  /** Interval in ms at which the time is looked up. Default one minute. */
  readonly interval?: Millis;
}

/**
 * Runs the retention policy once a day, in one of the processes. A day on which no process ran at that time is made up for;
 * a run that was interrupted is continued, by any process.
 */
export class RetentionJob {
  readonly #options: RetentionJobOptions;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: RetentionJobOptions) {
    this.#options = options;
  }

  start(): void {
    const { interval = 60_000 } = this.#options;
    const look = () => {
      this.#running ??= this.#runIfDue().finally(() => {
        this.#running = undefined;
      });
    };
    this.#timer = setInterval(look, interval);
    look();
  }

  /** Resolves when the statement under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#running;
  }

  async #runIfDue(): Promise<void> {
    const { pool, periods, at, log } = this.#options;
    const { signal } = this.#stopping;
    try {
      const isDue = ({ now, completedAt }: RetentionTimes) => completedAt < latestTimeOfDay(now, at);
      if (!isDue(await loadRetentionTimes(pool))) return;
      const startedAt = performance.now();
      const result = await runRetention(pool, periods, { signal, isDue });
      if (result)
        log.info(
          { ...result, ms: Math.round(performance.now() - startedAt) },
          'removed what is older than its retention period',
        );
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error }, 'the retention policy could not be enforced completely; will continue');
    }
  }
}

/** Returns the latest time, up to now, that is this much after midnight in UTC. */
function latestTimeOfDay(now: Millis, at: Millis): Millis {
  const today = Math.floor(now / DAY_MS) * DAY_MS + at;
  return today <= now ? today : today - DAY_MS;
}
