/** Length in ms of the window in which calls are counted, and of its parts: one goes at a time. */
const WINDOW_MS: number = 60_000;
const PARTS = 6;
const PART_MS: number = WINDOW_MS / PARTS;
/** Calls below which a rate says nothing. */
const MIN_CALLS = 20;
/** Share of failures that is too much. */
const MAX_RATE = 0.5;

interface Part {
  /** Its number, counted from the start of the clock. */
  n: number;
  calls: number;
  failures: number;
}

/** Counts calls and those that failed, over the last WINDOW_MS. */
export class FailureRate {
  readonly #parts: Part[] = Array.from({ length: PARTS }, () => ({ n: -1, calls: 0, failures: 0 }));

  /** Counts one call. @param now of a monotonic clock, in ms */
  note(hasFailed: boolean, now: number): void {
    const n = Math.floor(now / PART_MS);
    const part = this.#parts[n % PARTS] as Part;
    if (part.n !== n) {
      part.n = n;
      part.calls = 0;
      part.failures = 0;
    }
    part.calls++;
    if (hasFailed) part.failures++;
  }

  /** Whether at least MAX_RATE of at least MIN_CALLS calls have failed. */
  isTooHigh(now: number): boolean {
    const oldest = Math.floor(now / PART_MS) - PARTS + 1;
    let calls = 0;
    let failures = 0;
    for (const part of this.#parts) {
      if (part.n < oldest) continue;
      calls += part.calls;
      failures += part.failures;
    }
    return calls >= MIN_CALLS && failures >= calls * MAX_RATE;
  }

  /** Forgets what was counted. */
  reset(): void {
    for (const part of this.#parts) part.n = -1;
  }
}
