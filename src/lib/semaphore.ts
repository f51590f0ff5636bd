/** Runs so many at once; the rest waits in order and can be taken back. */
export class Semaphore<Key> {
  readonly #size: number;
  readonly #waiting: { key: Key; work: () => Promise<void> }[] = [];
  #running = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get idle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /** @param work must not reject */
  run(key: Key, work: () => Promise<void>): void {
    this.#waiting.push({ key, work });
    this.#next();
  }

  /** Forgets what has not begun; returns its keys. */
  clear(): Key[] {
    return this.#waiting.splice(0).map(({ key }) => key);
  }

  #next(): void {
    while (this.#running < this.#size && this.#waiting.length > 0) {
      const { work } = this.#waiting.shift() as { work: () => Promise<void> };
      this.#running++;
      void work().finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }
}
