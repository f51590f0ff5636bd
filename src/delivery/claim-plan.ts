import type pg from 'pg';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { ChannelCapacity, ClaimWant } from '../store/deliveries/claim.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { getLaneName } from '../store/deliveries/lanes.ts';
import { QueueFloor } from '../store/pg/queue-floor.ts';
import type { LaneGate } from './lane-gate.ts';
import { ChannelLanes, type KnownLane, MAX_URGENT_PRIORITY } from './lanes.ts';

export interface ClaimPlanOptions {
  readonly pool: pg.Pool;
  readonly channels: readonly Channel[];
  readonly gate: LaneGate;
  readonly clock: () => Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), for the order of the priorities. */
  readonly random: () => number;
  /** Part of the pauses between two looks for lanes that is kept. */
  readonly lookPauseFactor: number;
}

/** Requests of a claim. */
export interface ChosenWants {
  readonly wants: ClaimWant[];
  /** Whether a lane was left out because too many deliveries wait for a slot of its account. */
  readonly wasCrowded: boolean;
}

/** Chooses what the claims of a worker ask for: whole channels, or single lanes of those that have more due than a claim returns. */
export class ClaimPlan {
  readonly #options: ClaimPlanOptions;
  /** The due times, by channel, before which nothing is looked at. */
  readonly floors: ReadonlyMap<Channel, QueueFloor>;
  readonly #lanes: ReadonlyMap<Channel, ChannelLanes>;
  /** Channels whose last claim returned as many deliveries as it asked for: they are claimed lane by lane. */
  readonly #backlogged = new Set<Channel>();

  constructor(options: ClaimPlanOptions) {
    const { pool, clock, channels, random, lookPauseFactor } = options;
    this.#options = options;
    this.#lanes = new Map(
      channels.map((channel) => [channel, new ChannelLanes(pool, channel, clock, random, lookPauseFactor)]),
    );
    this.floors = new Map(channels.map((channel) => [channel, new QueueFloor()]));
  }

  /** Lets the next claims look from the start of their queues. */
  reset(): void {
    for (const floor of this.floors.values()) floor.reset();
  }

  /** Whether a channel has more due than its last claim returned. */
  isBacklogged(channel: Channel): boolean {
    return this.#backlogged.has(channel);
  }

  /** Returns the time in ms until the lanes of a channel are looked for again. */
  untilSearch(channel: Channel): Millis {
    return this.#lanes.get(channel)?.untilSearch ?? 0;
  }

  /**
   * Returns what to claim: channel by channel, and where more is due than one claim returns, or lanes differ in their limits and
   * accounts, lane by lane.
   */
  async choose(asked: readonly ChannelCapacity[]): Promise<ChosenWants> {
    const { gate } = this.#options;
    const wants: ClaimWant[] = [];
    let wasCrowded = false;
    for (const one of asked) {
      const { channel, count, isProbe, isUrgent } = one;
      const floor = this.floors.get(channel);
      const isLaned = isUrgent || (this.#backlogged.has(channel) && !isProbe) || gate.isByLane(channel);
      if (isLaned) {
        wants.push(...(await this.#chooseLanes(channel, count, isUrgent)));
        wasCrowded ||= gate.isByLane(channel) && gate.wasCrowded;
      } else wants.push(floor ? { ...one, floor } : one);
    }
    return { wants: asked.some(({ channel }) => gate.isByLane(channel)) ? await gate.admit(wants) : wants, wasCrowded };
  }

  async #chooseLanes(channel: Channel, count: number, isUrgent = false): Promise<ClaimWant[]> {
    const { gate } = this.#options;
    const maxPriority = isUrgent ? MAX_URGENT_PRIORITY : undefined;
    const selectOpen = gate.isByLane(channel)
      ? (lanes: readonly KnownLane[]) => gate.selectOpen(channel, lanes)
      : undefined;
    const wants = await this.#lanes.get(channel)?.chooseWants(count, maxPriority, selectOpen);
    return wants ?? [];
  }

  /** Notes which channels have more due than their last claim returned. */
  note(asked: readonly ChannelCapacity[], wants: readonly ClaimWant[], deliveries: readonly ClaimedDelivery[]): void {
    for (const want of wants) {
      if (!want.lane) continue;
      const claimed = deliveries.filter((one) => isOfLane(one, want)).length;
      this.#lanes.get(want.channel)?.report(want, claimed);
    }
    for (const { channel, count, isUrgent } of asked) {
      if (isUrgent) continue;
      const own = wants.filter((want) => want.channel === channel);
      const claimed = deliveries.filter((delivery) => delivery.channel === channel).length;
      // A lane that returned all that it was asked for has more; without lanes the channel is looked at as a whole again.
      const hasMore = own.some(({ lane }) => lane) ? claimed > 0 : count > 1 && claimed === count;
      if (hasMore) this.#backlogged.add(channel);
      else this.#backlogged.delete(channel);
    }
  }
}

function isOfLane({ tenantId, channel, target, priority }: ClaimedDelivery, want: ClaimWant): boolean {
  return (
    channel === want.channel &&
    priority === want.lane?.priority &&
    getLaneName(tenantId, channel, target) === want.lane.name
  );
}
