/** Tells how long a loop has made no progress, by a monotonic clock. */
export class Progress {
  readonly #elapsed: () => number;
  #markedAt: number;

  /** @param elapsed a monotonic clock in ms. Default: that of the process */
  constructor(elapsed: () => number = () => performance.now()) {
    this.#elapsed = elapsed;
    this.#markedAt = elapsed();
  }

  /** Notes that the loop has come to its next step. */
  mark(): void {
    this.#markedAt = this.#elapsed();
  }

  /** Time (ms) since the last mark, or since the start. */
  get idleTime(): number {
    return this.#elapsed() - this.#markedAt;
  }
}
