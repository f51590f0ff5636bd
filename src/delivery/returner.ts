import type pg from 'pg';
import type { Logger } from 'pino';
import { bisect } from '../lib/bisect.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import type { Verdict } from '../model/plan.ts';
import { deferred } from '../observe/happenings.ts';
import { describeVerdict } from '../plan/describe-verdicts.ts';
import { type ClaimedDelivery, type PlannedHold, releaseDeliveries } from '../store/deliveries/claimed-delivery.ts';
import { dropDeliveries } from '../store/deliveries/drop-deliveries.ts';
import { isItemError } from '../store/pg/errors.ts';
import type { Capacity } from './capacity.ts';

/** Pause in ms of a delivery that cannot be returned as it was to be. */
const FAILED_PAUSE_MS: Millis = 60_000;

/** A delivery that was not started. */
interface Waiting {
  readonly delivery: ClaimedDelivery;
  readonly dueAt: Millis | null;
  readonly holdCode: string | null;
  /** The plan that holds or drops it; null: another thing holds it. */
  readonly plan: PlannedHold | null;
}

export interface ReturnerOptions {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
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
  #waiting: Waiting[] = [];
  #isScheduled = false;

  constructor(options: ReturnerOptions) {
    this.#options = options;
  }

  /**
   * Adds a delivery, which is returned in the next turn of the event loop.
   * @param dueAt when its next attempt is due; null: as before
   * @param holdCode why it waits until then; null: its turn
   * @param plan what the plan says; a verdict that drops it ends it
   */
  add(
    delivery: ClaimedDelivery,
    dueAt: Millis | null = null,
    holdCode: string | null = null,
    plan: PlannedHold | null = null,
  ): void {
    this.#waiting.push({ delivery, dueAt, holdCode, plan });
    if (holdCode !== null && deferred.hasSubscribers) deferred.publish({ channel: delivery.channel, code: holdCode });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.flush();
    });
  }

  /** Returns what was added. Resolves to false, and keeps it for the next call, if the database cannot be reached. */
  async flush(): Promise<boolean> {
    const { capacity, log, onReturned } = this.#options;
    const batch = this.#waiting;
    if (batch.length === 0) return true;
    this.#waiting = [];
    try {
      await bisect(
        batch,
        (part) => this.#return(part),
        isItemError,
        (one, error) => this.#returnLater(one, error),
      );
    } catch (error) {
      this.#waiting.push(...batch.filter(({ delivery }) => capacity.isHeld(delivery)));
      log.warn({ err: error, waiting: batch.length }, 'unstarted deliveries could not be returned; trying again');
      return false;
    }
    onReturned();
    return true;
  }

  async #return(batch: readonly Waiting[]): Promise<never[]> {
    const { pool, clock, capacity } = this.#options;
    // Nothing changes for those that another worker has rescued: they are queued, or have a newer fence.
    const held = batch.filter(({ plan }) => plan?.verdict.verdict !== 'drop');
    await releaseDeliveries(
      pool,
      held.map(({ delivery }) => delivery),
      clock(),
      held.map(({ dueAt }) => dueAt),
      held.map(({ holdCode }) => holdCode),
      held.map(({ plan }) => plan),
    );
    const dropped = batch.flatMap(({ delivery, plan }) =>
      plan?.verdict.verdict === 'drop'
        ? [{ delivery, verdict: plan.verdict, reason: describeDrop(plan.verdict, delivery) }]
        : [],
    );
    if (dropped.length > 0) await dropDeliveries(pool, dropped, clock());
    for (const { delivery } of batch) capacity.release(delivery);
    return [];
  }

  /** Returns a delivery that fails alone without what was to be written of it, for a while: it must not hold up the others. */
  async #returnLater({ delivery }: Waiting, error: unknown): Promise<never[]> {
    const { pool, clock, capacity, log } = this.#options;
    const line = { err: error, delivery_id: formatDeliveryId(delivery) };
    log.error(line, 'an unstarted delivery could not be returned as it was to be; it is due again in a minute');
    await releaseDeliveries(pool, [delivery], clock(), [clock() + FAILED_PAUSE_MS]);
    capacity.release(delivery);
    return [];
  }
}

/** Returns the reason of a delivery that the plan drops at its claim. */
function describeDrop(verdict: Verdict, { attempt }: ClaimedDelivery): string {
  return `${attempt === 1 ? 'Not sent' : 'Not sent again'}: when it was due, ${describeVerdict(verdict)}.`;
}
