import { setMaxListeners } from 'node:events';
import type { Millis } from '../model/event.ts';

/** The timeout of a send: first a signal to the provider, then an outcome without it. */
export interface SendDeadline {
  /** Aborted when the send has taken too long, or the worker stops. */
  readonly signal: AbortSignal;
  /**
   * Resolves to the result of `work`, or to `fallback()` if `work` has not settled some time after `signal` was aborted.
   */
  race<T>(work: Promise<T>, fallback: () => T): Promise<T>;
}

/**
 * Creates send timeouts. Sends that start within 1/60 of the limit share one AbortController and timer, because creating
 * them per send is measurable for fast providers.
 */
export class Deadlines {
  readonly #limit: Millis;
  readonly #live = new Set<Deadline>();
  /** Latest deadlines by limit: those of the providers, which are few. */
  readonly #latest = new Map<Millis, { readonly deadline: Deadline; readonly sharedUntil: Millis }>();
  #stopped = false;

  /** @param limit time that a send may take, in ms; sharing shortens it by at most 1/60 */
  constructor(limit: Millis) {
    this.#limit = limit;
  }

  /** Returns the deadline of a send that starts now. @param longest time in ms that its provider allows; absent: any */
  next(longest: Millis = this.#limit): SendDeadline {
    const now = performance.now();
    const limit = Math.min(longest, this.#limit);
    const latest = this.#latest.get(limit);
    if (latest && now < latest.sharedUntil && !latest.deadline.signal.aborted) return latest.deadline;
    const deadline = new Deadline(limit, () => this.#live.delete(deadline));
    this.#live.add(deadline);
    if (this.#stopped) deadline.abort();
    this.#latest.set(limit, { deadline, sharedUntil: now + limit / 60 });
    return deadline;
  }

  /** Aborts the sends that are under way, and every later one at once. */
  stop(): void {
    this.#stopped = true;
    for (const deadline of this.#live) deadline.abort();
  }
}

/**
 * Aborts its signal after the limit. A provider that ignores the signal is abandoned after another twelfth of the limit
 * (5 s after 60 s).
 *
 * The timer keeps this object and its signal alive. Signals of `AbortSignal.timeout` and `AbortSignal.any` cannot be used:
 * Node holds them weakly, and one that was garbage collected never fires.
 */
class Deadline implements SendDeadline {
  readonly #controller = new AbortController();
  readonly #limit: Millis;
  readonly #onExpired: () => void;
  readonly #pending = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;

  /** @param onExpired called when the last send under this deadline has ended or been abandoned */
  constructor(limit: Millis, onExpired: () => void) {
    this.#limit = limit;
    this.#onExpired = onExpired;
    // Each send that shares it listens: more than the ten from which Node.js suspects a leak.
    setMaxListeners(0, this.signal);
    this.#timer = setTimeout(() => this.abort(), limit).unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    // Before the abort, so that a listener that throws cannot prevent it.
    setTimeout(() => this.#abandon(), this.#limit / 12).unref();
    this.#controller.abort();
  }

  race<T>(work: Promise<T>, fallback: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const abandon = () => resolve(fallback());
      this.#pending.add(abandon);
      work.then(resolve, reject).finally(() => this.#pending.delete(abandon));
    });
  }

  #abandon(): void {
    for (const abandon of this.#pending) abandon();
    this.#onExpired();
  }
}
