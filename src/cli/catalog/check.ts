import type { Command } from 'commander';
import { checkCatalogFolder } from '../../catalog/check-folder.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { escapeTerminal } from '../output/escape-terminal.ts';
import { formatProblems } from '../output/format-problems.ts';
import { FOLDER_ARGUMENT, resolveCatalogFolder } from './catalog-folder.ts';

/** Adds the command `check [DIR]`. */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('Check a catalog: list errors and warnings with their places')
    .argument('[dir]', FOLDER_ARGUMENT)
    .option('--json', 'print one line of JSON')
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const { problems } = await checkCatalogFolder(resolveCatalogFolder(dir));
      const errors = problems.filter(({ severity }) => severity === 'error').length;
      const warnings = problems.length - errors;
      if (errors > 0) process.exitCode = 1;
      if (options.json) return console.log(JSON.stringify({ ok: errors === 0, errors, warnings, problems }));
      for (const line of formatProblems(problems)) console.log(escapeTerminal(line));
      console.log(formatSummary(errors, warnings));
    });
}

function formatSummary(errors: number, warnings: number): string {
  if (errors === 0 && warnings === 0) return 'No problems found.';
  return `${formatCount(errors, 'error')}, ${formatCount(warnings, 'warning')}`;
}
