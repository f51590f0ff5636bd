import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { type ClaimedDelivery, releaseDeliveries } from '../store/deliveries/claimed-delivery.ts';
import type { Capacity } from './capacity.ts';

export interface ReturnerOptions {
  readonly pool: pg.Pool;
  readonly capacity: Capacity;
  readonly log: Logger;
  /** Called after deliveries were returned. */
  readonly onReturned: () => void;
}

/**
 * Returns claimed deliveries that were not started to the queue, one statement at a time. They stay held until then, so
 * there are never more than the capacity, and their lease is not rescued meanwhile.
 */
export class Returner {
  readonly #options: ReturnerOptions;
  #waiting: { readonly delivery: ClaimedDelivery; readonly dueAt: Millis | null; readonly holdCode: string | null }[] =
    [];
  #isScheduled = false;

  constructor(options: ReturnerOptions) {
    this.#options = options;
  }

  /**
   * Adds a delivery, which is returned in the next turn of the event loop.
   * @param dueAt when its next attempt is due; null: as before
   * @param holdCode why it waits until then; null: its turn
   */
  add(delivery: ClaimedDelivery, dueAt: Millis | null = null, holdCode: string | null = null): void {
    this.#waiting.push({ delivery, dueAt, holdCode });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.flush();
    });
  }

  /** Returns what was added. Resolves to false, and keeps it for the next call, if the database cannot be reached. */
  async flush(): Promise<boolean> {
    const { pool, capacity, log, onReturned } = this.#options;
    const batch = this.#waiting;
    if (batch.length === 0) return true;
    this.#waiting = [];
    try {
      // Nothing changes for those that another worker has rescued: they are queued, or have a newer fence.
      await releaseDeliveries(
        pool,
        batch.map(({ delivery }) => delivery),
        batch.map(({ dueAt }) => dueAt),
        batch.map(({ holdCode }) => holdCode),
      );
    } catch (error) {
      this.#waiting.push(...batch);
      log.warn({ err: error, waiting: batch.length }, 'unstarted deliveries could not be returned; trying again');
      return false;
    }
    for (const { delivery } of batch) capacity.release(delivery);
    onReturned();
    return true;
  }
}
