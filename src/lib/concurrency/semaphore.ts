import { PriorityQueue } from './priority-queue.ts';

interface Task<Key> {
  readonly key: Key;
  readonly rank: number;
  readonly work: () => Promise<void>;
}

/** Tasks of a rank that later ones of the rank before it may overtake, at most, where neither has places of its own. */
const MAX_OVERTAKING = 100;
/** One of so many starts is of a task without places of its own, if any waits. */
const STARTS_PER_TURN = 8;

/**
 * Runs a bounded number of tasks at once. The others wait, those of a lower rank before the others, in the order in which they
 * came; they can be removed before they start. However many tasks of a low rank come, the others have their turn: one of
 * STARTS_PER_TURN starts.
 */
export class Semaphore<Key> {
  readonly #size: number;
  readonly #reserved: number;
  readonly #maxReservedRank: number;
  /** Tasks that may take every place, by rank. */
  #first = new PriorityQueue<Task<Key>>();
  /** The others, by rank and age. */
  #others = new PriorityQueue<Task<Key>>();
  #waitingCount = 0;
  #running = 0;
  #runningOthers = 0;
  /** Number of tasks that have come. */
  #added = 0;
  /** Starts since one of the others had its turn, while any waited. */
  #overtaken = 0;

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
    this.#add({ key, rank, work }, this.#added++);
    this.#waitingCount++;
    this.#startNext();
  }

  #add(task: Task<Key>, index: number): void {
    if (task.rank <= this.#maxReservedRank) this.#first.add(task.rank, task);
    else this.#others.add(index + task.rank * MAX_OVERTAKING, task);
  }

  /** Removes the tasks that have not started; returns their keys, in order. @param isChosen only those; default all */
  clear(isChosen: (key: Key) => boolean = () => true): Key[] {
    const removed: Key[] = [];
    const sift = (waiting: PriorityQueue<Task<Key>>) => {
      const kept = new PriorityQueue<Task<Key>>();
      for (let first = waiting.first(); first; first = waiting.first()) {
        waiting.removeFirst();
        if (isChosen(first.item.key)) removed.push(first.item.key);
        else kept.add(first.due, first.item);
      }
      return kept;
    };
    this.#first = sift(this.#first);
    this.#others = sift(this.#others);
    this.#waitingCount -= removed.length;
    return removed;
  }

  #startNext(): void {
    for (let task = this.#takeNext(); task; task = this.#takeNext()) {
      const isOther = task.rank > this.#maxReservedRank;
      this.#waitingCount--;
      this.#running++;
      if (isOther) this.#runningOthers++;
      void task.work().finally(() => {
        this.#running--;
        if (isOther) this.#runningOthers--;
        this.#startNext();
      });
    }
  }

  /** Removes the task to start now; undefined: none, or there is no room for it. */
  #takeNext(): Task<Key> | undefined {
    if (this.#running >= this.#size) return undefined;
    const [first, other] = [this.#first.first(), this.#others.first()];
    const roomOfOthers = this.#size - this.#reserved;
    // In their turn the others take a place that the reserved ones have filled, but never more than they have.
    const isTurn = other !== undefined && this.#overtaken >= STARTS_PER_TURN - 1 && this.#runningOthers < roomOfOthers;
    if (first && !isTurn) {
      this.#overtaken = other ? this.#overtaken + 1 : 0;
      this.#first.removeFirst();
      return first.item;
    }
    if (!other || !(isTurn || this.#running < roomOfOthers)) return undefined;
    this.#overtaken = 0;
    this.#others.removeFirst();
    return other.item;
  }
}
