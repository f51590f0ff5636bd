import type pg from 'pg';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import {
  claimLateDeliveries,
  findLateDeliveries,
  type LateDelivery,
  type QueuePlace,
} from '../store/deliveries/late-deliveries.ts';
import type { LaneGate } from './lane-gate.ts';
import { publishEnded } from './publish-ended.ts';

/** Late deliveries that one claim takes, at most. */
const MAX_CLAIMED = 500;
/**
 * A queue in which a look has found nothing is looked at again this many times as long after it as it took, and not before this time
 * (ms) at its end.
 */
const LOOK_PAUSE_FACTOR = 20;
const MIN_LOOK_PAUSE_MS: Millis = 1000;

interface Look {
  after: QueuePlace | null;
  /** Time of the next, by the monotonic clock. */
  from: Millis;
}

export interface LateDeliveriesOptions {
  readonly pool: pg.Pool;
  readonly channels: readonly Channel[];
  readonly gate: LaneGate;
  readonly clock: () => Millis;
  /** Lease duration in ms. */
  readonly lease: Millis;
  /** Part of the pauses between two looks that is kept. */
  readonly lookPauseFactor: number;
}

/**
 * Ends what waits behind a closed lane and is late: no claim reaches it. What has expired is settled by the claim; what is past its
 * retry time is claimed, many at once, if its accounts have failed for so long that it gets no last attempt. A queue without closed
 * lanes is not looked through.
 */
export class LateDeliveries {
  readonly #options: LateDeliveriesOptions;
  readonly #looks: ReadonlyMap<Channel, Look>;

  constructor(options: LateDeliveriesOptions) {
    this.#options = options;
    this.#looks = new Map(
      options.channels.map((channel) => [channel, { after: null, from: Number.NEGATIVE_INFINITY }]),
    );
  }

  /**
   * Claims late deliveries under this lease, at most MAX_CLAIMED; empty: nothing is late, or it is not time to look.
   * @throws if the claim may have been made all the same: claim under another lease from then on
   */
  async claim(lease: string): Promise<ClaimedDelivery[]> {
    for (const [channel, look] of this.#looks) {
      if (performance.now() < look.from || !this.#options.gate.mayHoldBack(channel)) continue;
      const claimed = await this.#claimFrom(channel, look, lease);
      if (claimed.length > 0) return claimed;
    }
    return [];
  }

  async #claimFrom(channel: Channel, look: Look, lease: string): Promise<ClaimedDelivery[]> {
    const { pool, clock, lease: duration, lookPauseFactor } = this.#options;
    const startedAt = performance.now();
    look.from = Number.POSITIVE_INFINITY;
    let pause = MIN_LOOK_PAUSE_MS;
    try {
      const { late, last } = await findLateDeliveries(pool, channel, look.after, clock());
      const lost = await this.#selectLost(channel, late);
      // The rest of a page is looked at again, the next page soon.
      if (lost.length <= MAX_CLAIMED) look.after = last;
      const took = performance.now() - startedAt;
      pause = lost.length > 0 ? 0 : Math.max(last === null ? MIN_LOOK_PAUSE_MS : 0, LOOK_PAUSE_FACTOR * took);
      if (lost.length === 0) return [];
      return await claimLateDeliveries(
        pool,
        lease,
        channel,
        lost.slice(0, MAX_CLAIMED),
        clock(),
        duration,
        publishEnded,
      );
    } finally {
      look.from = performance.now() + pause * lookPauseFactor;
    }
  }

  async #selectLost(channel: Channel, late: readonly LateDelivery[]): Promise<LateDelivery[]> {
    const lostSince = new Map<string, Millis | undefined>();
    const lost: LateDelivery[] = [];
    for (const one of late) {
      const { tenantId, isExpired, retryUntil } = one;
      if (!isExpired && !lostSince.has(tenantId)) {
        lostSince.set(tenantId, await this.#options.gate.findLostSince({ tenantId, channel }));
      }
      if (isExpired || (lostSince.get(tenantId) ?? Number.POSITIVE_INFINITY) <= retryUntil) lost.push(one);
    }
    return lost;
  }
}
