import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { rescued as rescues } from '../observe/happenings.ts';
import { rescueExpired } from '../store/deliveries/leases.ts';
import type { Capacity } from './capacity.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { Returner } from './returner.ts';

export interface RescuerOptions {
  readonly pool: pg.Pool;
  readonly capacity: Capacity;
  readonly leases: LeaseClock;
  readonly returner: Returner;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Lease duration in ms. */
  readonly lease: Millis;
  /** Called after deliveries were queued again. */
  readonly onRescued: () => void;
}

/**
 * Queues again what no worker sends: first the deliveries of this worker that had not started when their lease lapsed, then
 * those of any other worker whose lease has expired.
 */
export class Rescuer {
  readonly #options: RescuerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;
  /** After a failure nothing is rescued until then (monotonic, ms). */
  #rescueFrom: Millis = 0;

  constructor(options: RescuerOptions) {
    this.#options = options;
  }

  /** Resolves after a first look for expired leases. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#run(), this.#options.lease / 6);
    await this.#run();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      this.#dropLapsed();
      if (!(await this.#options.returner.flush())) this.#pause();
      if (performance.now() >= this.#rescueFrom) await this.#rescue();
    } catch (error) {
      this.#pause();
      this.#options.log.warn({ err: error }, 'maintenance task failed; will retry');
    } finally {
      this.#isRunning = false;
    }
  }

  #dropLapsed(): void {
    const { capacity, leases, returner, log } = this.#options;
    const lapsed = capacity.cancelUnstarted((delivery) => !leases.isGood(delivery.lease));
    if (lapsed.length === 0) return;
    log.warn({ returned: lapsed.length }, 'a lease lapsed; its unstarted deliveries return to the queue');
    for (const delivery of lapsed) returner.add(delivery);
    if (rescues.hasSubscribers) rescues.publish({ kind: 'lapsed', count: lapsed.length });
  }

  /** If the database was away, all leases may have expired at once: every worker gets the time to renew its own. */
  #pause(): void {
    this.#rescueFrom = performance.now() + this.#options.lease / 2;
  }

  async #rescue(): Promise<void> {
    const { pool, capacity, clock, log, onRescued } = this.#options;
    const rescued = await rescueExpired(pool, clock(), capacity.heldLeases());
    if (rescued === 0) return;
    log.warn({ rescued }, 'rescued deliveries with expired leases');
    if (rescues.hasSubscribers) rescues.publish({ kind: 'expired', count: rescued });
    onRescued();
  }
}
