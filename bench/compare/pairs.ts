import { median } from '../median.ts';

/** The value of this checkout and that of the other revision, measured one right after the other. */
export interface Pair {
  readonly this: number;
  readonly other: number;
}

/** Direction in which a value gets better. */
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
  /** Bounds that hold the true ratio in nine of ten comparisons; absent with a single pair. */
  readonly interval?: readonly [number, number];
  /** Whether the interval says the same as the ratio: all of it on that side of 1, or all of it within the tolerance. */
  readonly clear: boolean;
}

/** A change of up to 5% counts as no change. */
export const TOLERANCE = 0.05;

/** Student's t, 95% one-sided, by degrees of freedom from 1 on; the last serves for all that are more. */
const T_QUANTILES = [6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81];

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

/** Judges the median of the ratios. More pairs make a verdict clearer, and so do pairs that differ less. */
export function judge({ ratio, ratios }: Pick<Comparison, 'ratio' | 'ratios'>, direction: Direction): Verdict {
  const isSame = (value: number) => Math.abs(value - 1) <= TOLERANCE;
  const isBetter = (value: number) => (direction === 'higher' ? value > 1 : value < 1);
  const change = isSame(ratio) ? 'same' : isBetter(ratio) ? 'better' : 'worse';
  const agrees = (value: number) => (change === 'same' ? isSame(value) : isBetter(value) === (change === 'better'));
  const interval = estimateInterval(ratios);
  return {
    change,
    by: Math.abs(ratio - 1),
    ...(interval ? { interval } : {}),
    clear: interval?.every(agrees) ?? false,
  };
}

/**
 * Returns the interval of the geometric mean by Student's t: ratios are symmetric on a logarithmic scale (2 and 0.5 cancel
 * out).
 */
function estimateInterval(ratios: readonly number[]): [number, number] | undefined {
  const count = ratios.length;
  const quantile = T_QUANTILES[Math.min(count - 1, T_QUANTILES.length) - 1];
  if (quantile === undefined) return undefined;
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, value) => sum + value, 0) / count;
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const reach = quantile * Math.sqrt(variance / count);
  return [Math.exp(mean - reach), Math.exp(mean + reach)];
}
