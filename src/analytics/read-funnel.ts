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
  /** Null: it is not known by what is asked for. */
  readonly count: number | null;
  readonly of: Stage | null;
  /** The part of that stage that can come to this one; null: it is not known, or it is no share. */
  readonly base: number | null;
  /** Null: it is a share of nothing. */
  readonly rate: number | null;
}

/** Returns how many notifications and messages of a span came how far. */
export async function readFunnel(
  parts: MetricParts,
  query: MetricQuery,
): Promise<MetricSpan & { readonly stages: readonly FunnelStage[] }> {
  const { values, costs: _, ...span } = await readSummary(parts, query);
  const { decided, planned, sent, sandboxed, delivered, opened, clicked, confirmable, aimed } = values;
  const goal = aimed === 0 && values.goals === 0 ? null : values.goals;
  const out = sent === null || sandboxed === null ? null : sent + sandboxed;
  const counts = { decided, planned, sent: out, delivered, opened, clicked, goal };
  const bases: { readonly [stage in Stage]: number | null } = {
    ...{ decided: null, planned: null, sent: planned },
    // Not all messages can have a receipt, and not all types have a goal.
    ...{ delivered: confirmable, opened: delivered, clicked: delivered, goal: aimed },
  };
  const stages = FUNNEL_STAGES.map((stage): FunnelStage => {
    const [count, base] = [counts[stage], bases[stage]];
    const isKnown = count !== null && base !== null;
    return { stage, count, of: SHARE_OF[stage], base, rate: isKnown ? rate(count, base) : null };
  });
  return { ...span, stages };
}
