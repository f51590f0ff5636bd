import type { Millis } from '../model/event.ts';
import type { SendDeadline } from './dispatch.ts';

/**
 * When sends are given up on. Those that begin at about the same time share one: a signal and a timer of one's own cost
 * more than a cheap send.
 */
export class Deadlines {
  readonly #limit: Millis;
  readonly #live = new Set<Deadline>();
  #latest: Deadline | undefined;
  #sharedUntil: Millis = 0;
  #stopped = false;

  /** @param limit how long a send may take; less by a sixtieth at most, where it shares */
  constructor(limit: Millis) {
    this.#limit = limit;
  }

  /** For a send that begins now. */
  next(): Deadline {
    const now = performance.now();
    if (this.#latest && now < this.#sharedUntil && !this.#latest.signal.aborted) return this.#latest;
    const deadline = new Deadline(this.#limit, () => this.#live.delete(deadline));
    this.#live.add(deadline);
    if (this.#stopped) deadline.abort();
    this.#latest = deadline;
    this.#sharedUntil = now + this.#limit / 60;
    return deadline;
  }

  /** What is being sent is to end now, and what begins later at once. */
  stop(): void {
    this.#stopped = true;
    for (const deadline of this.#live) deadline.abort();
  }
}

/**
 * Tells the provider by a signal, and lets go of one that does not heed it within another twelfth of the time (5 s after
 * 60 s). Signals of `AbortSignal.timeout` and `AbortSignal.any` will not do: Node holds them weakly, and one that has been
 * collected never fires. A timer holds this one.
 */
class Deadline implements SendDeadline {
  readonly #abort = new AbortController();
  readonly #limit: Millis;
  readonly #ended: () => void;
  readonly #waiting = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;

  /** @param ended called when nobody is kept waiting any more */
  constructor(limit: Millis, ended: () => void) {
    this.#limit = limit;
    this.#ended = ended;
    this.#timer = setTimeout(() => this.abort(), limit).unref();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  abort(): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    // First, so that a listener that throws cannot keep anybody waiting.
    setTimeout(() => this.#giveUp(), this.#limit / 12).unref();
    this.#abort.abort();
  }

  bound<T>(work: Promise<T>, otherwise: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => resolve(otherwise());
      this.#waiting.add(giveUp);
      work.then(resolve, reject).finally(() => this.#waiting.delete(giveUp));
    });
  }

  #giveUp(): void {
    for (const giveUp of this.#waiting) giveUp();
    this.#ended();
  }
}
