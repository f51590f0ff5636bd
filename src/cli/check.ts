import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type LintResult, lintCatalog } from '../catalog/lint/lint.ts';
import { loadCatalogFiles } from '../catalog/load/load.ts';
import type { CatalogSource } from '../catalog/load/load-valid.ts';
import { CatalogError } from '../errors.ts';
import { escapeTerminal } from './escape-terminal.ts';
import { problemLines } from './problems.ts';

/** `check [DIR]`: is this catalog right? */
export function checkCommand(program: Command): void {
  program
    .command('check')
    .description('Check a catalog: every mistake with its place, and what is probably not meant')
    .argument('[dir]', 'the folder of the catalog (TIDINGS_CATALOG, or this one)')
    .option('--json', 'answer as one line of JSON')
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const { problems } = await checkFolder(dir);
      const errors = problems.filter(({ severity }) => severity === 'error').length;
      if (errors > 0) process.exitCode = 1;
      if (options.json) {
        console.log(JSON.stringify({ ok: errors === 0, errors, warnings: problems.length - errors, problems }));
        return;
      }
      for (const line of problemLines(problems)) console.log(escapeTerminal(line));
      console.log(summary(errors, problems.length - errors));
    });
}

/** The folder a command is about: the one that is named, that of the environment, or the one it is called in. */
export function folderOf(dir: string | undefined): string {
  return resolve(dir ?? process.env.TIDINGS_CATALOG ?? '.');
}

/** What there is to say of a catalog; a folder that cannot be read is a problem like any other. */
export async function checkFolder(dir: string | undefined): Promise<LintResult & { source: CatalogSource }> {
  try {
    const source = await loadCatalogFiles(folderOf(dir));
    return { ...(await lintCatalog(source)), source };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const problems = error.problems.map((problem) => ({ ...problem, severity: 'error', code: 'invalid' }) as const);
    return { problems, source: new Map() };
  }
}

function summary(errors: number, warnings: number): string {
  if (errors === 0 && warnings === 0) return 'Nothing is wrong.';
  return `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
