import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import {
  CIRCUITS_CHANNEL,
  type CircuitPlace,
  deleteCircuit,
  deleteUnusedCircuits,
  loadCircuits,
  MAX_LOADED_CIRCUITS,
  releaseProbe,
  type StoredCircuit,
  saveCircuit,
  takeProbe,
} from '../store/deliveries/circuits.ts';
import { NotifyListener } from '../store/pg/listener.ts';

/** Interval in ms at which all circuits are loaded again, for when an announcement was missed. */
const POLL_MS: Millis = 10_000;
/** Interval in ms at which circuits that are no longer used are forgotten. */
const CLEAN_MS: Millis = 3_600_000;
/** Longest wait in ms for the last writes of a process that stops. */
const MAX_LAST_WRITES_MS: Millis = 1000;
/** Announced circuits that are loaded one by one; of more, all are. */
const MAX_SINGLE = 20;

/** Receives what other processes say of circuits. */
export interface CircuitReceiver {
  /** Takes a circuit that is not closed as it is stored. */
  adopt(circuit: StoredCircuit): void;
  /** Closes a circuit that is no longer stored. @param isStored false: it was never stored */
  forget(id: string, isStored: boolean): void;
  /** Returns the ids of the circuits that are stored as far as this process knows. */
  listShared(): readonly string[];
}

export interface CircuitSharingOptions {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  /** Name of the worker, unique among all. */
  readonly name: string;
  readonly log: Logger;
  readonly receiver: CircuitReceiver;
}

/**
 * Shares the circuits that are not closed with the other processes, by a table and an announcement of each change. While the
 * database is away each process goes by what it knows, and claims nothing.
 */
export class CircuitSharing {
  readonly #options: CircuitSharingOptions;
  readonly #listener: NotifyListener;
  /** Writes of this process, one after the other: what opens and closes is stored in this order. */
  #writes: Promise<unknown> = Promise.resolve();
  readonly #announced = new Set<string>();
  #isReading = false;
  #readsAll = false;
  #poll: NodeJS.Timeout | undefined;
  #cleanedAt = performance.now();
  #stopped = false;

  constructor(options: CircuitSharingOptions) {
    this.#options = options;
    this.#listener = new NotifyListener(options.databaseUrl, CIRCUITS_CHANNEL, ({ missed, payload }) => {
      if (missed || payload === undefined) this.#readsAll = true;
      else this.#announced.add(payload);
      this.#read();
    });
  }

  /** Resolves when the circuits are known. */
  async start(): Promise<void> {
    await this.#listener.start();
    this.#poll = setInterval(() => {
      this.#readsAll = true;
      this.#read();
    }, POLL_MS).unref();
  }

  /** Resolves when what was to be stored is, or the database does not answer. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#poll);
    await this.#listener.stop();
    await Promise.race([this.#writes, pause(MAX_LAST_WRITES_MS, undefined, { ref: false })]);
  }

  /** Stores that a circuit has opened. @param onStored gets it as it is stored */
  open(
    place: CircuitPlace,
    state: Pick<StoredCircuit, 'code' | 'cause' | 'since' | 'remaining' | 'pause'>,
    onStored: (circuit: StoredCircuit) => void,
  ): void {
    this.#write(async (pool) => onStored(await saveCircuit(pool, place, state)));
  }

  /** Stores that a circuit has closed. */
  close(id: string): void {
    this.#write((pool) => deleteCircuit(pool, id));
  }

  /** Gives back a probe that was not used. */
  release(id: string): void {
    this.#write((pool) => releaseProbe(pool, id, this.#options.name));
  }

  /** Resolves to whether this worker has the probe now. @throws if the database does not answer */
  async takeProbe(id: string, getVersion: () => number | undefined, lease: Millis): Promise<boolean> {
    // The latest change may still be on its way to the database.
    await this.#writes;
    const { pool, name } = this.#options;
    const version = getVersion();
    if (version === undefined) this.#options.receiver.forget(id, false);
    else if (await takeProbe(pool, { id, version, worker: name, lease })) return true;
    else await this.#refresh(id);
    return false;
  }

  #write(work: (pool: pg.Pool) => Promise<unknown>): void {
    const { pool, log } = this.#options;
    this.#writes = this.#writes
      .then(() => work(pool))
      .catch((error) =>
        log.warn({ err: error }, 'the state of a circuit could not be shared with the other processes'),
      );
  }

  async #refresh(id: string): Promise<void> {
    const { pool, receiver } = this.#options;
    const [found] = await loadCircuits(pool, id);
    if (found) receiver.adopt(found);
    else receiver.forget(id, true);
  }

  #read(): void {
    if (this.#isReading || this.#stopped) return;
    this.#isReading = true;
    this.#readOn()
      .catch((error) => {
        this.#readsAll = true;
        this.#options.log.debug({ err: error }, 'the circuits of other processes could not be read');
      })
      .finally(() => {
        this.#isReading = false;
      });
  }

  async #readOn(): Promise<void> {
    while ((this.#readsAll || this.#announced.size > 0) && !this.#stopped) {
      if (this.#readsAll || this.#announced.size > MAX_SINGLE) {
        this.#readsAll = false;
        this.#announced.clear();
        await this.#readAll();
      } else {
        const [id] = this.#announced;
        this.#announced.delete(id as string);
        await this.#refresh(id as string);
      }
    }
  }

  async #readAll(): Promise<void> {
    const { pool, receiver } = this.#options;
    const now = performance.now();
    if (now - this.#cleanedAt > CLEAN_MS) {
      this.#cleanedAt = now;
      await deleteUnusedCircuits(pool);
    }
    const known = receiver.listShared();
    const circuits = await loadCircuits(pool);
    for (const circuit of circuits) receiver.adopt(circuit);
    if (circuits.length === MAX_LOADED_CIRCUITS) return;
    const ids = new Set(circuits.map(({ id }) => id));
    // Only circuits that were stored before the look: one that was stored meanwhile may not be in it.
    for (const id of known) if (!ids.has(id)) receiver.forget(id, true);
  }
}
