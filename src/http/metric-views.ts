import type { MetricValues } from '../analytics/metric-values.ts';
import type { Anomalies } from '../analytics/read-anomalies.ts';
import { type KnownExperiment, readExperiments } from '../analytics/read-experiments.ts';
import { readFunnel } from '../analytics/read-funnel.ts';
import {
  type MetricGroup,
  type MetricParts,
  type MetricQuery,
  type MetricSpan,
  readGroups,
  readSeries,
  readSummary,
} from '../analytics/read-metrics.ts';
import type { Channel } from '../model/delivery.ts';
import type { Grain } from '../store/metrics/counters.ts';
import type { Anomaly } from '../store/metrics/find-anomalies.ts';
import { formatDuration } from '../time/format-duration.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';

/* Metrics as the API shows them. */

export async function viewSummary(parts: MetricParts, query: MetricQuery) {
  const { values, costs, ...span } = await readSummary(parts, query);
  return { ...viewSpan(span), metrics: values, costs };
}

export async function viewChannels(parts: MetricParts, query: MetricQuery) {
  const { groups, ...span } = await readGroups(parts, query, 'channel');
  const channels = groups.map(({ key, values, costs }) => ({ channel: key as Channel, metrics: values, costs }));
  return { ...viewSpan(span), channels };
}

export async function viewGroups(parts: MetricParts, query: MetricQuery, by: MetricGroup, trend?: Grain) {
  const found = await readGroups(parts, query, by, trend);
  const groups = found.groups.map(({ key, values, costs, trend }) => ({ key, metrics: values, costs, trend }));
  return { ...viewSpan(found), by, groups, has_more: found.hasMore };
}

export async function viewSeries(parts: MetricParts, query: MetricQuery, asked: Grain | undefined) {
  const { grain, ...found } = await readSeries(parts, query, asked);
  const points = found.points.map(({ at, values }) => ({ at: isoTime(at), metrics: values }));
  const markers = found.markers.map(({ at, releaseId, ...marker }) => ({
    ...marker,
    at: isoTime(at),
    release_id: releaseId,
  }));
  return { ...viewSpan(found), grain, points, markers };
}

export async function viewReasons(parts: MetricParts, query: MetricQuery) {
  const found = await readGroups(parts, query, 'reason');
  const reasons = found.groups
    .map(({ key: code, values: { held, dropped, undeliverable, dead, in_doubt, cancelled } }) => ({
      ...{ code, held, dropped: dropped ?? 0, undeliverable: undeliverable ?? 0 },
      ...{ dead: dead ?? 0, in_doubt: in_doubt ?? 0, cancelled: cancelled ?? 0 },
    }))
    .sort((one, other) => countStopped(other) - countStopped(one));
  return { ...viewSpan(found), reasons, has_more: found.hasMore };
}

function countStopped(one: Pick<MetricValues, 'held' | 'dropped' | 'undeliverable' | 'dead'>): number {
  return (one.held ?? 0) + (one.dropped ?? 0) + (one.undeliverable ?? 0) + (one.dead ?? 0);
}

export async function viewFunnel(parts: MetricParts, query: MetricQuery) {
  const { stages, ...span } = await readFunnel(parts, query);
  return { ...viewSpan(span), stages };
}

/** @param known those of the active catalog */
export async function viewExperiments(
  parts: MetricParts,
  query: Pick<MetricQuery, 'tenantId' | 'from' | 'to'>,
  known: readonly KnownExperiment[],
) {
  const found = await readExperiments(parts, query, known);
  const experiments = found.experiments.map(({ goal, sampleRatioProbability, ...one }) => ({
    ...one,
    goal: { event: goal.event, within: formatDuration(goal.within) },
    sample_ratio_probability: sampleRatioProbability,
  }));
  return { ...viewSpan(found), experiments };
}

export function viewAnomalies({ at, asOf, anomalies }: Anomalies & Pick<MetricSpan, 'asOf'>) {
  return { to: isoTime(at), as_of: isoTime(asOf), anomalies: anomalies.map(viewAnomaly) };
}

function viewAnomaly({ since, ...anomaly }: Anomaly) {
  return { ...anomaly, since: isoTimeOrNull(since) };
}

export function viewSpan({ from, to, asOf }: MetricSpan) {
  return { from: isoTime(from), to: isoTime(to), as_of: isoTime(asOf) };
}
