import type { Counter } from './counters.ts';

/** Part of what a transaction adds to the roll-ups: counters of the same minute and the same dimensions. Absent: none, or 0. */
export interface DeltaItem extends Partial<Record<Counter, number>> {
  /** Since 1970. */
  readonly minute: number;
  /** The type of an event; then it has no other dimension but the version and the release. */
  readonly event?: string;
  readonly type?: string;
  readonly channel?: string;
  readonly provider?: string;
  readonly account?: string;
  readonly locale?: string;
  readonly variant?: string;
  readonly version?: number;
  readonly rule?: string;
  readonly reason?: string;
  /** Group of its user while a version is being released; see `toReleaseGroups`. */
  readonly release?: string;
  /** Rule and variant, for users that it has divided; then it has no other dimension. */
  readonly experiment?: string;
  readonly currency?: string;
  readonly cost?: number;
  /** Class of latency. */
  readonly class?: number;
}
