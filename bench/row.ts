import type { Setup } from './setup.ts';

/** One line of the table: a rate or a cost of ours, against the limit of the same machine in the same minute. */
export interface Row {
  /** One word that stays when the name is reworded: revisions are compared by it, and the command line selects by it. */
  readonly id: string;
  readonly name: string;
  /** Unit of `value` and `limit`. */
  readonly unit: string;
  /** Description of the limit. */
  readonly against: string;
  /** Which way is better for the ratio. */
  readonly direction: 'higher' | 'lower';
  /** The ratio that is needed, and the one that is wanted. */
  readonly atLeast: number;
  readonly goal: number;
  /** Returns what this machine lacks for the row, or null; absent: nothing. */
  lacks?(): string | null;
  /** One round: the limit, then the value. */
  measure(setup: Setup): Promise<Measured>;
}

export interface Measured {
  readonly value: number;
  /** 1 for the figures that stand for themselves (milliseconds, microseconds). */
  readonly limit: number;
  /** Further figures, such as another percentile, in the unit of `value`. */
  readonly also?: { readonly [name: string]: number };
}

/** Runs `work` and tells how many of `count` it did a second. */
export async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return count / ((performance.now() - start) / 1000);
}

/** Runs `work` so many times, one after the other, and returns the median of their times in ms. */
export async function medianTime(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.sort((one, other) => one - other)[Math.floor(count / 2)] as number;
}
