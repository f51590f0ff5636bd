import type { Command } from 'commander';
import { JSON_OPTION, runApiCommand } from '../run-command.ts';
import { addFindings, formatOption, printExport, toPercent } from './metric-findings.ts';

interface Values {
  readonly [name: string]: number | null;
}

interface Costs {
  readonly costs: readonly { readonly currency: string; readonly amount: number }[] | null;
}

interface Span {
  readonly from: string;
  readonly to: string;
  readonly as_of: string;
}

interface Options {
  readonly json?: boolean;
  readonly by?: string;
  readonly grain?: string;
  readonly format?: string;
  readonly [filter: string]: string | boolean | undefined;
}

const FILTERS = ['from', 'to', 'type', 'channel', 'provider', 'account', 'locale', 'variant', 'catalogVersion', 'rule'];

/** Counters that are shown in a line, if they are not 0. */
const SHOWN = [
  'events',
  'decided',
  'held',
  'sent',
  'sandboxed',
  'dead',
  'undeliverable',
  'dropped',
  'in_doubt',
  'cancelled',
  'delivered',
  'bounced',
  'failed',
  'complained',
  'opened',
  'clicked',
  'read',
  'unsubscribed',
];

/** Counters that a line also has where they are not known. */
const ALWAYS_SHOWN = ['decided', 'sent', 'delivered'];

/** Adds the command `metrics`. */
export function addMetricsCommand(program: Command): void {
  const metrics = program
    .command('metrics')
    .description('Show what was sent, delivered, opened and held back, of a running Tidings (TIDINGS_URL)');
  addView(metrics, 'summary', 'Show sums, rates and costs', (data: Span & Costs & { readonly metrics: Values }) => [
    ...formatAll(data.metrics),
    ...(data.costs ?? []).map(({ currency, amount }) => `cost: ${amount} ${currency}`),
  ]);
  addView(
    metrics,
    'channels',
    'Compare channels',
    (data: { readonly channels: readonly ({ readonly channel: string; readonly metrics: Values } & Costs)[] }) =>
      data.channels.map(({ channel, metrics: values, costs }) =>
        [
          `${channel}  ${formatLine(values)}`,
          ...(costs ?? []).map(({ currency, amount }) => `${amount} ${currency}`),
        ].join('  '),
      ),
  );
  addView(
    metrics,
    'groups',
    'Compare notification types, or what --by names',
    (data: {
      readonly groups: readonly { readonly key: string; readonly metrics: Values }[];
      readonly has_more: boolean;
    }) => [
      ...data.groups.map(({ key, metrics: values }) => `${key}  ${formatLine(values)}`),
      ...(data.has_more ? ['There are more: ask for one type or channel.'] : []),
    ],
  ).option('--by <dimension>', 'channel, type, provider, locale, variant, version, rule, reason or event');
  addView(
    metrics,
    'series',
    'Show sums over time',
    (data: { readonly points: readonly { readonly at: string; readonly metrics: Values }[] }) =>
      data.points.map(({ at, metrics: values }) => `${at.slice(0, 16)}  ${formatLine(values)}`),
  ).option('--grain <grain>', 'minute, hour, day or week; by default one that fits');
  addView(
    metrics,
    'reasons',
    'Show how many messages each reason held back',
    (data: { readonly reasons: readonly ({ readonly code: string } & Values)[] }) =>
      data.reasons.map(({ code, ...values }) => `${code}  ${formatLine(values as Values)}`),
  );
  addView(metrics, 'funnel', 'Show how many came from the decision to the goal', (data: { readonly stages: Stage[] }) =>
    data.stages.map(({ stage, count, of, base, rate }) => {
      const share = rate === null ? '' : `  ${toPercent(rate)} of ${base} ${of}${OF_PART[stage] ?? ''}`;
      return count === null ? `${stage}  –` : `${stage}  ${count}${share}`;
    }),
  );
  addFindings(metrics);
}

/** The part of the stage before that can come to a stage. */
const OF_PART: { readonly [stage: string]: string } = { delivered: ' with receipts', goal: ' with a goal' };

interface Stage {
  readonly stage: string;
  readonly count: number | null;
  readonly of: string | null;
  readonly base: number | null;
  readonly rate: number | null;
}

function addView<T>(metrics: Command, name: string, description: string, format: (data: T) => string[]): Command {
  return metrics
    .command(name)
    .description(description)
    .option('--from <time>', 'start, such as 2026-01-01T00:00:00Z; by default 30 days before the end')
    .option('--to <time>', 'end; by default now')
    .option('--type <type>', 'only of this notification type')
    .option('--channel <channel>', 'only of this channel')
    .option('--provider <provider>', 'only by this provider')
    .option('--account <account>', 'only by this account of the provider')
    .option('--locale <locale>', 'only in this locale of the template')
    .option('--variant <variant>', 'only of this variant of a test')
    .option('--catalog-version <number>', 'only as this catalog version decided')
    .option('--rule <rule>', 'only by this rule')
    .addOption(formatOption())
    .option(...JSON_OPTION)
    .action(({ json, ...options }: Options) =>
      runApiCommand(json, async (api) => {
        if (options.format !== undefined) return printExport(api, name, options.format, toQuery(options));
        const data = (await api.get(`/api/v1/metrics/${name}?${toQuery(options)}`)) as T & Span;
        const lines = format(data);
        const span = `${data.from.slice(0, 16)} to ${data.to.slice(0, 16)}, as of ${data.as_of}`;
        return { data, lines: lines.length === 0 ? [`Nothing from ${span}.`] : [...lines, span] };
      }),
    );
}

function toQuery(options: Options): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of [...FILTERS, 'by', 'grain']) {
    const value = options[name];
    if (typeof value === 'string') query.set(name === 'catalogVersion' ? 'version' : name, value);
  }
  return query;
}

/** Returns every number that is not 0, one a line; counters that are not known as a dash. */
function formatAll(values: Values): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === null) return SHOWN.includes(name) ? [`${name}: –`] : [];
    return value === 0 ? [] : [`${name}: ${value}`];
  });
}

function formatLine(values: Values): string {
  const parts = SHOWN.flatMap((name) => {
    const value = values[name];
    if (value === null) return ALWAYS_SHOWN.includes(name) ? [`${name} –`] : [];
    return value ? [`${name} ${value}`] : [];
  });
  const { error_rate: errors, avg_delivery_time_ms: time } = values;
  if (typeof errors === 'number') parts.push(`errors ${toPercent(errors)}`);
  if (typeof time === 'number') parts.push(`${time} ms`);
  return parts.length === 0 ? '-' : parts.join('  ');
}
