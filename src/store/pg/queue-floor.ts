import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

/** A row that is committed this long after its due time, at most, is found by the next claim. */
const LATE_COMMIT_MS: Millis = 2000;

/**
 * Interval at which a queue is read from its start again: this many times as long as that took, within the bounds. Rows that
 * became due below the floor without an announcement wait for it.
 */
const FULL_SCAN_FACTOR = 20;
const MIN_FULL_SCAN_INTERVAL_MS: Millis = 1000;
const MAX_FULL_SCAN_INTERVAL_MS: Millis = 30_000;

/** One claim of a queue. */
export interface QueueScan {
  /** The claim looks at rows that are due at this time or later; -Infinity: at all. */
  readonly from: Millis;
  /** The earliest due time that was announced during the claim. */
  lowered: Millis;
  /** Monotonic, in ms. */
  readonly startedAt: Millis;
}

/**
 * Lower bound of the due times that a claim of a queue has to look at, as far as this process knows. Without it, a claim
 * visits the index entries of everything that was ever done, as long as an old snapshot (`pg_dump`, a backtest) keeps
 * PostgreSQL from removing them.
 *
 * Rows below the floor are found as well: at once if they are announced with their due time, or else by the next claim that
 * reads the queue from its start, after MIN_FULL_SCAN_INTERVAL_MS to MAX_FULL_SCAN_INTERVAL_MS.
 */
export class QueueFloor {
  #floor: Millis = Number.NEGATIVE_INFINITY;
  #fullScanFrom: Millis = Number.NEGATIVE_INFINITY;
  readonly #scans = new Set<QueueScan>();

  /** The floor as a parameter of a statement; see `toFloorParam`. */
  get param(): string {
    return toFloorParam(this.#floor);
  }

  /** Begins a claim at `now`. Pass the result to `end` or `abandon`. */
  begin(now: Millis): QueueScan {
    const startedAt = performance.now();
    // A floor ahead of the clock was set while the clock was wrong.
    if (this.#floor > now) this.reset();
    const isFull = startedAt >= this.#fullScanFrom;
    // One at a time: the other claims meanwhile use the floor.
    if (isFull) this.#fullScanFrom = startedAt + MAX_FULL_SCAN_INTERVAL_MS;
    const scan = {
      from: isFull ? Number.NEGATIVE_INFINITY : this.#floor,
      lowered: Number.POSITIVE_INFINITY,
      startedAt,
    };
    this.#scans.add(scan);
    return scan;
  }

  /**
   * Ends a claim that took the rows that are due longest.
   * @param oldest due time of the first of them; null: no row was due
   */
  end(scan: QueueScan, now: Millis, oldest: Millis | null): void {
    if (!this.#scans.delete(scan)) return;
    const isFull = scan.from === Number.NEGATIVE_INFINITY;
    const floor = Math.min(oldest ?? Number.POSITIVE_INFINITY, now - LATE_COMMIT_MS, scan.lowered);
    // The rows between a floor that was lowered and where this claim began are not known.
    if (isFull || this.#floor >= scan.from) this.#floor = floor;
    if (!isFull) return;
    const endedAt = performance.now();
    const interval = FULL_SCAN_FACTOR * (endedAt - scan.startedAt);
    this.#fullScanFrom = endedAt + Math.min(MAX_FULL_SCAN_INTERVAL_MS, Math.max(MIN_FULL_SCAN_INTERVAL_MS, interval));
  }

  /** Ends a claim that failed. What it had locked, other claims have skipped. */
  abandon(scan: QueueScan): void {
    if (this.#scans.delete(scan)) this.reset();
  }

  /** Lowers the floor to the due time of a row that was announced. */
  lower(dueAt: Millis): void {
    this.#floor = Math.min(this.#floor, dueAt);
    for (const scan of this.#scans) scan.lowered = Math.min(scan.lowered, dueAt);
  }

  /** Lets the next claim read the queue from its start: rows became due that were not announced. */
  reset(): void {
    this.lower(Number.NEGATIVE_INFINITY);
    this.#fullScanFrom = Number.NEGATIVE_INFINITY;
  }
}

/** Returns a floor as a parameter of the type timestamptz. */
export function toFloorParam(from: Millis): string {
  return from === Number.NEGATIVE_INFINITY ? '-infinity' : isoTime(from);
}
