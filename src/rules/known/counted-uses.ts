import type { Millis } from '../../model/event.ts';
import type { CountedUse } from '../facts.ts';
import { partition } from './in-order.ts';

/** Up to this many uses, a scan costs less than an index. */
const MAX_SCANNED_USES = 16;

/** The uses of one bucket. */
interface Bucket {
  /** Oldest first, of the same time by slot. */
  readonly uses: CountedUse[];
  highestSlot: number;
  readonly slots: Set<number>;
}

/** The known uses of one limit key, oldest first; of the same time by slot. */
export class CountedUses implements Iterable<CountedUse> {
  readonly #uses: CountedUse[] = [];
  /** Built when there are many. */
  #buckets: Map<string, Bucket> | undefined;

  /** @param uses in any order */
  constructor(uses?: Iterable<CountedUse>) {
    if (uses) for (const use of uses) this.add(use);
  }

  [Symbol.iterator](): Iterator<CountedUse> {
    return this.#uses[Symbol.iterator]();
  }

  add(use: CountedUse): void {
    insert(this.#uses, use);
    if (this.#buckets) addToBucket(this.#buckets, use);
    else if (this.#uses.length > MAX_SCANNED_USES) {
      this.#buckets = new Map();
      for (const known of this.#uses) addToBucket(this.#buckets, known);
    }
  }

  has(bucket: string, slot: number): boolean {
    if (this.#buckets) return this.#buckets.get(bucket)?.slots.has(slot) ?? false;
    return this.#uses.some((use) => use.bucket === bucket && use.slot === slot);
  }

  /** Returns the uses of a bucket, in order. Not to be changed, and not to be kept. */
  ofBucket(bucket: string): readonly CountedUse[] {
    if (this.#buckets) return this.#buckets.get(bucket)?.uses ?? NO_USES;
    return this.#uses.filter((use) => use.bucket === bucket);
  }

  /** Returns the slot after the highest of a bucket, from 1. */
  nextSlot(bucket: string): number {
    if (this.#buckets) return (this.#buckets.get(bucket)?.highestSlot ?? 0) + 1;
    return this.#uses.reduce((highest, use) => (use.bucket === bucket ? Math.max(highest, use.slot) : highest), 0) + 1;
  }

  /** Returns the uses from one time to another, both included, in order. */
  between(from: Millis, to: Millis): readonly CountedUse[] {
    const start = partition(this.#uses, ({ at }) => at < from);
    const end = partition(this.#uses, ({ at }) => at <= to, start);
    return this.#uses.slice(start, end);
  }
}

const NO_USES: readonly CountedUse[] = [];

function insert(uses: CountedUse[], use: CountedUse): void {
  const last = uses[uses.length - 1];
  if (!last || !isAfter(last, use)) uses.push(use);
  else
    uses.splice(
      partition(uses, (other) => !isAfter(other, use)),
      0,
      use,
    );
}

function isAfter(use: CountedUse, other: CountedUse): boolean {
  return use.at > other.at || (use.at === other.at && use.slot > other.slot);
}

function addToBucket(buckets: Map<string, Bucket>, use: CountedUse): void {
  let bucket = buckets.get(use.bucket);
  if (!bucket) {
    bucket = { uses: [], highestSlot: 0, slots: new Set() };
    buckets.set(use.bucket, bucket);
  }
  insert(bucket.uses, use);
  bucket.slots.add(use.slot);
  bucket.highestSlot = Math.max(bucket.highestSlot, use.slot);
}
