/** Quantile of the standard normal distribution at 0.975: half the width of a 95% interval, in standard errors. */
const Z95 = 1.959963984540054;

/** An interval of a difference of two shares. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Returns the difference of two shares, `a.hits / a.n - b.hits / b.n`, with its interval by Newcombe (hybrid score, method 10),
 * which stays within -1 and 1 and is right for small counts too. Null if one of them has no users.
 *
 * @param comparisons intervals that are looked at together: each is wider, so that all of them hold at the level (Bonferroni)
 */
export function differenceOfShares(
  a: { readonly hits: number; readonly n: number },
  b: { readonly hits: number; readonly n: number },
  comparisons = 1,
): ({ readonly difference: number } & Interval) | null {
  if (a.n === 0 || b.n === 0) return null;
  const z = comparisons === 1 ? Z95 : normalQuantile(1 - 0.025 / comparisons);
  const [p1, p2] = [a.hits / a.n, b.hits / b.n];
  const [one, two] = [scoreInterval(a, z), scoreInterval(b, z)];
  const difference = p1 - p2;
  return {
    difference,
    low: difference - Math.hypot(p1 - one.low, two.high - p2),
    high: difference + Math.hypot(one.high - p1, p2 - two.low),
  };
}

/** Returns the interval of a share at 95%, by Wilson. @param share of at least one */
export function shareInterval(share: { readonly hits: number; readonly n: number }): Interval {
  return scoreInterval(share, Z95);
}

/** Returns the interval of a share by Wilson. */
function scoreInterval({ hits, n }: { readonly hits: number; readonly n: number }, z: number): Interval {
  const p = hits / n;
  const middle = p + (z * z) / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  return { low: Math.max(0, (middle - half) / scale), high: Math.min(1, (middle + half) / scale) };
}

/**
 * Returns the probability of counts that are at least as far from what is expected, by the chi-square test; 1 without any.
 * @param expected above 0 each
 */
export function chiSquareProbability(observed: readonly number[], expected: readonly number[]): number {
  if (observed.length < 2) return 1;
  const statistic = observed.reduce((sum, count, i) => sum + (count - expected[i]!) ** 2 / expected[i]!, 0);
  return upperGamma((observed.length - 1) / 2, statistic / 2);
}

const MAX_TERMS = 500;

/**
 * Returns the regularized upper incomplete gamma function Q(a, x): by a series for small x, by a continued fraction for others.
 */
function upperGamma(a: number, x: number): number {
  if (!(x > 0)) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let i = 1; i < MAX_TERMS && term > sum * Number.EPSILON; i++) {
      term *= x / (a + i);
      sum += term;
    }
    return Math.max(0, 1 - sum * scale);
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let i = 1; i < MAX_TERMS; i++) {
    const step = -i * (i - a);
    b += 2;
    d = 1 / (step * d + b || 1e-300);
    c = b + step / c || 1e-300;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < Number.EPSILON) break;
  }
  return Math.min(1, fraction * scale);
}

/** Lanczos, g = 7. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const t = x + 6.5;
  const sum = LANCZOS.reduce((total, factor, i) => (i === 0 ? factor : total + factor / (x + i - 1)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Returns the quantile of the standard normal distribution, by bisection of its probability. */
function normalQuantile(p: number): number {
  let [low, high] = [-10, 10];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    // The square of a standard normal value has a chi-square distribution with one degree of freedom.
    const tail = upperGamma(0.5, (middle * middle) / 2) / 2;
    if ((middle < 0 ? tail : 1 - tail) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
