import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { renewLeases } from '../store/deliveries/leases.ts';
import { MAX_CONNECTIONS } from '../store/pg/connections.ts';
import { openPool } from '../store/pg/pool.ts';
import type { Capacity } from './capacity.ts';
import type { LeaseClock } from './lease-clock.ts';

/** Shortest time in ms that a renewal may take. */
const MIN_RENEWAL_MS = 500;

export interface HeartbeatOptions {
  readonly databaseUrl: string;
  readonly capacity: Capacity;
  readonly leases: LeaseClock;
  readonly log: Logger;
  /** Lease duration in ms. */
  readonly lease: Millis;
}

/**
 * Renews the leases of what this worker holds, three times in their duration, over a connection of its own: other work of
 * the process, which may use up the pool, delays no renewal.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #pool: pg.Pool;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const timeout = Math.max(MIN_RENEWAL_MS, options.lease / 3);
    const timeouts = { query: timeout, statement: timeout, lock: timeout, idleInTransaction: timeout };
    this.#pool = openPool(options.databaseUrl, { max: MAX_CONNECTIONS.heartbeat, name: 'tidings heartbeat', timeouts });
  }

  start(): void {
    this.#timer = setInterval(() => void this.#run(), this.#options.lease / 3);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.end();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { capacity, leases, lease, log } = this.#options;
    try {
      const held = capacity.heldLeases();
      leases.forgetUnused(held);
      if (held.length === 0) return;
      const askedAt = leases.read();
      // Lapsed leases too: sends that had started go on, and are recorded unless another worker was faster.
      await renewLeases(this.#pool, held, lease);
      for (const name of held) leases.extend(name, askedAt);
    } catch (error) {
      log.warn({ err: error }, 'leases could not be renewed; will retry');
    } finally {
      this.#isRunning = false;
    }
  }
}
