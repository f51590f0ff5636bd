import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeTest } from '../src/authoring/results.ts';
import { chiSquareProbability, differenceOfShares } from '../src/lib/statistics.ts';
import type { VariantCounts } from '../src/store/templates/tests.ts';

/** The verdict on tests of variants. */

const counts = (variant: string, users: number, clicked: number): VariantCounts => {
  return { variant, users, delivered: users, opened: clicked, clicked, goal: 0 };
};
const PLAN = { shares: { default: 50, short: 50 }, metric: 'clicked', plannedUsers: 2000 } as const;

describe('statistics', () => {
  test.each([
    // Critical values of the tables.
    [[3.841459], 1, 0.05],
    [[10.827566], 1, 0.001],
    [[5.991465], 2, 0.05],
    [[18.466827], 4, 0.001],
    [[0.003932], 1, 0.95],
  ])('the chi-square probability of %j at %i degrees of freedom is %f', ([statistic = 0], degrees, probability) => {
    // One count takes the whole distance, and the others are as expected.
    const expected = Array.from({ length: degrees + 1 }, () => 1);
    const observed = [1 + Math.sqrt(statistic), ...expected.slice(1)];
    expect(chiSquareProbability(observed, expected)).toBeCloseTo(probability, 5);
  });

  test('the interval of a difference is that of Newcombe', () => {
    // Newcombe 1998, table II: 56/70 against 48/80, method 10.
    const found = differenceOfShares({ hits: 56, n: 70 }, { hits: 48, n: 80 });
    expect(found?.difference).toBeCloseTo(0.2, 10);
    expect(found?.low).toBeCloseTo(0.0524, 4);
    expect(found?.high).toBeCloseTo(0.3339, 4);
    expect(differenceOfShares({ hits: 0, n: 0 }, { hits: 1, n: 2 })).toBeNull();
  });

  test('an interval holds its difference, stays within -1 and 1, and is wider for more comparisons', () => {
    const share = fc
      .integer({ min: 1, max: 5000 })
      .chain((n) => fc.record({ n: fc.constant(n), hits: fc.integer({ min: 0, max: n }) }));
    fc.assert(
      fc.property(share, share, (a, b) => {
        const one = differenceOfShares(a, b)!;
        const three = differenceOfShares(a, b, 3)!;
        expect(one.low).toBeLessThanOrEqual(one.difference);
        expect(one.high).toBeGreaterThanOrEqual(one.difference);
        expect(one.low).toBeGreaterThanOrEqual(-1 - 1e-9);
        expect(one.high).toBeLessThanOrEqual(1 + 1e-9);
        expect(three.low).toBeLessThanOrEqual(one.low);
        expect(three.high).toBeGreaterThanOrEqual(one.high);
      }),
    );
  });
});

describe('a test', () => {
  test('has no winner before the planned users, however large the difference is', () => {
    const judged = judgeTest(PLAN, [counts('default', 500, 10), counts('short', 499, 400)]);
    expect(judged).toMatchObject({ verdict: 'too_early', winner: null, users: 999 });
    expect(judged.variants[1]?.difference?.low).toBeGreaterThan(0.5);
  });

  test('with users who are not divided as planned is not trusted, before anything else', () => {
    const judged = judgeTest(PLAN, [counts('default', 1200, 10), counts('short', 800, 700)]);
    expect(judged).toMatchObject({ verdict: 'not_trusted', winner: null });
    expect(judged.sampleRatioProbability).toBeLessThan(0.001);
    const planned = judgeTest({ ...PLAN, shares: { default: 60, short: 40 } }, [
      counts('default', 1200, 10),
      counts('short', 800, 700),
    ]);
    expect(planned).toMatchObject({ verdict: 'winner', winner: 'short' });
  });

  test('names the variant that is ahead, and the first if all others are behind', () => {
    expect(judgeTest(PLAN, [counts('short', 1000, 200), counts('default', 1000, 100)])).toMatchObject({
      winner: 'short',
    });
    expect(judgeTest(PLAN, [counts('short', 1000, 100), counts('default', 1000, 200)])).toMatchObject({
      winner: 'default',
    });
    expect(judgeTest(PLAN, [counts('short', 1000, 105), counts('default', 1000, 100)])).toMatchObject({
      verdict: 'no_difference',
      winner: null,
    });
  });

  test('in which a variant has no users yet is not trusted once the others have many', () => {
    expect(judgeTest(PLAN, [])).toMatchObject({ verdict: 'too_early', users: 0, sampleRatioProbability: 1 });
    expect(judgeTest(PLAN, [counts('default', 2000, 100)])).toMatchObject({ verdict: 'not_trusted' });
  });

  test('of equal variants names a winner at most as often as the level says, and never early', () => {
    // A generator of its own: the rate of fixed draws is the same on each run.
    let state = 42;
    const random = () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const draw = (shares: { readonly [variant: string]: number }, users: number, rate: number) => {
      const names = Object.keys(shares);
      const found = new Map(names.map((name) => [name, { users: 0, clicked: 0 }]));
      for (let i = 0; i < users; i++) {
        const at = random() * 100;
        let upTo = 0;
        const name = names.find((one) => {
          upTo += shares[one]!;
          return at < upTo;
        })!;
        const one = found.get(name)!;
        one.users++;
        if (random() < rate) one.clicked++;
      }
      return [...found].map(([name, one]) => counts(name, one.users, one.clicked));
    };
    for (const shares of [
      { default: 50, short: 50 },
      { default: 40, b: 30, c: 30 },
    ] as const) {
      let winners = 0;
      let mistrusted = 0;
      const rounds = 1500;
      for (let i = 0; i < rounds; i++) {
        const drawn = draw(shares, 400, 0.2);
        const judged = judgeTest({ shares, metric: 'clicked', plannedUsers: 400 }, drawn);
        if (judged.winner !== null) winners++;
        if (judged.verdict === 'not_trusted') mistrusted++;
        expect(judgeTest({ shares, metric: 'clicked', plannedUsers: 401 }, drawn).winner).toBeNull();
      }
      // 5% at most, and as much more as 1500 draws may err by at four standard errors.
      expect(winners / rounds).toBeLessThan(0.05 + 4 * Math.sqrt((0.05 * 0.95) / rounds));
      expect(winners).toBeGreaterThan(0);
      expect(mistrusted / rounds).toBeLessThan(0.01);
    }
  });
});
