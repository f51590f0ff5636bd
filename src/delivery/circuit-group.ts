import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { CircuitBreaker } from '../lib/concurrency/circuit-breaker.ts';
import type { Millis } from '../model/event.ts';
import type { CircuitCode, CircuitPlace } from '../store/deliveries/circuits.ts';
import type { ProbeState } from './circuit-probes.ts';

/** Circuits of accounts, and as many of domains, that are open at the same time; beyond that, failures of further ones open none. */
const MAX_OPEN = 10_000;
/** Time in ms without a delivery to an open circuit after which a further one may take its place. */
const UNUSED_MS: Millis = 24 * 3_600_000;

/** Why and since when nothing is sent. */
export interface Outage {
  readonly since: Millis;
  readonly cause: string;
  readonly code: CircuitCode;
}

/** A circuit as this process knows it. */
export interface Circuit extends ProbeState {
  readonly place: CircuitPlace;
  readonly breaker: CircuitBreaker;
  /** Set while it is not closed. */
  outage?: Outage;
  /** As it is stored; absent: it is not, or not yet. */
  version?: number;
  /** While it is open: when a delivery was last to be sent to it, by the monotonic clock. */
  usedAt?: Millis;
}

/** Circuits of accounts, or those of domains, that are not closed or whose last send failed. */
export class CircuitGroup {
  readonly #log: Logger;
  /** Closed ones whose last send failed. */
  readonly #failing: LRUCache<string, Circuit>;
  /** Circuits that are not closed, the least recently used first. Failures of others remove none. */
  readonly #open = new Map<string, Circuit>();
  /** Whether the log says that no further circuits open. */
  #isFull = false;

  /** @param maxFailing closed ones that are tracked; of more, those without a recent failure are forgotten */
  constructor(maxFailing: number, log: Logger) {
    this.#failing = new LRUCache({ max: maxFailing });
    this.#log = log;
  }

  /** Number of circuits that are not closed. */
  get size(): number {
    return this.#open.size;
  }

  /** Whether there has been no failure, or none that still counts. */
  get isQuiet(): boolean {
    return this.#failing.size === 0 && this.#open.size === 0;
  }

  /** Returns the circuits that are not closed. */
  listOpen(): Iterable<Circuit> {
    return this.#open.values();
  }

  /** Returns a circuit that is not closed; undefined: it is. */
  findOpen(id: string): Circuit | undefined {
    return this.#open.get(id);
  }

  /** Returns a circuit that is not closed, or whose last send failed. */
  find(id: string): Circuit | undefined {
    return this.#open.get(id) ?? this.#failing.get(id);
  }

  /** Keeps a closed circuit whose last send failed. */
  keepFailing(circuit: Circuit): void {
    this.#failing.set(circuit.place.id, circuit);
  }

  /** Keeps a circuit that is not closed, as the one that was used last. */
  keepOpen(circuit: Circuit, now: Millis): void {
    const { id } = circuit.place;
    circuit.usedAt = now;
    this.#failing.delete(id);
    this.#open.delete(id);
    this.#open.set(id, circuit);
  }

  remove({ place }: Circuit): void {
    this.#open.delete(place.id);
    this.#failing.delete(place.id);
  }

  /**
   * Whether a further circuit may open. Says in the log when that ends.
   * @param close closes a circuit that has not been used for a day, which makes room
   */
  hasRoom(now: Millis, close: (unused: Circuit) => void): boolean {
    const [oldest] = this.#open.size >= MAX_OPEN ? this.#open.values() : [];
    if (oldest && now - (oldest.usedAt ?? now) >= UNUSED_MS) close(oldest);
    const hasRoom = this.#open.size < MAX_OPEN;
    if (!hasRoom && !this.#isFull) {
      this.#log.warn({ open: this.#open.size }, 'no further circuits open: too many are open');
    }
    this.#isFull = !hasRoom;
    return hasRoom;
  }
}
