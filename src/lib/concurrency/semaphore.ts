/** Runs a bounded number of tasks at once. The others wait in order, and can be removed before they start. */
export class Semaphore<Key> {
  readonly #size: number;
  readonly #waiting: { key: Key; work: () => Promise<void> }[] = [];
  #running = 0;

  /** @param size how many tasks run at once */
  constructor(size: number) {
    this.#size = size;
  }

  /** Whether no task runs or waits. */
  get idle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /**
   * Runs a task as soon as fewer than `size` run; in this call, if possible.
   * @param key identifies it for `clear`
   * @param work must not reject
   */
  run(key: Key, work: () => Promise<void>): void {
    this.#waiting.push({ key, work });
    this.#startNext();
  }

  /** Removes the tasks that have not started; returns their keys, in order. @param isChosen only those; default all */
  clear(isChosen: (key: Key) => boolean = () => true): Key[] {
    const all = this.#waiting.splice(0);
    this.#waiting.push(...all.filter(({ key }) => !isChosen(key)));
    return all.map(({ key }) => key).filter(isChosen);
  }

  #startNext(): void {
    while (this.#running < this.#size && this.#waiting.length > 0) {
      const { work } = this.#waiting.shift() as { work: () => Promise<void> };
      this.#running++;
      void work().finally(() => {
        this.#running--;
        this.#startNext();
      });
    }
  }
}
