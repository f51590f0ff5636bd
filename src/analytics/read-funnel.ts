import { rate } from './metric-values.ts';
import { type MetricParts, type MetricQuery, type MetricSpan, readSummary } from './read-metrics.ts';

/** Steps from the decision to the goal, each with the step that it is a share of. */
export const FUNNEL_STAGES = ['decided', 'planned', 'sent', 'delivered', 'opened', 'clicked', 'goal'] as const;
type Stage = (typeof FUNNEL_STAGES)[number];

const SHARE_OF: { readonly [stage in Stage]: Stage | null } = {
  decided: null,
  // A notification has a message for each channel: their number is no share.
  planned: null,
  sent: 'planned',
  delivered: 'sent',
  opened: 'delivered',
  clicked: 'delivered',
  goal: 'decided',
};

export interface FunnelStage {
  readonly stage: Stage;
  /** Null: not kept by what is asked for. */
  readonly count: number | null;
  readonly of: Stage | null;
  /** Null: it is a share of nothing. */
  readonly rate: number | null;
}

/** Counters of notifications, which concern no channel; and of messages, which are not kept by rule. */
const OF_NOTIFICATIONS: readonly Stage[] = ['decided', 'goal'];

/** Returns how many notifications and messages of a span came how far. */
export async function readFunnel(
  parts: MetricParts,
  query: MetricQuery,
): Promise<MetricSpan & { readonly stages: readonly FunnelStage[] }> {
  const { values, costs: _, ...span } = await readSummary(parts, query);
  const { decided, planned, sent, sandboxed, delivered, opened, clicked, goals: goal } = values;
  const counts = { decided, planned, sent: sent + sandboxed, delivered, opened, clicked, goal };
  const isOfMessages = [query.channel, query.provider, query.locale, query.variant].some((one) => one !== undefined);
  const isOfSent = [query.provider, query.locale, query.variant].some((one) => one !== undefined);
  const isKnown = (stage: Stage) => {
    if (OF_NOTIFICATIONS.includes(stage)) return !isOfMessages;
    return query.rule === undefined && !(stage === 'planned' && isOfSent);
  };
  const stages = FUNNEL_STAGES.map((stage) => {
    const of = SHARE_OF[stage];
    const isRated = of !== null && isKnown(stage) && isKnown(of);
    return {
      stage,
      count: isKnown(stage) ? counts[stage] : null,
      of,
      rate: isRated ? rate(counts[stage], counts[of]) : null,
    };
  });
  return { ...span, stages };
}
