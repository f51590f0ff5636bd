import { PriorityQueue } from './priority-queue.ts';

interface Task<Key> {
  readonly key: Key;
  readonly rank: number;
  readonly work: () => Promise<void>;
}

/**
 * Runs a bounded number of tasks at once. The others wait, those of a lower rank before the others, in the order in which they
 * came; they can be removed before they start.
 */
export class Semaphore<Key> {
  readonly #size: number;
  readonly #reserved: number;
  readonly #maxReservedRank: number;
  #waiting = new PriorityQueue<Task<Key>>();
  #waitingCount = 0;
  #running = 0;

  /**
   * @param size how many tasks run at once
   * @param reserved places of these that only tasks of a rank of at most `maxReservedRank` take
   */
  constructor(size: number, reserved = 0, maxReservedRank = 0) {
    this.#size = size;
    this.#reserved = reserved;
    this.#maxReservedRank = maxReservedRank;
  }

  /** Number of tasks that run or wait. */
  get count(): number {
    return this.#running + this.#waitingCount;
  }

  /** Whether no task runs or waits. */
  get idle(): boolean {
    return this.count === 0;
  }

  /**
   * Runs a task as soon as there is room for it; in this call, if possible.
   * @param key identifies it for `clear`
   * @param work must not reject
   */
  run(key: Key, work: () => Promise<void>, rank = 0): void {
    this.#waiting.add(rank, { key, rank, work });
    this.#waitingCount++;
    this.#startNext();
  }

  /** Removes the tasks that have not started; returns their keys, in order. @param isChosen only those; default all */
  clear(isChosen: (key: Key) => boolean = () => true): Key[] {
    const removed: Key[] = [];
    const kept = new PriorityQueue<Task<Key>>();
    for (let first = this.#waiting.first(); first; first = this.#waiting.first()) {
      this.#waiting.removeFirst();
      if (isChosen(first.item.key)) removed.push(first.item.key);
      else kept.add(first.due, first.item);
    }
    this.#waiting = kept;
    this.#waitingCount -= removed.length;
    return removed;
  }

  #startNext(): void {
    for (let first = this.#waiting.first(); first; first = this.#waiting.first()) {
      const { rank, work } = first.item;
      const room = this.#size - (rank <= this.#maxReservedRank ? 0 : this.#reserved);
      // The tasks behind it have the same rank or a higher one, and no more room.
      if (this.#running >= room) return;
      this.#waiting.removeFirst();
      this.#waitingCount--;
      this.#running++;
      void work().finally(() => {
        this.#running--;
        this.#startNext();
      });
    }
  }
}
