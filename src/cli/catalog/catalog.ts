import type { Command } from 'commander';
import type { RollbackResult, VersionDiff } from '../../catalog/versions.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import type { CatalogVersionView } from '../../store/catalogs.ts';
import type { Applied } from '../../store/locked-catalog.ts';
import { formatDifferences } from '../output/format-differences.ts';
import { parseVersion } from '../parse-argument.ts';
import { runApiCommand } from '../run-command.ts';

/** Adds the commands `catalog versions|diff|rollback|follow`. */
export function addCatalogCommands(program: Command): void {
  const catalog = program
    .command('catalog')
    .description('Manage the catalog versions of a running Tidings (TIDINGS_URL)');
  catalog
    .command('versions')
    .description('List the applied versions, newest first')
    .option('--json', 'print one line of JSON')
    .action((options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.get('/api/v1/catalog/versions')) as {
          readonly versions: readonly CatalogVersionView[];
        };
        const lines = data.versions.flatMap(formatVersion);
        return { data, lines: lines.length > 0 ? lines : ['No catalog has been applied yet.'] };
      }),
    );
  catalog
    .command('diff')
    .description('Compare two versions')
    .argument('<from>', 'the number of a version; see `tidings catalog versions`', parseVersion)
    .argument('[to]', 'another one; the active version by default', parseVersion)
    .option('--json', 'print one line of JSON')
    .action((from: number, to: number | undefined, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const query = new URLSearchParams({ from: `${from}`, ...(to === undefined ? {} : { to: `${to}` }) });
        const data = (await api.get(`/api/v1/catalog/diff?${query}`)) as VersionDiff;
        return { data, lines: formatDifferences(data.differences) };
      }),
    );
  catalog
    .command('rollback')
    .description('Make an earlier version active again')
    .argument('<version>', 'its number; see `tidings catalog versions`', parseVersion)
    .option('--json', 'print one line of JSON')
    .action((version: number, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const body = { version };
        const data = (await api.post('/api/v1/catalog/rollback', body)) as RollbackResult;
        return { data, lines: [formatRollback(data)] };
      }),
    );
  catalog
    .command('follow')
    .description('Follow the catalog of another tenant, until a catalog is applied or rolled back')
    .argument('<tenant>', 'its id; `tidings tenants list --follows ID` lists its followers')
    .option('--json', 'print one line of JSON')
    .action((tenant: string, options: { json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const data = (await api.put('/api/v1/catalog/follow', { tenant_id: tenant })) as Applied;
        return { data, lines: [formatFollow(data, tenant)] };
      }),
    );
}

/** Returns the line of a version, and one for each rollback to it. */
function formatVersion(view: CatalogVersionView): string[] {
  const { version, active, applied_at, applied_by, rules, notifications, activations = [] } = view;
  const content = `${formatCount(rules, 'rule')}, ${formatCount(notifications, 'notification')}`;
  const rollbacks = activations.filter(({ kind }) => kind === 'rolled_back');
  return [
    `${active ? '*' : ' '} ${String(version).padStart(4)}  ${applied_at}  ${content}  by ${applied_by}`,
    ...rollbacks.map(({ at, by, from }) => `        ${at}  rollback from version ${from} by ${by}`),
  ];
}

function formatRollback({ version, from, changed }: RollbackResult): string {
  return changed
    ? `Version ${version} is active instead of version ${from}.`
    : `Version ${version} was already active.`;
}

function formatFollow({ version, changed }: Applied, tenant: string): string {
  const active =
    version === 0 ? 'which has no version yet' : `version ${version} is active${changed ? '' : ', as before'}`;
  return `The catalog of ${tenant} is followed: ${active}.`;
}
