import type { Command } from 'commander';
import { ConfigError } from '../../errors.ts';
import { verifyEncryptionKey } from '../../store/metadata.ts';
import { DEFAULT_MIGRATE_OPTIONS, inspectSchema, migrate, type SchemaState } from '../../store/pg/migrate.ts';
import { prepareApiLogin } from '../../store/pg/open-tenant-database.ts';
import { parseDuration } from '../../time/duration.ts';
import { runDatabaseCommand } from '../run-command.ts';
import { newSeal, requireDataDir, withPool } from './with-database.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly lockTimeout?: string;
  readonly wait?: string;
  readonly json?: boolean;
}

/** Adds the command `migrate`. */
export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('Bring the schema of the database up to date; a start does the same')
    .option('--dry-run', 'list what would run, and change nothing')
    .option('--lock-timeout <duration>', 'longest wait for a lock on a table, behind which other sessions wait', '2s')
    .option('--wait <duration>', 'how long to try again while a table is locked', '1m')
    .option('--json', 'print the result as JSON')
    .action((options: Options) =>
      runDatabaseCommand(async () => {
        const limits = {
          lockTimeout: parseLimit('--lock-timeout', options.lockTimeout, DEFAULT_MIGRATE_OPTIONS.lockTimeout),
          patience: parseLimit('--wait', options.wait, DEFAULT_MIGRATE_OPTIONS.patience),
        };
        if (options.dryRun) requireDataDir(process.env);
        const state = await withPool(process.env, 'tidings migrate', async (pool, config, urls) => {
          if (options.dryRun) return inspectSchema(pool);
          const found = await migrate(pool, limits, (file) => console.error(`running ${file}`));
          const seal = newSeal(config);
          await verifyEncryptionKey(pool, seal);
          const login = await prepareApiLogin(pool, { ...urls, seal, migrates: true });
          if ('cause' in login) console.error(`tidings: the API has no login of its own: ${login.cause}`);
          return found;
        });
        printState(state, options);
      }),
    );
}

function parseLimit(option: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const parsed = parseDuration(value);
  if ('message' in parsed) throw new ConfigError(`${option}: ${parsed.message}; write ${parsed.hint}`);
  return parsed.ms;
}

function printState({ applied, pending, newer }: SchemaState, { dryRun = false, json = false }: Options): void {
  if (json) {
    console.log(JSON.stringify({ dry_run: dryRun, applied, [dryRun ? 'pending' : 'ran']: pending, newer }));
    return;
  }
  if (newer.length > 0) {
    console.log(
      `The schema is newer than this program (${newer.join(', ')}), of the same major version: nothing to do.`,
    );
  } else if (pending.length === 0) console.log('The schema is up to date.');
  else console.log(`${dryRun ? 'Would run' : 'Ran'} ${pending.join(', ')}.`);
}
