import { VALUE_NAMES } from '../analytics/metric-values.ts';
import { TidingsError } from '../errors.ts';
import { toCsv } from './csv.ts';
import type {
  viewAnomalies,
  viewChannels,
  viewExperiments,
  viewFunnel,
  viewGroups,
  viewReasons,
  viewSeries,
  viewSummary,
} from './metric-views.ts';
import { toNdjson } from './ndjson.ts';

/* Metrics as lines: one for each thing that an answer lists, with flat fields. */

export const EXPORT_VIEWS = [
  'summary',
  'channels',
  'groups',
  'series',
  'reasons',
  'funnel',
  'experiments',
  'anomalies',
] as const;
export type ExportView = (typeof EXPORT_VIEWS)[number];
export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
type ExportFormat = (typeof EXPORT_FORMATS)[number];

const FILTERS = ['from', 'to', 'type', 'channel', 'provider', 'account', 'locale', 'variant', 'version', 'rule'];

/** Parameters of each view. */
const PARAMETERS: { readonly [view in ExportView]: readonly string[] } = {
  summary: FILTERS,
  channels: FILTERS,
  groups: [...FILTERS, 'by'],
  series: [...FILTERS, 'grain'],
  reasons: FILTERS,
  funnel: FILTERS,
  experiments: ['from', 'to'],
  anomalies: [],
};

/** Checks that a view has what it is asked for. @throws TidingsError */
export function requireParameters(view: ExportView, query: { readonly [name: string]: unknown }): void {
  const other = Object.keys(query).find((name) => query[name] !== undefined && !PARAMETERS[view].includes(name));
  if (other !== undefined)
    throw new TidingsError('invalid_request', `The view ${view} does not take ${other}; leave it out.`, {
      pointer: other,
    });
}

type Row = { readonly [field: string]: string | number | boolean | null };

/** Fields of the rows of each view, in their order. */
const FIELDS: { readonly [view in ExportView]: readonly string[] } = {
  summary: ['from', 'to', ...VALUE_NAMES, 'costs'],
  channels: ['channel', ...VALUE_NAMES, 'costs'],
  groups: ['key', ...VALUE_NAMES],
  series: ['at', ...VALUE_NAMES],
  reasons: ['code', 'held', 'dropped', 'undeliverable', 'dead', 'in_doubt', 'cancelled'],
  funnel: ['stage', 'count', 'of', 'base', 'rate'],
  experiments: [
    ...['rule', 'goal_event', 'goal_within', 'control', 'variant', 'share', 'users', 'goals', 'goal_rate', 'verdict'],
    ...['goal_rate_low', 'goal_rate_high', 'lift', 'lift_low', 'lift_high'],
  ],
  anomalies: ['kind', 'of', 'name', 'hours', 'count', 'usual', 'weeks', 'since'],
};

/** Returns rows as text; CSV has the line of names also without any. */
export function formatRows(format: ExportFormat, view: ExportView, rows: readonly Row[]): string {
  return format === 'ndjson' ? toNdjson(rows) : toCsv(FIELDS[view], rows);
}

interface Costed {
  readonly costs: readonly { readonly currency: string; readonly amount: number }[] | null;
}

/** Returns costs as one text, `0.25 EUR; 1 USD`; null: not known. */
function formatCosts({ costs }: Costed): string | null {
  return costs === null ? null : costs.map(({ amount, currency }) => `${amount} ${currency}`).join('; ');
}

/** Returns the lines of each view. */
export const TO_ROWS = {
  summary: ({ from, to, metrics, costs }: Awaited<ReturnType<typeof viewSummary>>): Row[] => [
    { from, to, ...metrics, costs: formatCosts({ costs }) },
  ],
  channels: ({ channels }: Awaited<ReturnType<typeof viewChannels>>): Row[] =>
    channels.map(({ channel, metrics, costs }) => ({ channel, ...metrics, costs: formatCosts({ costs }) })),
  groups: ({ groups }: Awaited<ReturnType<typeof viewGroups>>): Row[] =>
    groups.map(({ key, metrics }) => ({ key, ...metrics })),
  series: ({ points }: Awaited<ReturnType<typeof viewSeries>>): Row[] =>
    points.map(({ at, metrics }) => ({ at, ...metrics })),
  reasons: ({ reasons }: Awaited<ReturnType<typeof viewReasons>>): Row[] => reasons,
  funnel: ({ stages }: Awaited<ReturnType<typeof viewFunnel>>): Row[] => stages.map((stage) => ({ ...stage })),
  experiments: ({ experiments }: Awaited<ReturnType<typeof viewExperiments>>): Row[] =>
    experiments.flatMap(({ rule, goal, control, variants }) =>
      variants.map(({ interval, lift, ...variant }) => ({
        ...{ rule, goal_event: goal.event, goal_within: goal.within, control },
        ...variant,
        ...{ goal_rate_low: interval?.low ?? null, goal_rate_high: interval?.high ?? null },
        ...{ lift: lift?.difference ?? null, lift_low: lift?.low ?? null, lift_high: lift?.high ?? null },
      })),
    ),
  anomalies: ({ anomalies }: ReturnType<typeof viewAnomalies>): Row[] => anomalies,
} as const;
