import { chiSquareProbability, differenceOfShares } from '../lib/statistics.ts';
import { listVariants, type TestMetric, type TestRow, type VariantCounts } from '../store/templates/tests.ts';

/** Probability below which the users are not divided as the shares say. */
const MISMATCH_ALPHA = 0.001;

export const VERDICTS = ['not_trusted', 'too_early', 'no_difference', 'winner'] as const;

/** The results of a test. */
export interface TestResults {
  /**
   * `not_trusted`: the users are not divided as the shares say, so nothing can be concluded; `too_early`: the planned users are
   * not reached; `no_difference`: each interval has 0 in it; `winner`: one variant is ahead of the first, or all of them
   * behind.
   */
  readonly verdict: (typeof VERDICTS)[number];
  /** The variant that has won; null: none. */
  readonly winner: string | null;
  readonly users: number;
  /** Probability of such a division of the users, if the shares are right. */
  readonly sampleRatioProbability: number;
  readonly variants: readonly VariantResult[];
}

export interface VariantResult extends VariantCounts {
  readonly share: number;
  /**
   * Difference of the metric from the first variant, with its interval at 95% over all of them together; null: it is the first,
   * or has no users.
   */
  readonly difference: { readonly difference: number; readonly low: number; readonly high: number } | null;
}

/**
 * Judges a test: first whether its users are divided as planned, then whether there are enough, and only then by the metric.
 * The first variant is the one that the others are compared with.
 */
export function judgeTest(
  test: Pick<TestRow, 'shares' | 'metric' | 'plannedUsers'>,
  counts: readonly VariantCounts[],
): TestResults {
  const names = listVariants(test);
  const variants = names.map((variant) => counts.find((one) => one.variant === variant) ?? { ...NO_USERS, variant });
  const users = variants.reduce((sum, one) => sum + one.users, 0);
  const shares = names.map((name) => test.shares[name] ?? 0);
  const observed = variants.map((one) => one.users);
  const expected = shares.map((share) => (users * share) / 100);
  const sampleRatioProbability = users === 0 ? 1 : chiSquareProbability(observed, expected);
  const [first, ...others] = variants;
  const results = variants.map((one, i): VariantResult => {
    const difference =
      one === first || !first
        ? null
        : differenceOfShares(toHits(one, test.metric), toHits(first, test.metric), others.length);
    return { ...one, share: shares[i] ?? 0, difference };
  });
  const judged = { users, sampleRatioProbability, variants: results };
  if (sampleRatioProbability < MISMATCH_ALPHA) return { verdict: 'not_trusted', winner: null, ...judged };
  if (users < test.plannedUsers) return { verdict: 'too_early', winner: null, ...judged };
  const winner = findWinner(results);
  return { verdict: winner === null ? 'no_difference' : 'winner', winner, ...judged };
}

const NO_USERS = { users: 0, delivered: 0, opened: 0, clicked: 0, goal: 0 };

function toHits(counts: VariantCounts, metric: TestMetric): { readonly hits: number; readonly n: number } {
  return { hits: counts[metric], n: counts.users };
}

/** The best variant that is ahead of the first for certain; the first, if all others are behind it for certain. */
function findWinner([first, ...others]: readonly VariantResult[]): string | null {
  const ahead = others.filter(({ difference }) => difference !== null && difference.low > 0);
  const [best] = ahead.toSorted((a, b) => (b.difference?.difference ?? 0) - (a.difference?.difference ?? 0));
  if (best) return best.variant;
  const isBehind = others.length > 0 && others.every(({ difference }) => difference !== null && difference.high < 0);
  return isBehind ? (first?.variant ?? null) : null;
}
