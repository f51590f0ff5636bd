import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { loadCatalogFiles } from '../../catalog/load/load-catalog-files.ts';
import { isPieceFile } from '../../catalog/parse/pieces.ts';
import { CatalogError } from '../../errors.ts';
import type { JsonObject } from '../../model/event.ts';
import type { TenantView } from '../../tenants/tenants.ts';
import { FOLDER_ARGUMENT, resolveCatalogFolder } from '../catalog/catalog-folder.ts';
import { runApiCommand } from '../run-command.ts';
import type { ApiClient } from './api-client.ts';

interface Template {
  readonly template_id: string;
  readonly name: string;
  readonly type: string;
  readonly channel: string;
  readonly locale: string;
  readonly variant: string | null;
  readonly state: string;
  readonly active_version: number | null;
  readonly newest_version: number;
}

interface Problem {
  readonly message: string;
  readonly hint?: string;
}

interface SeedResult {
  readonly changed: number;
  readonly same: number;
  readonly problems: readonly Problem[];
}

interface TranslationResult extends SeedResult {
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
  readonly stale: readonly string[];
}

const PATH = '/api/v1/templates';
const JSON_OPTION = ['--json', 'print one line of JSON'] as const;
const ID = 'its id, or NAME, NAME.LOCALE, NAME_V2';

/** Adds the commands `templates list|activate|rollback|archive|seed|export|translations|import|results`. */
export function addStoredTemplateCommands(templates: Command): void {
  templates
    .command('list')
    .description('List the templates that were made over the API')
    .option('--type <type>', 'only those of this notification')
    .option('--locale <locale>', 'only those in this locale')
    .option('--limit <n>', 'templates, at most', '200')
    .option(...JSON_OPTION)
    .action(({ json, ...query }: { json?: boolean; type?: string; locale?: string; limit: string }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${PATH}?${new URLSearchParams(query)}`)) as {
          readonly templates: readonly Template[];
        };
        const lines = data.templates.map(formatTemplate);
        return { data, lines: lines.length > 0 ? lines : ['There are no templates.'] };
      }),
    );
  for (const [name, description] of [
    ['activate', 'Make a version of a template the active one: the newest, or that of --to or NAME_V2'],
    ['rollback', 'Make the version that was active before the active one again, or that of --to'],
  ] as const) {
    templates
      .command(name)
      .description(description)
      .argument('<id>', ID)
      .option('--to <version>', 'the version', parseVersion)
      .option(...JSON_OPTION)
      .action((id: string, { to, json }: { to?: number; json?: boolean }) =>
        runApiCommand(json, async (api) => {
          const data = (await api.post(`${PATH}/${encodeURIComponent(id)}/${name}`, { version: to })) as {
            readonly version: number;
            readonly from: number | null;
            readonly problems: readonly Problem[];
          };
          const before = data.from === null ? '' : ` (before: version ${data.from})`;
          return { data, lines: [`Active: version ${data.version}${before}`, ...formatProblemLines(data.problems)] };
        }),
      );
  }
  templates
    .command('archive')
    .description('Take a template out of use; its versions are kept')
    .argument('<id>', ID)
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.post(`${PATH}/${encodeURIComponent(id)}/archive`, undefined)) as Template;
        return { data, lines: [formatTemplate(data)] };
      }),
    );
  templates
    .command('seed')
    .description('Make active templates of the template files of a catalog, all or none')
    .argument('[dir]', FOLDER_ARGUMENT)
    .option('--api', 'first make the API the source of the templates of the tenant (template_source)')
    .option(...JSON_OPTION)
    .action((dir: string | undefined, { api: switches, json }: { api?: boolean; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const all = await loadCatalogFiles(resolveCatalogFolder(dir));
        const files = [...all].filter(([path]) => path.startsWith('templates/') && !isPieceFile(path));
        const seed = async () => (await api.post(`${PATH}/seed`, { files: Object.fromEntries(files) })) as SeedResult;
        const data = await (switches ? withApiSource(api, seed) : seed());
        return { data, lines: formatSeed(data) };
      }),
    );
  templates
    .command('export')
    .description('Write the active templates to a folder, as files of a catalog')
    .argument('<dir>', 'the folder')
    .option(...JSON_OPTION)
    .action((dir: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${PATH}/export`)) as {
          readonly files: { readonly [path: string]: string };
          readonly left_out: readonly string[];
          readonly variables: JsonObject;
        };
        for (const [path, text] of Object.entries(data.files)) await writeWithin(dir, path, text);
        const { left_out: leftOut, variables } = data;
        const lines = [`Written: ${Object.keys(data.files).length} files`];
        if (leftOut.length > 0) lines.push(`Left out, because they are files already: ${leftOut.join(', ')}`);
        for (const [type, declared] of Object.entries(variables)) {
          lines.push(`Add to ${type} in notifications.yaml: variables: ${JSON.stringify(declared)}`);
        }
        return { data, lines };
      }),
    );
  addTranslationCommands(templates);
  templates
    .command('results')
    .description('Show the latest test of the variants of a template')
    .argument('<id>', ID)
    .option(...JSON_OPTION)
    .action((id: string, { json }: { json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const data = (await api.get(`${PATH}/${encodeURIComponent(id)}/variants/results`)) as Results;
        return { data, lines: formatResults(data) };
      }),
    );
}

/** Makes the API the source of templates, and the files again if the work fails: then nothing has changed. */
async function withApiSource<Result>(api: ApiClient, work: () => Promise<Result>): Promise<Result> {
  const set = (source: 'api' | null) => api.patch('/api/v1/tenant', { settings: { template_source: source } });
  const { settings } = (await api.get('/api/v1/tenant')) as TenantView;
  if (settings.template_source === 'api') return work();
  await set('api');
  try {
    return await work();
  } catch (error) {
    await set(null);
    throw error;
  }
}

function addTranslationCommands(templates: Command): void {
  templates
    .command('translations')
    .description('Write the texts of all templates to a file for translators')
    .argument('<file>', 'the file: .xlf is XLIFF 2.0, .json is JSON')
    .requiredOption('--to <locale>', 'the locale to translate to')
    .option('--from <locale>', 'the locale to translate from', 'en')
    .option(...JSON_OPTION)
    .action((file: string, { to, from, json }: { to: string; from: string; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const format = /\.json$/i.test(file) ? 'json' : 'xliff';
        const data = (await api.get(`${PATH}/translations?${new URLSearchParams({ from, to, format })}`)) as {
          readonly units: readonly unknown[];
          readonly missing: readonly string[];
          readonly xliff: string | null;
        };
        const { units } = data;
        await writeFile(file, data.xliff ?? `${JSON.stringify({ from, to, units }, null, 2)}\n`);
        return { data: { file, missing: data.missing }, lines: [`Not translated: ${listOrNone(data.missing)}`] };
      }),
    );
  templates
    .command('import')
    .description('Make templates of translated texts; one of which a text is missing is left as it is')
    .argument('<file>', 'the file: .json, or XLIFF')
    .addOption(new Option('--activate', 'make them active'))
    .option(...JSON_OPTION)
    .action((file: string, { activate = false, json }: { activate?: boolean; json?: boolean }) =>
      runApiCommand(json, async (api) => {
        const text = await readFile(file, 'utf8');
        const body = /\.json$/i.test(file) ? parseJson(file, text) : { xliff: text };
        const data = (await api.post(`${PATH}/translations`, { ...body, activate })) as TranslationResult;
        const { missing, unknown, stale } = data;
        const lines = [
          ...formatSeed(data),
          ...(missing.length === 0 ? [] : [`Not translated: ${missing.join(', ')}`]),
          ...(unknown.length === 0 ? [] : [`Unknown: ${unknown.join(', ')}`]),
          ...(stale.length === 0 ? [] : [`Changed since: ${stale.join(', ')}`]),
        ];
        return { data, lines };
      }),
    );
}

interface Results {
  readonly verdict: string;
  readonly winner: string | null;
  readonly metric: string;
  readonly users: number;
  readonly planned_users: number;
  readonly sample_ratio_probability: number;
  readonly variants: readonly ({
    readonly variant: string;
    readonly share: number;
    readonly users: number;
    readonly difference: { readonly difference: number; readonly low: number; readonly high: number } | null;
  } & { readonly [metric: string]: unknown })[];
}

const VERDICTS: { readonly [verdict: string]: string } = {
  not_trusted: 'Not to be trusted: the users are not divided as the shares say',
  too_early: 'Too early: fewer users than planned',
  no_difference: 'No difference',
};

function formatResults(results: Results): string[] {
  const { verdict, winner, metric, users, planned_users: planned, variants } = results;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [
    `${VERDICTS[verdict] ?? `Winner: ${winner}`} (${users} of ${planned} users)`,
    ...variants.map((one) => {
      const hits = Number(one[metric]);
      const { difference } = one;
      const rate = one.users === 0 ? '–' : percent(hits / one.users);
      const against = difference
        ? `  ${percent(difference.difference)} (${percent(difference.low)} to ${percent(difference.high)})`
        : '';
      return `  ${one.variant}  ${one.users} users (${one.share} %)  ${metric} ${hits} (${rate})${against}`;
    }),
  ];
}

function formatTemplate(one: Template): string {
  const variant = one.variant === null ? '' : `@${one.variant}`;
  const active = one.active_version === null ? '' : ` version ${one.active_version}`;
  const newer = one.newest_version === one.active_version ? '' : `, newest ${one.newest_version}`;
  return `${one.name}  ${one.type} by ${one.channel} in ${one.locale}${variant}  ${one.state}${active}${newer}  ${one.template_id}`;
}

function formatSeed({ changed, same, problems }: SeedResult): string[] {
  return [`Changed: ${changed}, as before: ${same}`, ...formatProblemLines(problems)];
}

function formatProblemLines(problems: readonly Problem[]): string[] {
  return problems.map(({ message, hint }) => `warning: ${message}${hint === undefined ? '' : ` (${hint})`}`);
}

function listOrNone(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}

function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be the number of a version.');
  return Number(text);
}

function parseJson(file: string, text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new CatalogError([{ file, line: 1, column: 1, message: 'this is not JSON' }]);
  }
}

/** A path that a server names never leads out of the folder. */
async function writeWithin(dir: string, path: string, text: string): Promise<void> {
  const target = resolve(dir, path);
  if (!target.startsWith(resolve(dir) + sep)) {
    throw new CatalogError([{ file: path, line: 1, column: 1, message: 'the path leads out of the folder' }]);
  }
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text);
}
