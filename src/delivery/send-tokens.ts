import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import type { RateWindow } from '../model/rate-limit.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { giveBackTokens, type RateUse, type RateWait, takeForSends } from '../store/deliveries/rate-limits.ts';

/** Sends whose tokens one transaction takes, at most. */
const MAX_BATCH = 500;
/** Pause in ms of a delivery whose tokens could not be taken, because the database did not answer. */
const FAILED_PAUSE_MS: Millis = 1000;
const FAILED: RateWait = { wait: FAILED_PAUSE_MS, window: null };
/** Windows of which this process knows for when it has put off deliveries. */
const MAX_PROMISED = 10_000;

/** Tokens that wait to be given back, at most; of more, the limits allow so many messages less. */
const MAX_RETURNED = 10_000;
/** Time in ms for which a token that the claim took is good at least: a send that starts later takes another. */
const MIN_TOKEN_AGE_MS: Millis = 1000;

/**
 * Returns the tokens that the claim of a delivery took, and that are still good: not older than MIN_TOKEN_AGE_MS, or than the time in
 * which their window fills by one.
 */
export function listGoodTokens({ taken, claimedAt }: ClaimedDelivery): readonly RateWindow[] {
  if (!taken || claimedAt === undefined) return [];
  const age = performance.now() - claimedAt;
  return [...taken.values()].filter(({ interval }) => age <= Math.max(interval, MIN_TOKEN_AGE_MS));
}

interface Waiting {
  readonly use: RateUse;
  readonly resolve: (wait: RateWait) => void;
}

/**
 * Takes tokens of rate limits right before sends, for limits of which the claim took none: those of users, and of an account that
 * was chosen after the claim. One transaction at a time; sends that come meanwhile share the next.
 */
export class SendTokens {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  #waiting: Waiting[] = [];
  #returned: RateWindow[] = [];
  #isRunning = false;
  /** By window, up to when (monotonic, ms) deliveries were put off: the next comes after them, and not with them. */
  readonly #promised = new LRUCache<string, number>({ max: MAX_PROMISED });

  constructor(pool: pg.Pool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  /** Takes a token of each window, or of none. Resolves to the time in ms after which to try again; 0: they are taken. */
  async take(windows: readonly RateWindow[], isUrgent: boolean): Promise<Millis> {
    const { wait, window } = await new Promise<RateWait>((resolve) => {
      this.#waiting.push({ use: { windows, isUrgent }, resolve });
      if (!this.#isRunning) void this.#run();
    });
    return window === null ? wait : this.#queueUp(window, wait);
  }

  /**
   * Gives back the tokens that the claim of a delivery took and that it does not use. Older ones than the time in which a window fills by
   * one are not: the window may have been full meanwhile, and would allow more than its limit. So no more than that time is lost.
   * @param used ids of the windows that the delivery uses; default: none
   */
  giveBack(delivery: ClaimedDelivery, used?: ReadonlySet<string>): void {
    const { taken, claimedAt = 0 } = delivery;
    if (!taken) return;
    const age = performance.now() - claimedAt;
    for (const window of taken.values()) {
      if (used?.has(window.id)) continue;
      taken.delete(window.id);
      if (age <= window.interval && this.#returned.length < MAX_RETURNED) this.#returned.push(window);
    }
    if (this.#returned.length > 0 && !this.#isRunning) void this.#run();
  }

  /** Gives what is put off a turn each: what came back at the same time would be put off again, but for one. */
  #queueUp({ id, interval }: RateWindow, wait: Millis): Millis {
    const now = performance.now();
    const at = Math.max(now + wait, (this.#promised.get(id) ?? 0) + interval);
    this.#promised.set(id, at);
    return Math.max(1, Math.ceil(at - now));
  }

  async #giveBackReturned(): Promise<void> {
    if (this.#returned.length === 0) return;
    const returned = this.#returned;
    this.#returned = [];
    try {
      await giveBackTokens(this.#pool, returned);
    } catch (error) {
      this.#log.debug({ err: error }, 'tokens of rate limits could not be given back; fewer messages are sent');
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Sends that are ready in the same turn of the event loop share a transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0 || this.#returned.length > 0) {
      await this.#giveBackReturned();
      const batch = this.#waiting.splice(0, MAX_BATCH);
      if (batch.length === 0) continue;
      try {
        const waits = await takeForSends(
          this.#pool,
          batch.map(({ use }) => use),
        );
        for (const [place, { resolve }] of batch.entries()) resolve(waits[place] ?? FAILED);
      } catch (error) {
        this.#log.debug({ err: error }, 'rate limits could not be read; deliveries wait for them');
        for (const { resolve } of batch) resolve(FAILED);
      }
    }
    this.#isRunning = false;
  }
}
