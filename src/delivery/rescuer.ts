import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { renewLeases, rescueExpired } from '../store/leases.ts';
import type { Capacity } from './capacity.ts';

export interface RescuerOptions {
  readonly pool: pg.Pool;
  readonly capacity: Capacity;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Lease duration in ms. */
  readonly lease: Millis;
  /** Called after deliveries were queued again. */
  readonly onRescued: () => void;
}

/** Renews the leases of what this worker holds, and rescues deliveries of any worker whose lease has expired. */
export class Rescuer {
  readonly #options: RescuerOptions;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: RescuerOptions) {
    this.#options = options;
  }

  /** Resolves after a first look for expired leases. */
  async start(): Promise<void> {
    const { lease } = this.#options;
    this.#timers = [
      setInterval(() => void this.#runMaintenance(() => this.#renewHeld()), lease / 3),
      setInterval(() => void this.#runMaintenance(() => this.#rescue()), lease / 6),
    ];
    await this.#runMaintenance(() => this.#rescue());
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #renewHeld(): Promise<void> {
    const { pool, capacity, lease } = this.#options;
    const leases = capacity.heldLeases();
    if (leases.length > 0) await renewLeases(pool, leases, lease);
  }

  async #rescue(): Promise<void> {
    const { pool, clock, log, onRescued } = this.#options;
    const rescued = await rescueExpired(pool, clock());
    if (rescued === 0) return;
    log.warn({ rescued }, 'rescued deliveries with expired leases');
    onRescued();
  }

  async #runMaintenance(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'maintenance task failed; will retry');
    }
  }
}
