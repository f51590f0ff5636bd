const MAX_FAILURES = 20;
const FIRST_PAUSE_MS = 2000;
const MAX_PAUSE_MS = 60_000;
/** The longest pause in ms of a back-off. */
const MAX_BACKOFF_MS = 3_600_000;

/** Number of failures in a row that opens a circuit: the weight of a failure that opens it at once. */
export const OPENING_WEIGHT = MAX_FAILURES;

/**
 * A circuit breaker: after MAX_FAILURES failures in a row it opens for a pause, then it is half open and one probe may run.
 * The success of the probe closes it; its failure doubles the pause, up to MAX_PAUSE_MS.
 * (M. Nygard, "Release It!", 2007.)
 *
 * `now` is in ms, greater than 0, and of a monotonic clock: if the clock were set back, the circuit would stay open as
 * long.
 */
export class CircuitBreaker {
  #failures = 0;
  #pause = FIRST_PAUSE_MS;
  #openUntil = 0;

  state(now: number): 'closed' | 'open' | 'half_open' {
    if (this.#openUntil === 0) return 'closed';
    return now < this.#openUntil ? 'open' : 'half_open';
  }

  /** When the next probe may run; 0 if the circuit is closed. */
  get openUntil(): number {
    return this.#openUntil;
  }

  /** The next pause in ms; that of the latest opening while it is open. */
  get pause(): number {
    return this.#pause;
  }

  /** Opens it until then, unless it is open for longer. @param pause of this opening, which a failed probe doubles; default as it is */
  open(until: number, pause: number = this.#pause): void {
    this.#openUntil = Math.max(this.#openUntil, until);
    this.#pause = Math.min(Math.max(pause, FIRST_PAUSE_MS), MAX_BACKOFF_MS);
  }

  /**
   * Opens it for a pause that begins at `first` ms and doubles with each probe that has the same answer, up to MAX_BACKOFF_MS. While it
   * is open, it is kept open for at least `first`.
   */
  backOff(now: number, first: number): void {
    const pause = this.state(now) === 'half_open' && this.#pause >= first ? this.#pause * 2 : first;
    this.open(now + Math.min(pause, MAX_BACKOFF_MS), Math.max(pause, this.#pause));
  }

  /** Reports a success: closes the circuit. */
  succeeded(): void {
    this.#failures = 0;
    this.#pause = FIRST_PAUSE_MS;
    this.#openUntil = 0;
  }

  /**
   * Reports a failure. While the circuit is open it has no effect: the call started before.
   * @param weight as how many failures it counts
   */
  failed(now: number, weight = 1): void {
    this.#failures += weight;
    if (this.state(now) === 'half_open') {
      this.#pause = Math.min(this.#pause * 2, MAX_PAUSE_MS);
      this.#openUntil = now + this.#pause;
    } else if (this.#openUntil === 0 && this.#failures >= MAX_FAILURES) {
      this.#openUntil = now + this.#pause;
    }
  }
}
