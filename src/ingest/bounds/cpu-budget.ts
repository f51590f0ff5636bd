import type { Millis } from '../../model/event.ts';

/** Longest time (ms) for which deciding a batch keeps the event loop to itself. */
const SLICE_MS = 25;

/** Greatest age (ms) of a reading of the CPU time that slices share. Reading it costs more than deciding an event. */
const READING_AGE_MS = 50;

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

/** The CPU time (ms) that this process had used at a time. */
interface Reading {
  readonly at: Millis;
  readonly cpu: Millis;
}

let latest = readCpuTime();

function readCpuTime(): Reading {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), cpu: (user + system) / 1000 };
}

/**
 * Measures the CPU time that deciding takes for each user of a transaction.
 *
 * The wall clock also counts what other processes do. So the wall clock divides the time between the users, and only when a
 * limit seems to be reached, it is scaled by the share of the CPU that this process had since shortly before the slice began.
 */
export class CpuBudget {
  readonly #limits: CpuLimits;
  readonly #spentBy = new Map<string, Millis>();
  #wall: Millis = 0;
  /** CPU time (ms) until the last pause, without the pauses. */
  #cpu: Millis = 0;
  #sliceStart = 0;
  #last = 0;
  /** At most `READING_AGE_MS` older than the slice. */
  #reading = latest;

  constructor(limits: CpuLimits) {
    this.#limits = limits;
    this.resume();
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
    const share = Math.min(1, (this.#cpu + this.#cpuOfSlice(now)) / wall);
    if (spent * share > perUser) throw new CpuBudgetError(userId);
    if (wall * share > total) throw new CpuBudgetError(undefined);
  }

  /** Starts a slice: the time since the last call is not charged. */
  resume(): void {
    this.#sliceStart = performance.now();
    if (this.#sliceStart - latest.at > READING_AGE_MS) latest = readCpuTime();
    this.#reading = latest;
    this.#last = this.#sliceStart;
  }

  /** Lets the event loop serve others if the slice is over; else returns undefined. */
  pause(): Promise<void> | undefined {
    const now = this.#last;
    if (now - this.#sliceStart < SLICE_MS) return undefined;
    this.#wall += now - this.#sliceStart;
    this.#cpu += this.#cpuOfSlice(now);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.resume());
  }

  #cpuOfSlice(now: Millis): Millis {
    const { at, cpu } = readCpuTime();
    return (now - this.#sliceStart) * ((cpu - this.#reading.cpu) / (at - this.#reading.at));
  }
}
