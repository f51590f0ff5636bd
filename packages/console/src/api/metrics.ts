import type {
  ExperimentResults,
  HeldUserPage,
  MetricFunnel,
  MetricGroups,
  MetricReasons,
  MetricSeries,
  MetricSummary,
} from '@tidings/client/types';
import { buildQuery, callApi, loadText } from './call.ts';

/** Parameters of the API that say what is counted; null: not narrowed. */
export type MetricParameters = Readonly<Record<string, string | null>>;

export const getSummaryOf = (of: MetricParameters): Promise<MetricSummary> =>
  callApi(`metrics/summary?${buildQuery({ ...of })}`);

export const getSeriesOf = (of: MetricParameters): Promise<MetricSeries> =>
  callApi(`metrics/series?${buildQuery({ ...of })}`);

/** Returns sums in groups, the largest first. `trend`: length of the points of a trend of each. */
export const getGroupsOf = (
  of: MetricParameters,
  by: 'type' | 'channel' | 'locale' | 'variant' | 'version',
  trend: 'day' | null = null,
): Promise<MetricGroups> => callApi(`metrics/groups?${buildQuery({ ...of, by, trend })}`);

export const getFunnel = (of: MetricParameters): Promise<MetricFunnel> =>
  callApi(`metrics/funnel?${buildQuery({ ...of })}`);

export const getReasons = (of: MetricParameters): Promise<MetricReasons> =>
  callApi(`metrics/reasons?${buildQuery({ ...of })}`);

/** Returns up to 50 users that a reason held something back from. A page may be short, and still have a next one. */
export const getHeldUsers = (of: MetricParameters, reason: string, after: string | null): Promise<HeldUserPage> =>
  callApi(`metrics/reasons/users?${buildQuery({ ...of, reason, limit: '50', after })}`);

export const getExperiments = (of: MetricParameters): Promise<ExperimentResults> =>
  callApi(`metrics/experiments?${buildQuery({ ...of })}`);

/** Returns what an answer lists, as the text of a file. */
export const exportMetrics = (
  of: MetricParameters,
  view: 'series' | 'groups' | 'reasons' | 'funnel' | 'experiments',
  format: 'csv' | 'ndjson',
): Promise<string> => loadText(`metrics/export?${buildQuery({ ...of, view, format })}`);
