import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Difference } from '../catalog/diff.ts';
import { loadCatalogFiles } from '../catalog/load/load.ts';
import type { CatalogVersionView } from '../store/catalogs.ts';
import { problemLines } from './problems.ts';
import { runApiCommand } from './run-command.ts';

interface Applied {
  readonly version: number;
  readonly changed: boolean;
  readonly problems: readonly never[];
  readonly differences: readonly Difference[];
  readonly waiting: readonly { readonly rule: string; readonly users: number; readonly waits: number }[];
}

/** `apply` and `catalog …`: what a running Tidings goes by. */
export function catalogCommands(program: Command): void {
  program
    .command('apply')
    .description('Apply a catalog to a running Tidings (TIDINGS_URL)')
    .argument('<dir>', 'the folder of the catalog')
    .option('--dry-run', 'check and compare, and change nothing')
    .option('--json', 'answer as one line of JSON')
    .action((dir: string, options: { dryRun?: boolean; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const files = Object.fromEntries(await loadCatalogFiles(resolve(dir)));
        const dry_run = options.dryRun ?? false;
        const applied = (await api.post('/api/v1/catalog', { files, dry_run })) as Applied;
        return { data: applied, lines: appliedLines(applied, dry_run) };
      }),
    );

  const catalog = program.command('catalog').description('The versions of the catalog of a running Tidings');
  catalog
    .command('versions')
    .description('The versions that were applied, the newest first')
    .option('--json', 'answer as one line of JSON')
    .action((options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get('/api/v1/catalog/versions')) as {
          readonly versions: readonly CatalogVersionView[];
        };
        const lines = data.versions.map(
          ({ version, active, applied_at, applied_by, rules, notifications }) =>
            `${active ? '*' : ' '} ${String(version).padStart(4)}  ${applied_at}  ${rules} rules, ${notifications} notifications  by ${applied_by}`,
        );
        return { data, lines: lines.length > 0 ? lines : ['No catalog was applied yet.'] };
      }),
    );
  catalog
    .command('diff')
    .description('What two versions have differently')
    .argument('<from>', 'a version')
    .argument('[to]', 'a version; the one in force if it is not said')
    .option('--json', 'answer as one line of JSON')
    .action((from: string, to: string | undefined, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const query = new URLSearchParams({ from, ...(to === undefined ? {} : { to }) });
        const data = (await api.get(`/api/v1/catalog/diff?${query}`)) as {
          readonly differences: readonly Difference[];
        };
        const lines = differenceLines(data.differences);
        return { data, lines: lines.length > 0 ? lines : ['They are the same.'] };
      }),
    );
  catalog
    .command('rollback')
    .description('Put an earlier version in force again')
    .argument('<version>', 'its number; see `tidings catalog versions`')
    .option('--json', 'answer as one line of JSON')
    .action((version: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const body = { version: Number(version) };
        const data = (await api.post('/api/v1/catalog/rollback', body)) as {
          readonly version: number;
          readonly from: number;
          readonly changed: boolean;
        };
        const text = data.changed
          ? `Version ${data.version} is in force; it was ${data.from}.`
          : `Version ${data.version} was in force already.`;
        return { data, lines: [text] };
      }),
    );
}

/** `explain USER TYPE`. */
export function explainCommand(program: Command): void {
  program
    .command('explain')
    .description('Why did this person (not) get this?')
    .argument('<user>', 'the user_id')
    .argument('<type>', 'the notification type')
    .option('--json', 'answer as one line of JSON')
    .action((user: string, type: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const path = `/api/v1/explain/${encodeURIComponent(user)}/${encodeURIComponent(type)}`;
        const data = (await api.get(path)) as {
          readonly paragraph: string;
          readonly decisions: readonly {
            readonly decided_at: string;
            readonly outcome: string;
            readonly reason: string;
          }[];
        };
        const history = data.decisions
          .slice(0, 20)
          .map(({ decided_at, outcome, reason }) => `  ${decided_at}  ${outcome.padEnd(11)}  ${reason}`);
        return { data, lines: [data.paragraph, ...(history.length > 0 ? ['', ...history] : [])] };
      }),
    );
}

function appliedLines({ version, changed, differences, waiting, problems }: Applied, dryRun: boolean): string[] {
  const lines = [...problemLines(problems), ...differenceLines(differences)];
  for (const { rule, users, waits } of waiting) {
    lines.push(
      `  ${users} ${users === 1 ? 'person waits' : 'people wait'} in ${rule} (${waits}); they end by the version they began with`,
    );
  }
  if (differences.length === 0) lines.push('Nothing differs.');
  if (dryRun) lines.push(`Nothing was changed: version ${version} stays in force.`);
  else lines.push(changed ? `Version ${version} is in force.` : `Version ${version} was in force already.`);
  return lines;
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

function differenceLines(differences: readonly Difference[]): string[] {
  return differences.flatMap(({ part, name, change, fields = [] }) => [
    `${SIGNS[change]} ${part} ${name}`,
    ...fields.map(({ field, from, to }) => `    ${field}: ${short(from)} → ${short(to)}`),
  ]);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 70 ? `${text.slice(0, 69).toWellFormed()}…` : text;
}
