import type pg from 'pg';
import type { Logger } from 'pino';
import { bisect } from '../lib/bisect.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Millis } from '../model/event.ts';
import { isTransient } from '../store/pg/errors.ts';
import { claimDueWaits, createWaitLanes, loadNextWaitDue } from '../store/waits/waits.ts';
import type { Pace } from './pace.ts';
import type { PollSource } from './poll-loop.ts';

export interface WaitTimerOptions {
  readonly pool: pg.Pool;
  readonly pipeline: {
    /**
     * Locks the users and fires their due waits in order of due time, in one transaction. Repeating it does nothing.
     * Returns how many were fired.
     */
    fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number>;
  };
  readonly pace: Pace;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Duration of a claim in ms. */
  readonly lease: Millis;
}

/** Waits that are due longer than this, in ms, are worth a log line. */
const LATE_MS = 60_000;

/** Fires the waits that are due, those due longest first; while more is due than it takes, a share of each tenant in turn. */
export class WaitTimer implements PollSource {
  readonly floor = createWaitLanes();
  readonly #options: WaitTimerOptions;
  #behind: Millis = 0;
  #isLate = false;

  constructor(options: WaitTimerOptions) {
    this.#options = options;
  }

  /** Time in ms that the oldest wait of the last batch had been due; 0: no wait was due. */
  get behind(): Millis {
    return this.#behind;
  }

  async runDue(): Promise<boolean> {
    const { pool, pace, clock, lease } = this.#options;
    if (pace.delay() > 0) return false;
    const now = clock();
    const users = await claimDueWaits(pool, now, now + lease, pace.available(), this.floor);
    pace.spend(users.length);
    this.#reportLateness(users[0] ? now - users[0].dueAt : 0);
    for (const [tenantId, due] of groupBy(users, (user) => user.tenantId)) {
      await this.#fire(
        tenantId,
        due.map(({ userId }) => userId),
      );
    }
    return users.length > 0;
  }

  loadNextDue(): Promise<Millis | null> {
    return loadNextWaitDue(this.#options.pool, this.floor);
  }

  async #fire(tenantId: string, userIds: readonly string[]): Promise<void> {
    const { pipeline, log } = this.#options;
    await bisect(
      userIds,
      async (part) => {
        await pipeline.fireDueWaits(tenantId, part);
        return [];
      },
      // A transient error is not caused by a user. It ends the round; the claims expire, and the waits are claimed again.
      (error) => !isTransient(error),
      (_userId, error) => {
        log.error(
          { err: error, tenant_id: tenantId },
          'the waits of a user could not be fired; will retry when their claim expires',
        );
        return [];
      },
    );
  }

  #reportLateness(behind: Millis): void {
    const { log, pace } = this.#options;
    this.#behind = behind;
    const isLate = behind > LATE_MS;
    if (isLate && !this.#isLate)
      log.warn({ behind_ms: behind, rate: pace.rate }, 'timers are late: catching up, the oldest first');
    if (!isLate && this.#isLate) log.info('timers are on time again');
    this.#isLate = isLate;
  }
}
