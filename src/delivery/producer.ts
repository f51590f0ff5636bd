import type pg from 'pg';
import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { claimLimited } from '../observe/happenings.ts';
import {
  type ChannelCapacity,
  type ClaimWant,
  claimDeliveries,
  claimWithinLimits,
  type LimitedClaim,
} from '../store/deliveries/claim.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { DELIVERIES_CHANNEL, loadNextDueDelivery } from '../store/deliveries/delivery-queue.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import type { Capacity } from './capacity.ts';
import { ClaimPlan } from './claim-plan.ts';
import type { LaneGate } from './lane-gate.ts';
import { MAX_TOKEN_PRIORITY } from './lanes.ts';
import type { LateDeliveries } from './late-deliveries.ts';
import type { LeaseClock } from './lease-clock.ts';
import { publishEnded } from './publish-ended.ts';

export interface ProducerOptions {
  /** Name of the worker; the first lease has the same name. */
  readonly name: string;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  /** Channels to claim for. */
  readonly channels: readonly Channel[];
  readonly capacity: Capacity;
  readonly gate: LaneGate;
  readonly late: LateDeliveries;
  readonly leases: LeaseClock;
  readonly clock: () => Millis;
  /** Whether this process may act now: not while its clock is wrong. */
  readonly mayAct: () => boolean;
  readonly log: Logger;
  /** Lease duration in ms. */
  readonly lease: Millis;
  /** Longest pause between two claims in ms, for when a NOTIFY was missed. */
  readonly poll: Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), for the order of the priorities. */
  readonly random: () => number;
  /** Part of the pauses between two looks at one queue that is kept. */
  readonly lookPauseFactor: number;
  /** Receives each claimed delivery, which is held already. */
  readonly onClaimed: (delivery: ClaimedDelivery) => void;
}

/** Pause in ms between two looks for urgent deliveries while there is no room for others. */
const URGENT_POLL_MS = 250;

/** With more deliveries held than these, none that are late are claimed. */
const MAX_HELD_BESIDE_LATE = 4000;

/** Shortest pause in ms of a channel that waits for its rate limits, or for its lanes to be looked for. */
const MIN_LIMIT_PAUSE_MS = 20;

/** A loop that makes one claim at a time, under its own lease: claims under one lease would wait for its row. */
interface ClaimLoop {
  lease: string;
  readonly signal: Signal;
  readonly progress: Progress;
  /** Time in ms after which the rate limits allow more of what is due; null: they allowed everything. */
  limitWait: Millis | null;
}

/**
 * Claims due deliveries as far as there is capacity, woken by NOTIFY, by the next due time or by the poll interval. A
 * second loop, the prefetcher, claims for channels that have more due than one claim returns: while one loop waits for
 * PostgreSQL, the deliveries of the other are sent.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #listener: NotifyListener;
  readonly #main: ClaimLoop;
  readonly #prefetcher: ClaimLoop;
  readonly #plan: ClaimPlan;
  /** Number of the latest lease. */
  #leaseNumber = 2;
  /** Whether the last look left out a channel, for its capacity or its circuit. */
  #wasLimited = false;
  #stopping = false;
  #loops: readonly Promise<void>[] = [];

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#main = { lease: options.name, signal: new Signal(), progress: new Progress(), limitWait: null };
    this.#prefetcher = {
      lease: `${options.name} (2)`,
      signal: new Signal(),
      progress: new Progress(),
      limitWait: null,
    };
    this.#plan = new ClaimPlan(options);
    this.#listener = new NotifyListener(options.databaseUrl, DELIVERIES_CHANNEL, ({ missed }) =>
      missed ? this.rescan() : this.wake(),
    );
  }

  async start(): Promise<void> {
    await this.#listener.start();
    this.#loops = [this.#run(this.#main), this.#run(this.#prefetcher)];
  }

  /** Resolves when the last claim has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#listener.stop();
    await Promise.all(this.#loops);
  }

  /** Looks for due deliveries now. */
  wake(): void {
    this.#main.signal.set();
    this.#prefetcher.signal.set();
  }

  /** Looks for due deliveries now, from the start of the queue: some were returned to it. */
  rescan(): void {
    this.#plan.reset();
    this.wake();
  }

  /** Looks for due deliveries if the last look was limited: held deliveries have been settled since. */
  wakeIfLimited(): void {
    if (this.#wasLimited) this.wake();
  }

  /** Stops claiming under this lease, so that it expires once nothing is held under it. */
  abandonLease(lease: string): void {
    for (const loop of [this.#main, this.#prefetcher]) if (loop.lease === lease) this.#rotateLease(loop);
  }

  /** Time (ms) since the slower of the loops made progress. */
  get idleTime(): Millis {
    return Math.max(this.#main.progress.idleTime, this.#prefetcher.progress.idleTime);
  }

  async #run(loop: ClaimLoop): Promise<void> {
    const { poll, log, capacity, channels, mayAct, gate } = this.#options;
    const isByLane = (channel: Channel) => gate.isByLane(channel);
    const { signal } = loop;
    const isPrefetcher = loop === this.#prefetcher;
    while (!this.#stopping) {
      loop.progress.mark();
      try {
        if (!mayAct()) {
          await signal.sleep(poll);
          continue;
        }
        const available = capacity.availableCapacity(isByLane);
        this.#wasLimited = available.filter(({ isUrgent }) => !isUrgent).length < channels.length;
        const asked = isPrefetcher
          ? available.filter(({ channel, isUrgent }) => !isUrgent && this.#plan.isBacklogged(channel))
          : available;
        const hasMore = asked.length > 0 && (await this.#claim(loop, asked));
        const hasLate = !isPrefetcher && (await this.#claimLate(loop));
        if (!hasMore && !hasLate)
          await signal.sleep(isPrefetcher ? poll : await this.#untilNextLook(asked, loop.limitWait));
      } catch (error) {
        log.warn({ err: error }, 'the delivery queue could not be read; trying again');
        await signal.sleep(poll);
      }
    }
  }

  /** Returns whether more deliveries are likely due. */
  async #claim(loop: ClaimLoop, asked: readonly ChannelCapacity[]): Promise<boolean> {
    const { pool, clock, lease, capacity, leases } = this.#options;
    loop.limitWait = null;
    this.#renewLapsed(loop);
    capacity.reserve(asked);
    let wants: readonly ClaimWant[];
    let deliveries: readonly ClaimedDelivery[] = [];
    try {
      const chosen = await this.#plan.choose(asked);
      wants = chosen.wants;
      // A settlement makes room.
      if (chosen.wasCrowded) this.#wasLimited = true;
      const askedAt = leases.read();
      const leaseName = loop.lease;
      const free = wants.filter(({ limits }) => limits === undefined);
      const limited = wants.filter(({ limits }) => limits !== undefined);
      if (free.length > 0) deliveries = await claimDeliveries(pool, leaseName, free, clock(), lease, publishEnded);
      if (limited.length > 0) {
        const found = await this.#claimLimited(loop, limited, deliveries.length > 0);
        deliveries = [...deliveries, ...found.deliveries];
        wants = [...free, ...found.wants];
        loop.limitWait = found.wait;
        if (found.wait !== null && claimLimited.hasSubscribers) claimLimited.publish(undefined);
      }
      if (deliveries.length > 0) leases.extendByClaim(leaseName, askedAt);
    } catch (error) {
      // The claim may have committed and only its answer been lost. The heartbeat must not renew what is not known to be
      // held.
      this.#rotateLease(loop);
      throw error;
    } finally {
      capacity.cancelReservation(asked);
    }
    for (const delivery of deliveries) this.#take(delivery);
    this.#plan.note(asked, wants, deliveries);
    const hasMore = asked.some(({ channel, isUrgent }) => !isUrgent && this.#plan.isBacklogged(channel));
    if (hasMore) this.#prefetcher.signal.set();
    return hasMore;
  }

  /** Claims what is late and no other claim reaches. Returns whether there was any. */
  async #claimLate(loop: ClaimLoop): Promise<boolean> {
    const { late, capacity, leases } = this.#options;
    if (capacity.heldCount > MAX_HELD_BESIDE_LATE) return false;
    this.#renewLapsed(loop);
    const askedAt = leases.read();
    let deliveries: readonly ClaimedDelivery[];
    try {
      deliveries = await late.claim(loop.lease);
    } catch (error) {
      this.#rotateLease(loop);
      throw error;
    }
    if (deliveries.length > 0) leases.extendByClaim(loop.lease, askedAt);
    for (const delivery of deliveries) this.#take(delivery);
    return deliveries.length > 0;
  }

  #take(delivery: ClaimedDelivery): void {
    this.#options.capacity.hold(delivery);
    this.#options.onClaimed(delivery);
  }

  /** @param hasOthers whether other deliveries were claimed before, which an error must not lose */
  async #claimLimited(loop: ClaimLoop, wants: readonly ClaimWant[], hasOthers: boolean): Promise<LimitedClaim> {
    const { pool, clock, lease, log } = this.#options;
    try {
      return await claimWithinLimits(pool, loop.lease, wants, clock(), lease, isUrgent, publishEnded);
    } catch (error) {
      if (!hasOthers) throw error;
      log.warn({ err: error }, 'deliveries with rate limits could not be claimed; trying again');
      this.#rotateLease(loop);
      return { deliveries: [], wants: [], wait: null };
    }
  }

  /** Changes a lapsed lease: what is held under it must not become good again by a claim of the same name. */
  #renewLapsed(loop: ClaimLoop): void {
    const { capacity, leases } = this.#options;
    if (!leases.hasLapsed(loop.lease)) return;
    leases.forgetUnused(capacity.heldLeases());
    if (leases.hasLapsed(loop.lease)) this.#rotateLease(loop);
  }

  /** Claims under a new lease from now on. The old one expires once nothing is held under it. */
  #rotateLease(loop: ClaimLoop): void {
    loop.lease = `${this.#options.name} (${++this.#leaseNumber})`;
  }

  /** Returns how long to sleep in ms; at most the poll interval, because a NOTIFY may be missed. */
  async #untilNextLook(asked: readonly ChannelCapacity[], limitWait: Millis | null): Promise<Millis> {
    if (asked.every(({ isUrgent }) => isUrgent)) return asked.length > 0 ? URGENT_POLL_MS : this.#options.poll;
    const { pool, clock, poll, channels, gate } = this.#options;
    const due = await loadNextDueDelivery(pool, channels, this.#plan.floors);
    // A delivery that is due already waits for capacity or for its circuit: a settlement or the poll comes back to it.
    if (due === null || due > clock()) return due === null ? poll : Math.min(poll, due - clock());
    // Or for its lane to be found, or for its limits.
    const searches = asked.filter(({ channel }) => gate.isByLane(channel));
    const waits = searches.map(({ channel }) => this.#plan.untilSearch(channel));
    const pauses = limitWait === null ? waits : [...waits, limitWait];
    return Math.min(poll, ...pauses.map((pause) => Math.max(pause, MIN_LIMIT_PAUSE_MS)));
  }
}

/** Whether deliveries of this priority may take the tokens that limits keep. */
function isUrgent(priority: number): boolean {
  return priority <= MAX_TOKEN_PRIORITY;
}
