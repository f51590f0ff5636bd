import type { Millis } from '../model/event.ts';
import { type Anomaly, findAnomalies } from '../store/metrics/find-anomalies.ts';
import { floorTo } from './cover-span.ts';
import { type MetricParts, readAsOf } from './read-metrics.ts';

/** Anomalies of a tenant, with the time to which the volumes were compared. */
export interface Anomalies {
  readonly at: Millis;
  readonly anomalies: readonly Anomaly[];
}

/** Returns the end of the last whole hour of which everything is counted, and the time up to which that is so. */
export async function readComparedHour(
  parts: Pick<MetricParts, 'pool' | 'now'>,
  tenantId: string,
): Promise<{ readonly at: Millis; readonly asOf: Millis }> {
  const asOf = await readAsOf(parts, tenantId);
  return { at: floorTo('hour', asOf), asOf };
}

/** Returns notification types and types of events with an unusual volume, in the hours to the last whole one. */
export async function readAnomalies(
  parts: Pick<MetricParts, 'pool' | 'now'>,
  tenantId: string,
): Promise<Anomalies & { readonly asOf: Millis }> {
  const { at, asOf } = await readComparedHour(parts, tenantId);
  return { at, asOf, anomalies: await findAnomalies(parts.pool, tenantId, at) };
}
