import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApplyResult } from '../../catalog/apply.ts';
import { loadCatalogFiles } from '../../catalog/load/load-catalog-files.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { formatDifferences } from '../output/format-differences.ts';
import { formatProblems } from '../output/format-problems.ts';
import { runApiCommand } from '../run-command.ts';

/** Adds the command `apply DIR`. */
export function addApplyCommand(program: Command): void {
  program
    .command('apply')
    .description('Apply a catalog to a running Tidings (TIDINGS_URL)')
    .argument('<dir>', 'the folder of the catalog')
    .option('--dry-run', 'check and compare, and change nothing')
    .option('--json', 'print one line of JSON')
    .action((dir: string, options: { dryRun?: boolean; json?: boolean }) =>
      runApiCommand(options.json, async (api) => {
        const files = Object.fromEntries(await loadCatalogFiles(resolve(dir)));
        const dry_run = options.dryRun ?? false;
        const result = (await api.post('/api/v1/catalog', { files, dry_run })) as ApplyResult;
        return { data: result, lines: formatResult(result, dry_run) };
      }),
    );
}

function formatResult({ version, changed, differences, waiting, problems }: ApplyResult, isDryRun: boolean): string[] {
  const lines = [...formatProblems(problems), ...formatDifferences(differences)];
  for (const { rule, users, waits, at_least: isAtLeast } of waiting) {
    const pending = `${isAtLeast ? 'at least ' : ''}${formatCount(waits, 'pending wait')} of ${formatCount(users, 'user')} in ${rule}`;
    lines.push(`  ${pending}: the version under which a wait started decides how it ends`);
  }
  if (isDryRun) lines.push(`Nothing was changed: version ${version} stays active.`);
  else lines.push(changed ? `Version ${version} is active.` : `Version ${version} was already active.`);
  return lines;
}
