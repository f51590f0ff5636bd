import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Provider } from '../channels/provider.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { releaseDeliveries } from '../store/deliveries.ts';
import { Capacity } from './capacity.ts';
import { Deadlines } from './deadlines.ts';
import { Executor } from './executor.ts';
import { Producer } from './producer.ts';
import { Rescuer } from './rescuer.ts';
import { Settler } from './settler.ts';

export interface DeliveryWorkerOptions {
  /** Names the worker and its leases. Unique among all processes, earlier ones included. */
  readonly name: string;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** The provider of each channel; other channels are not claimed. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly clock: () => Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), for the backoff. */
  readonly random: () => number;
  readonly log: Logger;
  /** Lease duration in ms: how long a claimed delivery stays reserved after the last heartbeat. Default 30 s. */
  readonly lease?: Millis;
  /** Longest pause between two looks at the queue in ms, for when a NOTIFY was missed. Default 1 s. */
  readonly poll?: Millis;
  /** Limit of one send in ms. Default 60 s. */
  readonly sendDeadline?: Millis;
  /** A monotonic clock in ms, for the pauses of the circuit breakers. Default: that of the process. */
  readonly elapsed?: () => Millis;
}

const MAX_LAST_SETTLEMENTS_MS = 1000;
const DRAIN_POLL_MS = 50;

/**
 * Delivers what is due, by services in a row:
 *
 *   producer (claims) ─▶ executor (sends) ─▶ settler (records)
 *
 * Beside them the rescuer renews this worker's leases, and queues again what other workers left behind.
 */
export class DeliveryWorker {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  readonly #capacity: Capacity;
  readonly #deadlines: Deadlines;
  readonly #producer: Producer;
  readonly #executor: Executor;
  readonly #settler: Settler;
  readonly #rescuer: Rescuer;
  #stopping = false;

  constructor({
    lease = 30_000,
    poll = 1000,
    sendDeadline = 60_000,
    elapsed = () => performance.now(),
    ...options
  }: DeliveryWorkerOptions) {
    const { name, pool, databaseUrl, catalogs, seal, providers, clock, random, log } = options;
    this.#pool = pool;
    this.#log = log;
    const capacity = new Capacity(providers, elapsed);
    this.#capacity = capacity;
    this.#deadlines = new Deadlines(sendDeadline);
    this.#producer = new Producer({
      name,
      pool,
      databaseUrl,
      channels: [...providers.keys()],
      capacity,
      clock,
      log,
      lease,
      poll,
      onClaimed: (delivery) => this.#executor.submit(delivery),
    });
    this.#executor = new Executor({
      pool,
      catalogs,
      seal,
      providers,
      capacity,
      deadlines: this.#deadlines,
      clock,
      elapsed,
      log,
      onCompleted: (delivery, result, startedAt) => this.#settler.settle(delivery, result, startedAt),
    });
    this.#settler = new Settler({
      name,
      pool,
      catalogs,
      seal,
      capacity,
      clock,
      random,
      log,
      onSettled: (settlements) => {
        if (settlements.some(({ status }) => status === 'queued')) this.#producer.wake();
        else this.#producer.wakeIfLimited();
      },
      onUnrecordable: ({ lease }) => this.#producer.abandonLease(lease),
    });
    this.#rescuer = new Rescuer({ pool, capacity, clock, log, lease, onRescued: () => this.#producer.wake() });
  }

  async start(): Promise<void> {
    await this.#rescuer.start();
    await this.#producer.start();
  }

  /**
   * Stops claiming, lets the sends under way end, and returns deliveries that have not been started to the queue.
   * @param grace time in ms after which sends are aborted; an aborted send has a further second to be recorded, after which
   *   its lease expires and its delivery is rescued
   */
  async stop(grace: Millis = 5000): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#producer.stop();
    await this.#returnUnstarted();
    let isAborted = false;
    const abort = setTimeout(() => {
      isAborted = true;
      this.#settler.stop();
      this.#deadlines.stop();
    }, grace);
    while (this.busy > 0 && !isAborted) await pause(DRAIN_POLL_MS);
    for (let waited = 0; this.busy > 0 && waited < MAX_LAST_SETTLEMENTS_MS; waited += DRAIN_POLL_MS) {
      await pause(DRAIN_POLL_MS);
    }
    clearTimeout(abort);
    this.#rescuer.stop();
  }

  /** Looks for due deliveries now. */
  wake(): void {
    this.#producer.wake();
  }

  /** Number of deliveries held now, for health reports. */
  get busy(): number {
    return this.#capacity.heldCount;
  }

  /** Returns the names of the providers whose circuit is not closed, for health reports. */
  unhealthyProviders(): string[] {
    return this.#capacity.unhealthyProviders();
  }

  async #returnUnstarted(): Promise<void> {
    const unstarted = this.#capacity.cancelUnstarted();
    if (unstarted.length === 0) return;
    try {
      await releaseDeliveries(this.#pool, unstarted);
    } catch (error) {
      this.#log.warn(
        { err: error },
        'unstarted deliveries could not be returned; they are rescued when their lease expires',
      );
    }
    for (const delivery of unstarted) this.#capacity.release(delivery);
  }
}
