import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { loadCatalogFiles } from '../../catalog/load/load-catalog-files.ts';
import { TidingsError } from '../../errors.ts';
import type { StartedRelease } from '../../releases/commands.ts';
import type { ComparisonView, ReleaseView } from '../../releases/views.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { formatDifferences } from '../output/format-differences.ts';
import { formatProblems } from '../output/format-problems.ts';
import { parseLimit, parseVersion } from '../parse-argument.ts';
import { type CommandOutput, JSON_OPTION, runApiCommand, toPage } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

const PATH = '/api/v1/releases';

interface JsonOption {
  readonly json?: boolean;
}

interface StartOptions extends JsonOption {
  readonly catalogVersion?: number;
  readonly share: number;
  readonly note?: string;
  readonly finishAfter?: string;
  readonly at?: string;
  readonly watch: boolean;
  readonly minSample?: number;
  readonly maxErrors?: number;
  readonly maxComplaints?: number;
  readonly maxUnsubscribes?: number;
  readonly minVolume?: number;
  readonly maxVolume?: number;
}

interface Status extends ReleaseView {
  readonly comparison: ComparisonView | null;
}

/** Adds the commands `release start|status|list|share|finish|rollback|cancel`. */
export function addReleaseCommands(program: Command): void {
  const release = program
    .command('release')
    .description('Release a catalog version to a share of the users of a running Tidings (TIDINGS_URL), and watch it');
  addStart(release);
  release
    .command('status')
    .description('Show a release, and both versions side by side')
    .argument('[id]', 'its id; by default the one under way, or else the latest')
    .option(...JSON_OPTION)
    .action((id: string | undefined, { json }: JsonOption) => runApiCommand(json, (api) => showStatus(api, id)));
  release
    .command('list')
    .description('List releases, the latest first')
    .option('--limit <n>', 'the most to list, up to 200', parseLimit, 20)
    .option('--after <cursor>', 'the next page')
    .option(...JSON_OPTION)
    .action(({ limit, after, json }: JsonOption & { limit: number; after?: string }) =>
      runApiCommand(json, (api) => list(api, limit, after)),
    );
  release
    .command('share')
    .description('Release to a larger share of the users')
    .argument('<percentage>', 'such as 50', parsePercentage)
    .option('--id <id>', 'of a release; by default the one under way')
    .option(...JSON_OPTION)
    .action((share: number, { id, json }: JsonOption & { id?: string }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post(`${PATH}/${await findId(api, id)}/share`, { share })) as ReleaseView;
        return { data, lines: [describe(data)] };
      }),
    );
  for (const [name, description] of [
    ['finish', 'Finish a release: its version becomes the active one of all users'],
    ['rollback', 'Roll a release back: the version before decides about all users again'],
    ['cancel', 'Cancel a release that is scheduled'],
  ] as const) {
    const isCancel = name === 'cancel';
    const command = release
      .command(name)
      .description(description)
      .option('--id <id>', `of a release; by default the one ${isCancel ? 'that is scheduled' : 'under way'}`)
      .option('--reason <text>', 'why, for the history')
      .option(...JSON_OPTION)
      .action(({ id, reason, yes, json }: JsonOption & { id?: string; reason?: string; yes?: boolean }) =>
        runApiCommand(json, async (api) => {
          const found = await findId(api, id, isCancel ? 'scheduled' : 'watching');
          if (isCancel) await confirm(`Cancel the release ${found}?`, yes);
          const end = isCancel ? 'rollback' : name;
          const data = (await api.post(`${PATH}/${found}/${end}`, { reason })) as ReleaseView;
          return { data, lines: [describe(data)] };
        }),
      );
    if (isCancel) command.option(...YES_OPTION);
  }
}

function addStart(release: Command): void {
  release
    .command('start')
    .description('Release the catalog of a folder, or a version, to a share of the users')
    .argument('[dir]', 'the folder of the catalog; or name a --catalog-version')
    .requiredOption('--share <percentage>', 'of the users, such as 10', parsePercentage)
    .option('--catalog-version <number>', 'a version that was applied or released before', parseVersion)
    .option('--note <text>', 'what it is for')
    .option('--finish-after <time>', 'finish by itself after this time, such as 2d')
    .option(
      '--at <time>',
      'begin by itself at this time, such as 2027-01-04T06:00:00Z; with --share 100 it is finished then',
    )
    .option('--no-watch', 'do not roll back by itself')
    .option('--min-sample <n>', 'events or messages of each version before its numbers are judged', parseNumber)
    .option('--max-errors <share>', 'bound of the increase of the error rate, such as 0.05', parseNumber)
    .option('--max-complaints <share>', 'bound of the increase of the complaint rate', parseNumber)
    .option('--max-unsubscribes <share>', 'bound of the increase of the unsubscribe rate', parseNumber)
    .option('--min-volume <ratio>', 'least notifications for each event, as a multiple of those before', parseNumber)
    .option('--max-volume <ratio>', 'most of them', parseNumber)
    .option(...JSON_OPTION)
    .action((dir: string | undefined, options: StartOptions) =>
      runApiCommand(options.json, (api) => start(api, dir, options)),
    );
}

async function start(api: ApiClient, dir: string | undefined, options: StartOptions): Promise<CommandOutput> {
  const { catalogVersion: version, share, note, finishAfter, at } = options;
  if ((dir === undefined) === (version === undefined))
    throw new TidingsError('invalid_request', 'Name the folder of a catalog, or a --catalog-version.');
  const files = dir === undefined ? undefined : Object.fromEntries(await loadCatalogFiles(resolve(dir)));
  const watch = options.watch
    ? {
        min_sample: options.minSample,
        max_error_increase: options.maxErrors,
        max_complaint_increase: options.maxComplaints,
        max_unsubscribe_increase: options.maxUnsubscribes,
        min_volume_ratio: options.minVolume,
        max_volume_ratio: options.maxVolume,
      }
    : null;
  const body = { files, version, share, note, finish_after: finishAfter, starts_at: at, watch };
  const data = (await api.post(PATH, body)) as StartedRelease;
  const lines = [...formatProblems(data.problems), ...formatDifferences(data.differences), describe(data.release)];
  return { data, lines };
}

async function showStatus(api: ApiClient, id: string | undefined): Promise<CommandOutput> {
  const found = id ?? (await findLatest(api))?.release_id;
  if (found === undefined) return { data: null, lines: ['No version has been released yet.'] };
  const data = (await api.get(`${PATH}/${encodeURIComponent(found)}`)) as Status;
  return { data, lines: [...formatRelease(data), ...formatComparison(data.comparison)] };
}

async function list(api: ApiClient, limit: number, after?: string): Promise<CommandOutput> {
  const query = new URLSearchParams({ limit: `${limit}`, ...(after && { after }) });
  const data = (await api.get(`${PATH}?${query}`)) as {
    readonly releases: readonly ReleaseView[];
    readonly next: string | null;
  };
  return toPage(data, data.releases.map(describe), 'No version has been released yet.');
}

/** Returns the id of the release that a command is about. */
async function findId(api: ApiClient, id: string | undefined, state = 'watching'): Promise<string> {
  if (id !== undefined) return encodeURIComponent(id);
  const { releases } = (await api.get(`${PATH}?state=${state}&limit=1`)) as {
    readonly releases: readonly ReleaseView[];
  };
  const [release] = releases;
  if (!release) {
    const what = state === 'watching' ? 'under way' : state;
    throw new TidingsError('not_found', `No release is ${what}; see \`tidings release list\`.`);
  }
  return release.release_id;
}

async function findLatest(api: ApiClient): Promise<ReleaseView | undefined> {
  const { releases } = (await api.get(`${PATH}?limit=1`)) as { readonly releases: readonly ReleaseView[] };
  return releases[0];
}

function describe(release: ReleaseView): string {
  const { release_id: id, from_version: from, to_version: to, state, share, starts_at: startsAt } = release;
  const what = {
    scheduled: `to ${share}% of the users from ${startsAt} on`,
    watching: `to ${share}% of the users`,
    finished: 'finished',
    rolled_back: 'rolled back',
    cancelled: 'cancelled',
    failed: 'failed',
  }[state];
  return `Release ${id}: version ${to} in the place of ${from}, ${what}.`;
}

function formatRelease(release: ReleaseView): string[] {
  const { note, watch, finish_at: finishAt, steps } = release;
  return [
    describe(release),
    ...(note === null ? [] : [`  ${note}`]),
    ...steps.map(({ at, share, by }) => `  ${at}  ${share}% by ${by}`),
    ...(release.ended_at === null ? [] : [`  ${release.ended_at}  ${release.state} by ${release.ended_by}`]),
    ...(release.end_reason === null ? [] : [`  ${release.end_reason}`]),
    ...(release.state !== 'watching' || watch ? [] : ['  It is not watched.']),
    ...(release.state !== 'watching' || finishAt === null ? [] : [`  It finishes by itself on ${finishAt}.`]),
  ];
}

const NUMBERS = [
  'events',
  'decided',
  'waiting',
  'held',
  'sent',
  'dead',
  'bounced',
  'failed',
  'complained',
  'unsubscribed',
] as const;

/** Formats both versions as columns. */
function formatComparison(comparison: ComparisonView | null): string[] {
  if (!comparison) return [];
  const { before, released, since } = comparison.since_start;
  const width = Math.max(...NUMBERS.map((name) => name.length));
  const row = (name: string, a: string, b: string) => `  ${name.padEnd(width)}  ${a.padStart(12)}  ${b.padStart(12)}`;
  return [
    `Since ${since}, counted until ${comparison.as_of}:`,
    row('', `version ${before.version}`, `version ${released.version}`),
    ...NUMBERS.map((name) => row(name, String(before[name]), String(released[name]))),
    ...comparison.verdicts
      .filter(({ state }) => state !== 'not_watched')
      .map(({ state, text }) => `  ${state.replace('_', ' ')}: ${text}`),
  ];
}

function parsePercentage(text: string): number {
  const share = Number(text.replace(/%$/, ''));
  if (share > 0 && share <= 100) return share;
  throw new InvalidArgumentError('Write a percentage, such as 10.');
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('Write a number, such as 0.05.');
}
