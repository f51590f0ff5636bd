import type pg from 'pg';
import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import {
  type ChannelCapacity,
  type ClaimedDelivery,
  claimDeliveries,
  DELIVERIES_CHANNEL,
  loadNextDueDelivery,
} from '../store/deliveries/deliveries.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import { QueueFloor } from '../store/pg/queue-floor.ts';
import type { Capacity } from './capacity.ts';
import type { LeaseClock } from './lease-clock.ts';

export interface ProducerOptions {
  /** Name of the worker; the first lease has the same name. */
  readonly name: string;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  /** Channels to claim for. */
  readonly channels: readonly Channel[];
  readonly capacity: Capacity;
  readonly leases: LeaseClock;
  readonly clock: () => Millis;
  /** Whether this process may act now: not while its clock is wrong. */
  readonly mayAct: () => boolean;
  readonly log: Logger;
  /** Lease duration in ms. */
  readonly lease: Millis;
  /** Longest pause between two claims in ms, for when a NOTIFY was missed. */
  readonly poll: Millis;
  /** Receives each claimed delivery, which is held already. */
  readonly onClaimed: (delivery: ClaimedDelivery) => void;
}

/** A loop that makes one claim at a time, under its own lease: claims under one lease would wait for its row. */
interface ClaimLoop {
  lease: string;
  readonly signal: Signal;
  readonly progress: Progress;
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
  readonly #floors: ReadonlyMap<Channel, QueueFloor>;
  /** Number of the latest lease. */
  #leaseNumber = 2;
  /** Channels whose last claim returned as many deliveries as it asked for. */
  readonly #backlogged = new Set<Channel>();
  /** Whether the last look left out a channel, for its capacity or its circuit. */
  #wasLimited = false;
  #stopping = false;
  #loops: readonly Promise<void>[] = [];

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#main = { lease: options.name, signal: new Signal(), progress: new Progress() };
    this.#prefetcher = { lease: `${options.name} (2)`, signal: new Signal(), progress: new Progress() };
    this.#floors = new Map(options.channels.map((channel) => [channel, new QueueFloor()]));
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
    for (const floor of this.#floors.values()) floor.reset();
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
    const { poll, log, capacity, channels, mayAct } = this.#options;
    const { signal } = loop;
    const isPrefetcher = loop === this.#prefetcher;
    while (!this.#stopping) {
      loop.progress.mark();
      try {
        if (!mayAct()) {
          await signal.sleep(poll);
          continue;
        }
        const available = capacity.availableCapacity();
        this.#wasLimited = available.length < channels.length;
        const asked = isPrefetcher ? available.filter(({ channel }) => this.#backlogged.has(channel)) : available;
        const hasMore = asked.length > 0 && (await this.#claim(loop, asked));
        if (!hasMore) await signal.sleep(asked.length > 0 && !isPrefetcher ? await this.#untilNextDue() : poll);
      } catch (error) {
        log.warn({ err: error }, 'the delivery queue could not be read; trying again');
        await signal.sleep(poll);
      }
    }
  }

  /** Returns whether more deliveries are likely due. */
  async #claim(loop: ClaimLoop, asked: readonly ChannelCapacity[]): Promise<boolean> {
    const { pool, clock, lease, capacity, leases, onClaimed } = this.#options;
    // Deliveries held under a lapsed lease must not become good again by a claim of the same name.
    if (leases.hasLapsed(loop.lease)) {
      leases.forgetUnused(capacity.heldLeases());
      if (leases.hasLapsed(loop.lease)) this.#rotateLease(loop);
    }
    capacity.reserve(asked);
    const askedAt = leases.read();
    let deliveries: ClaimedDelivery[];
    try {
      deliveries = await claimDeliveries(pool, loop.lease, asked, clock(), lease, this.#floors);
      if (deliveries.length > 0) leases.extendByClaim(loop.lease, askedAt);
    } catch (error) {
      // The claim may have committed and only its answer been lost. The heartbeat must not renew what is not known to be
      // held.
      this.#rotateLease(loop);
      throw error;
    } finally {
      capacity.cancelReservation(asked);
    }
    for (const delivery of deliveries) {
      capacity.hold(delivery);
      onClaimed(delivery);
    }
    for (const { channel, count } of asked) {
      const claimed = deliveries.filter((delivery) => delivery.channel === channel).length;
      if (count > 1 && claimed === count) this.#backlogged.add(channel);
      else this.#backlogged.delete(channel);
    }
    const hasMore = asked.some(({ channel }) => this.#backlogged.has(channel));
    if (hasMore) this.#prefetcher.signal.set();
    return hasMore;
  }

  /** Claims under a new lease from now on. The old one expires once nothing is held under it. */
  #rotateLease(loop: ClaimLoop): void {
    loop.lease = `${this.#options.name} (${++this.#leaseNumber})`;
  }

  /** Returns how long to sleep in ms; at most the poll interval, because a NOTIFY may be missed. */
  async #untilNextDue(): Promise<Millis> {
    const { pool, clock, poll, channels } = this.#options;
    const due = await loadNextDueDelivery(pool, channels, this.#floors);
    // A delivery that is due already waits for capacity or for its circuit: a settlement or the poll comes back to it.
    return due === null || due <= clock() ? poll : Math.min(poll, due - clock());
  }
}
