import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { ConfigError } from '../../errors.ts';
import { VERSION } from '../../lib/package-version.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import { dumpToFile, dumpToStream } from '../../store/dump/dump-file.ts';
import type { DumpSummary } from '../../store/dump/write-dump.ts';
import { newDumpProgressLine } from '../output/progress-line.ts';
import { runDatabaseCommand } from '../run-command.ts';
import { runStoppable } from '../stop-signal.ts';
import { withDatabase } from './with-database.ts';

/** Adds the command `dump`. */
export function addDumpCommand(program: Command): void {
  program
    .command('dump')
    .description('Save the database, or one tenant of it, as a file, while Tidings runs')
    .argument('[file]', 'the file to write; - or nothing: standard output')
    .option('--tenant <tenant>', 'only this tenant')
    .option('--json', 'print what is in the dump as JSON (to standard error, if the dump goes to standard output)')
    .action((file: string | undefined, { tenant, json = false }: { tenant?: string; json?: boolean }) =>
      runDatabaseCommand(() =>
        runStoppable(async (signal) => {
          const toStdout = file === undefined || file === '-';
          if (toStdout && process.stdout.isTTY) {
            throw new ConfigError('name a file, as in tidings dump tidings.dump.gz, or redirect the output');
          }
          if (!toStdout && !existsSync(dirname(resolve(file)))) {
            throw new ConfigError(`there is no folder ${dirname(resolve(file))}; make it, or name another file`);
          }
          const summary = await withDatabase(process.env, 'tidings dump', 'dumped', (pool, seal) => {
            const options = {
              pool,
              seal,
              program: VERSION,
              tenant: tenant ?? null,
              onProgress: newDumpProgressLine('dumped'),
            };
            return toStdout
              ? dumpToStream(process.stdout, options, signal)
              : dumpToFile(resolve(file), options, { signal });
          });
          const print = toStdout ? console.error : console.log;
          print(json ? JSON.stringify({ file: toStdout ? null : resolve(file), ...summary }) : describe(summary, file));
        }),
      ),
    );
}

function describe({ rows, tenant, created_at, key_ids }: DumpSummary, file: string | undefined): string {
  const what = tenant === null ? 'all tenants' : `the tenant "${tenant}"`;
  return (
    `Dumped ${formatCount(rows, 'row')} of ${what} as of ${created_at}${file && file !== '-' ? ` to ${file}` : ''}.\n` +
    `To restore it you need the encryption key ${key_ids.join(', ')}, which is not in it.`
  );
}
