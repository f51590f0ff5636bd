import { chiSquareProbability, differenceOfShares, shareInterval } from '../lib/statistics.ts';
import type { Millis } from '../model/event.ts';
import { rate } from './metric-values.ts';
import { type MetricParts, type MetricSpan, readVariants } from './read-metrics.ts';

/** Users of the two compared variants, and of all who reached the goal in both, below which nothing is concluded. */
export const MIN_USERS = 100;
export const MIN_GOALS = 10;
/** Probability below which the users are not divided as the shares say. */
const MISMATCH_ALPHA = 0.001;

export const EXPERIMENT_VERDICTS = ['not_trusted', 'not_enough_data', 'no_difference', 'better', 'worse'] as const;

/** An experiment as the active catalog has it. */
export interface KnownExperiment {
  readonly rule: string;
  readonly goal: { readonly event: string; readonly within: Millis };
  readonly shares: ReadonlyMap<string, number>;
  readonly control: string;
}

export interface ExperimentVariant {
  readonly variant: string;
  /** Percentage of the users that it is to have; null: the active catalog has no such variant. */
  readonly share: number | null;
  readonly users: number;
  /** Users who reached the goal. */
  readonly goals: number;
  readonly goal_rate: number | null;
  /** Interval of the rate at 95%, by Wilson; null: no users. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** Difference of the rate from that of the control, with its interval by Newcombe; null: it is the control, or has no users. */
  readonly lift: { readonly difference: number; readonly low: number; readonly high: number } | null;
  /** Compared with the control; null: it is the control. */
  readonly verdict: (typeof EXPERIMENT_VERDICTS)[number] | null;
}

export interface ExperimentResult {
  readonly rule: string;
  readonly goal: KnownExperiment['goal'];
  readonly control: string;
  readonly sampleRatioProbability: number;
  readonly variants: readonly ExperimentVariant[];
}

/**
 * Compares the variants of rules that divide their users, by the share of those who reached the goal. A user counts in the time of the first
 * decision. The intervals of all variants of a rule hold together.
 * @param known those of the active catalog
 */
export async function readExperiments(
  parts: MetricParts,
  query: { readonly tenantId: string; readonly from?: Millis; readonly to?: Millis },
  known: readonly KnownExperiment[],
): Promise<MetricSpan & { readonly experiments: readonly ExperimentResult[] }> {
  const { groups, ...span } = await readVariants(parts, query);
  const counts = new Map(groups.map(({ key, users, goals }) => [key, { users, goals }]));
  return { ...span, experiments: known.map((one) => judge(one, counts)) };
}

interface Counts {
  readonly users: number;
  readonly goals: number;
}

function judge(known: KnownExperiment, counts: ReadonlyMap<string, Counts>): ExperimentResult {
  const { rule, goal, shares, control } = known;
  const found = [...shares].map(([variant, share]) => ({
    variant,
    share,
    ...(counts.get(`${rule} ${variant}`) ?? { users: 0, goals: 0 }),
  }));
  const base = found.find(({ variant }) => variant === control) ?? { users: 0, goals: 0 };
  const divided = found.filter(({ share }) => share > 0);
  const users = divided.reduce((sum, one) => sum + one.users, 0);
  const sampleRatioProbability =
    users === 0
      ? 1
      : chiSquareProbability(
          divided.map((one) => one.users),
          divided.map(({ share }) => (users * share) / 100),
        );
  const variants = found.map((one): ExperimentVariant => {
    const isControl = one.variant === control;
    const lift = isControl ? null : differenceOfShares(toShare(one), toShare(base), shares.size - 1);
    const isEnough = Math.min(one.users, base.users) >= MIN_USERS && one.goals + base.goals >= MIN_GOALS;
    const isTrusted = sampleRatioProbability >= MISMATCH_ALPHA;
    return {
      variant: one.variant,
      share: one.share,
      users: one.users,
      goals: one.goals,
      goal_rate: rate(one.goals, one.users),
      interval: one.users === 0 ? null : shareInterval(toShare(one)),
      lift,
      verdict: isControl ? null : isTrusted ? toVerdict(lift, isEnough) : 'not_trusted',
    };
  });
  return { rule, goal, control, sampleRatioProbability, variants };
}

function toShare({ users, goals }: Counts): { readonly hits: number; readonly n: number } {
  return { hits: goals, n: users };
}

function toVerdict(lift: ExperimentVariant['lift'], isEnough: boolean): ExperimentVariant['verdict'] {
  if (lift === null || !isEnough) return 'not_enough_data';
  if (lift.low > 0) return 'better';
  return lift.high < 0 ? 'worse' : 'no_difference';
}
