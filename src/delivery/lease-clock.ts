import type { Millis } from '../model/event.ts';
import { CLAIM_SLACK_SHARE } from '../store/deliveries/leases.ts';

/** Part of a lease that is not relied on: clocks run at slightly different rates, and a send starts after it was allowed. */
const UNUSED_SHARE = 0.1;

/**
 * Tracks until when each lease of this process surely holds, by a monotonic clock: one that cannot be set, and that goes on
 * while the process is frozen, and while the machine is suspended. The database judges leases by its own clock, and its expiry
 * is never earlier: it counts from when it runs a claim or a renewal, this clock from when the process asked for it.
 *
 * A lease that was not renewed in time has lapsed for good: another worker may have rescued what was claimed under it, and
 * a renewal afterwards does not bring that back. Bounded by the leases held, see `forgetUnused`.
 */
export class LeaseClock {
  readonly #usable: Millis;
  readonly #claimSlack: Millis;
  readonly #now: () => Millis;
  readonly #goodUntil = new Map<string, Millis>();

  /**
   * @param duration of a lease in ms
   * @param now a monotonic clock in ms that counts suspensions, see `suspendClock`
   */
  constructor(duration: Millis, now: () => Millis) {
    this.#usable = duration * (1 - UNUSED_SHARE);
    this.#claimSlack = duration * CLAIM_SLACK_SHARE;
    this.#now = now;
  }

  /** Returns the time to pass to `extend`; to be read before the claim or renewal is sent. */
  read(): Millis {
    return this.#now();
  }

  /**
   * Notes that the database has confirmed a claim or a renewal. Without effect if the lease lapsed before the response
   * arrived: the database may have run the statement after another worker rescued the deliveries.
   * @param askedAt from `read`
   */
  extend(lease: string, askedAt: Millis): void {
    if (this.hasLapsed(lease)) return;
    this.#goodUntil.set(lease, Math.max(this.#goodUntil.get(lease) ?? 0, askedAt + this.#usable));
  }

  /** Notes a claim, after which the lease may expire CLAIM_SLACK_SHARE of its duration earlier than after a renewal. */
  extendByClaim(lease: string, askedAt: Millis): void {
    this.extend(lease, askedAt - this.#claimSlack);
  }

  /** Whether what was claimed under this lease is surely still reserved. */
  isGood(lease: string): boolean {
    return this.#now() < (this.#goodUntil.get(lease) ?? 0);
  }

  /** Whether the lease was held once, and is not surely held now. */
  hasLapsed(lease: string): boolean {
    return this.#goodUntil.has(lease) && !this.isGood(lease);
  }

  /** Forgets lapsed leases except those that deliveries are still held under. A forgotten name may be used for a new lease. */
  forgetUnused(held: readonly string[]): void {
    const kept = new Set(held);
    for (const lease of this.#goodUntil.keys())
      if (!kept.has(lease) && this.hasLapsed(lease)) this.#goodUntil.delete(lease);
  }
}
