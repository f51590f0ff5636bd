import type { Millis } from '../model/event.ts';

const FAILURES = 20;
const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 60_000;

/**
 * A circuit breaker for one provider: after FAILURES temporary failures in a row nothing is claimed for it for a while;
 * then one delivery tries the way. Its success closes the circuit, its failure doubles the pause.
 * (M. Nygard, "Release It!", 2007.) What waits stays queued, and costs no attempt.
 * "Now" is of a clock that nobody sets, greater than 0: with one that steps back it would stay open for as long.
 */
export class CircuitBreaker {
  #failures = 0;
  #pause = FIRST_PAUSE;
  #openUntil: Millis = 0;

  state(now: Millis): 'closed' | 'open' | 'half_open' {
    if (this.#openUntil === 0) return 'closed';
    return now < this.#openUntil ? 'open' : 'half_open';
  }

  /** When the next try is due; 0 when closed. */
  get openUntil(): Millis {
    return this.#openUntil;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pause = FIRST_PAUSE;
    this.#openUntil = 0;
  }

  failed(now: Millis): void {
    this.#failures++;
    if (this.state(now) === 'half_open') {
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
      this.#openUntil = now + this.#pause;
    } else if (this.#openUntil === 0 && this.#failures >= FAILURES) {
      this.#openUntil = now + this.#pause;
    }
  }
}
