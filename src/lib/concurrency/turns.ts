/** Work of one owner. */
interface Owner {
  running: number;
  /** Number of the latest start of any owner when this one last started something. */
  lastStart: number;
  readonly waiting: (() => Promise<void>)[];
}

/**
 * Runs a bounded number of tasks at once, in turns between owners: next is the owner with the fewest running tasks, and of
 * these the one whose last start is longest ago. The tasks of one owner start in their order. An owner without tasks takes no
 * memory.
 */
export class Turns {
  readonly #size: number;
  readonly #owners = new Map<string, Owner>();
  #running = 0;
  #starts = 0;

  /** @param size how many tasks run at once */
  constructor(size: number) {
    this.#size = size;
  }

  /** Whether no task runs or waits. */
  get idle(): boolean {
    return this.#owners.size === 0;
  }

  /**
   * Runs a task as soon as it is the owner's turn; in this call, if possible.
   * @param work must not reject
   */
  run(ownerId: string, work: () => Promise<void>): void {
    // One that has just come has waited longest.
    const owner = this.#owners.get(ownerId) ?? { running: 0, lastStart: 0, waiting: [] };
    this.#owners.set(ownerId, owner);
    owner.waiting.push(work);
    this.#startNext();
  }

  #startNext(): void {
    while (this.#running < this.#size) {
      const [ownerId, owner] = this.#findNext() ?? [];
      const work = owner?.waiting.shift();
      if (ownerId === undefined || !owner || !work) return;
      owner.running++;
      owner.lastStart = ++this.#starts;
      this.#running++;
      void work().finally(() => {
        this.#running--;
        if (--owner.running === 0 && owner.waiting.length === 0) this.#owners.delete(ownerId);
        this.#startNext();
      });
    }
  }

  #findNext(): readonly [string, Owner] | undefined {
    let next: readonly [string, Owner] | undefined;
    for (const entry of this.#owners) {
      if (entry[1].waiting.length > 0 && (!next || isBefore(entry[1], next[1]))) next = entry;
    }
    return next;
  }
}

function isBefore(one: Owner, other: Owner): boolean {
  return one.running < other.running || (one.running === other.running && one.lastStart < other.lastStart);
}
