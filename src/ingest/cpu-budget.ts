import type { Millis } from '../model/event.ts';

/** Longest time (ms) for which deciding a batch keeps the event loop to itself. */
const SLICE_MS = 25;

/** Bounds of the CPU time (ms) that a transaction may spend on deciding. */
export interface CpuLimits {
  /** For one user. */
  readonly perUser: Millis;
  /** For all users. The transaction must end long before the database ends it for being idle. */
  readonly total: Millis;
}

/** The CPU budget of a transaction is used up. Its work is undone, and is to be done in smaller parts. */
export class CpuBudgetError extends Error {
  /** The user whose history is to blame; undefined: it was the sum of many. */
  readonly userId: string | undefined;

  constructor(userId: string | undefined) {
    super('deciding these events took too much CPU time');
    this.userId = userId;
  }
}

/**
 * Measures the CPU time that deciding takes for each user of a transaction.
 *
 * Reading the CPU time costs more than deciding an event, and the wall clock also counts what other processes do. So the wall
 * clock divides the time between the users, and only when a limit seems to be reached, the CPU time of the process scales it.
 */
export class CpuBudget {
  readonly #limits: CpuLimits;
  readonly #spentBy = new Map<string, Millis>();
  #wall: Millis = 0;
  /** CPU time (ms) of the process until the last pause, without the pauses. */
  #cpu: Millis = 0;
  #sliceStart = performance.now();
  #sliceCpu = process.cpuUsage();
  #last = this.#sliceStart;

  constructor(limits: CpuLimits) {
    this.#limits = limits;
  }

  /**
   * Charges the time since the last call to a user.
   * @throws CpuBudgetError when the user's budget or that of the transaction is used up
   */
  spend(userId: string): void {
    const now = performance.now();
    const spent = (this.#spentBy.get(userId) ?? 0) + now - this.#last;
    this.#last = now;
    this.#spentBy.set(userId, spent);
    const { perUser, total } = this.#limits;
    const wall = this.#wall + now - this.#sliceStart;
    if (spent <= perUser && wall <= total) return;
    const share = Math.min(1, (this.#cpu + this.#cpuOfSlice()) / wall);
    if (spent * share > perUser) throw new CpuBudgetError(userId);
    if (wall * share > total) throw new CpuBudgetError(undefined);
  }

  /** Starts a slice: the time since the last call is not charged. */
  resume(): void {
    this.#sliceStart = performance.now();
    this.#sliceCpu = process.cpuUsage();
    this.#last = this.#sliceStart;
  }

  /** Lets the event loop serve others if the slice is over; else returns undefined. */
  pause(): Promise<void> | undefined {
    const now = this.#last;
    if (now - this.#sliceStart < SLICE_MS) return undefined;
    this.#wall += now - this.#sliceStart;
    this.#cpu += this.#cpuOfSlice();
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.resume());
  }

  #cpuOfSlice(): Millis {
    const { user, system } = process.cpuUsage(this.#sliceCpu);
    return (user + system) / 1000;
  }
}
