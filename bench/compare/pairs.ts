import { median } from '../median.ts';

/** The value of this checkout and that of the other revision, measured one right after the other. */
export interface Pair {
  readonly this: number;
  readonly other: number;
}

/** Which way a value gets better. */
export type Direction = 'higher' | 'lower';

export interface Comparison {
  /** Medians of the values. */
  readonly this: number;
  readonly other: number;
  /** Median of the pairs' ratios this / other; need not be the quotient of the two medians. */
  readonly ratio: number;
  /** Ratio of each pair, in the order of measurement. */
  readonly ratios: readonly number[];
}

export interface Verdict {
  /** `same`: the ratio is within `TOLERANCE` of 1. */
  readonly change: 'better' | 'worse' | 'same';
  /** Distance of the ratio from 1: 0.07 for 7%. */
  readonly by: number;
  /** Whether there are at least `MIN_PAIRS`, of which `AGREEMENT` say the same on their own. */
  readonly clear: boolean;
}

/** A change up to this is none: 5%. */
export const TOLERANCE = 0.05;

/** The share of pairs that must agree. A share, unlike the spread, does not get harder to reach the more is measured. */
const AGREEMENT = 0.8;

const MIN_PAIRS = 3;

/** @param pairs at least one */
export function comparePairs(pairs: readonly Pair[]): Comparison {
  const ratios = pairs.map((pair) => pair.this / pair.other);
  return {
    this: median(pairs.map((pair) => pair.this)),
    other: median(pairs.map((pair) => pair.other)),
    ratio: median(ratios),
    ratios,
  };
}

/**
 * Judges the median of the ratios. A pair agrees with `better` or `worse` when it is on that side of 1, by however little;
 * with `same`, when it is within the tolerance.
 */
export function judge({ ratio, ratios }: Pick<Comparison, 'ratio' | 'ratios'>, direction: Direction): Verdict {
  const isSame = (value: number) => Math.abs(value - 1) <= TOLERANCE;
  const isBetter = (value: number) => (direction === 'higher' ? value > 1 : value < 1);
  const change = isSame(ratio) ? 'same' : isBetter(ratio) ? 'better' : 'worse';
  const agrees = (value: number) => (change === 'same' ? isSame(value) : isBetter(value) === (change === 'better'));
  const agreeing = ratios.filter(agrees).length;
  return {
    change,
    by: Math.abs(ratio - 1),
    clear: ratios.length >= MIN_PAIRS && agreeing >= AGREEMENT * ratios.length,
  };
}
