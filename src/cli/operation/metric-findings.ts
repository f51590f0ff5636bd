import { type Command, Option } from 'commander';
import { formatCount } from '../../lib/text/format-count.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand, toPage } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';
import { writePages } from './write-pages.ts';

interface HeldUser {
  readonly user_id: string;
  readonly at: string;
  readonly type: string;
  readonly rule: string | null;
  readonly channel: string | null;
  readonly reason: string;
}

interface HeldUserPage {
  readonly users: readonly HeldUser[];
  readonly next: string | null;
}

interface Experiment {
  readonly rule: string;
  readonly goal: { readonly event: string; readonly within: string };
  readonly control: string;
  readonly variants: readonly {
    readonly variant: string;
    readonly users: number;
    readonly goals: number;
    readonly goal_rate: number | null;
    readonly lift: { readonly difference: number; readonly low: number; readonly high: number } | null;
    readonly verdict: string | null;
  }[];
}

interface Anomaly {
  readonly kind: string;
  readonly of: string;
  readonly name: string;
  readonly hours: number;
  readonly count: number;
  readonly usual: number;
  readonly since: string | null;
}

interface Options {
  readonly json?: boolean;
  readonly format?: string;
  readonly type?: string;
  readonly from?: string;
  readonly to?: string;
  readonly after?: string;
  readonly export?: string;
}

/** Adds the commands `metrics users|experiments|anomalies`. */
export function addFindings(metrics: Command): void {
  metrics
    .command('users')
    .description('List the users that a reason held something back from, the latest first')
    .argument('<reason>', 'a reason code, as tidings metrics reasons shows it')
    .option('--type <type>', 'only of this notification type')
    .option('--from <time>', 'start; by default 30 days before the end')
    .option('--to <time>', 'end; by default now')
    .option('--after <cursor>', 'the page after this one')
    .option('--export <file>', 'write all of them to a file as NDJSON, instead of listing some')
    .option(...JSON_OPTION)
    .action((reason: string, { json, export: file, after, type, from, to }: Options) =>
      runApiCommand(json, async (api) => {
        const load = async (limit: number, cursor: string | null) => {
          const given = Object.entries({ reason, type, from, to, after: cursor ?? undefined });
          const query = new URLSearchParams([['limit', String(limit)], ...given.filter(isGiven)]);
          return (await api.get(`/api/v1/metrics/reasons/users?${query}`)) as HeldUserPage;
        };
        if (file !== undefined) {
          const users = await writePages(file, async (cursor) => {
            const page = await load(200, cursor);
            return { items: page.users, next: page.next };
          });
          return { data: { users }, lines: [`${formatCount(users, 'line')} written.`] };
        }
        const data = await load(100, after ?? null);
        return toPage(data, data.users.map(formatUser), 'None was found here.');
      }),
    );
  metrics
    .command('experiments')
    .description('Compare the variants of rules that divide their users, by the goal')
    .option('--from <time>', 'start; by default 30 days before the end')
    .option('--to <time>', 'end; by default now')
    .addOption(formatOption())
    .option(...JSON_OPTION)
    .action(({ json, format, from, to }: Options) =>
      runApiCommand(json, async (api) => {
        const query = new URLSearchParams(Object.entries({ from, to }).filter(isGiven));
        if (format !== undefined) return printExport(api, 'experiments', format, query);
        const data = (await api.get(`/api/v1/metrics/experiments?${query}`)) as {
          readonly experiments: readonly Experiment[];
        };
        const lines = data.experiments.flatMap(formatExperiment);
        return { data, lines: lines.length > 0 ? lines : ['No rule with "split" sends a type with a goal.'] };
      }),
    );
  metrics
    .command('anomalies')
    .description('List types of notifications and events that are quiet, or have three times their usual volume')
    .addOption(formatOption())
    .option(...JSON_OPTION)
    .action(({ json, format }: Options) =>
      runApiCommand(json, async (api) => {
        if (format !== undefined) return printExport(api, 'anomalies', format, new URLSearchParams());
        const data = (await api.get('/api/v1/metrics/anomalies')) as { readonly anomalies: readonly Anomaly[] };
        const lines = data.anomalies.map(formatAnomaly);
        return { data, lines: lines.length > 0 ? lines : ['Each type has its usual volume, as far as that is known.'] };
      }),
    );
}

/** Option of each view that can be exported. */
export function formatOption(): Option {
  return new Option('--format <format>', 'print a line for each thing').choices(['csv', 'ndjson']);
}

/** Prints a view as it is exported. */
export async function printExport(
  api: ApiClient,
  view: string,
  format: string,
  query: URLSearchParams,
): Promise<CommandOutput> {
  query.set('view', view);
  query.set('format', format);
  const text = await api.getText(`/api/v1/metrics/export?${query}`);
  if (text !== '') console.log(text.replace(/\n$/, ''));
  return { data: undefined, lines: [] };
}

/** Formats a share. */
export function toPercent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

function isGiven(pair: [string, string | undefined]): pair is [string, string] {
  return pair[1] !== undefined;
}

function formatUser({ user_id, at, type, rule, channel, reason }: HeldUser): string {
  return [at, user_id, type, rule === type ? null : rule, channel, reason].filter((part) => part !== null).join('  ');
}

function formatExperiment({ rule, goal, control, variants }: Experiment): string[] {
  return [
    `${rule}: ${goal.event} within ${goal.within}, compared with ${control}`,
    ...variants.map(({ variant, users, goals, goal_rate: rate, lift, verdict }) => {
      const shown = rate === null ? [] : [toPercent(rate)];
      const lifted = lift === null ? [] : [`${sign(lift.difference)} (${sign(lift.low)} to ${sign(lift.high)})`];
      const said = verdict === null ? [] : [verdict.replaceAll('_', ' ')];
      return `  ${[variant, `users ${users}`, `goals ${goals}`, ...shown, ...lifted, ...said].join('  ')}`;
    }),
  ];
}

function sign(difference: number): string {
  return `${difference < 0 ? '' : '+'}${toPercent(difference)}`;
}

function formatAnomaly({ kind, of, name, hours, count, usual, since }: Anomaly): string {
  const span = hours === 1 ? 'an hour' : `${hours} hours`;
  const usually = `usually ${Math.round(usual)} in ${span}`;
  if (kind === 'quiet') return `${name}  no ${of}, ${usually}${since === null ? '' : `, since ${since}`}`;
  return `${name}  ${count} ${of} in ${span}, ${usually}`;
}
