import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { readConfig } from '../config.ts';
import { ConfigError } from '../errors.ts';
import { checkDump, openDump } from '../store/dump/dump-file.ts';
import { releaseTenant } from '../store/dump/held-tenants.ts';
import { type RestoreSummary, restoreDump } from '../store/dump/restore-dump.ts';
import { type OpenDeliveries, resumeWorkers } from '../store/pause.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { formatCount } from './output/format-count.ts';
import { newProgressLine } from './output/progress-line.ts';
import { runDatabaseCommand } from './run-command.ts';
import { newSeal, withDatabase, withPool } from './with-database.ts';

interface RestoreFlags {
  readonly tenant?: string;
  readonly resume?: boolean;
  readonly check?: boolean;
  readonly json?: boolean;
}

/** Adds the commands `restore` and `resume`. */
export function addRestoreCommands(program: Command): void {
  program
    .command('restore')
    .description('Restore a dump into an empty database, or one tenant into an installation that does not have it')
    .argument('<file>', 'a file that tidings dump made; -: standard input')
    .option('--tenant <tenant>', 'only this tenant; the installation may have others, and may run')
    .option('--resume', 'send and fire at once what was open, as if nothing had happened since the dump')
    .option('--check', 'only check that the file is complete, unchanged, and of this encryption key')
    .option('--json', 'print the result as JSON')
    .action((file: string, flags: RestoreFlags) => runDatabaseCommand(() => restore(file, flags)));

  program
    .command('resume')
    .description('Let the workers send and fire again after a restore')
    .option('--tenant <tenant>', 'release a tenant that was restored into an installation')
    .option('--open <how>', 'what becomes of deliveries that were open in the dump: by_type, hold or send', 'by_type')
    .option('--json', 'print the result as JSON')
    .action((flags: { tenant?: string; open: string; json?: boolean }) => runDatabaseCommand(() => resume(flags)));
}

async function restore(file: string, flags: RestoreFlags): Promise<void> {
  requireKey(process.env);
  if (file !== '-' && !existsSync(file)) throw new ConfigError(`there is no file ${file}`);
  const source = openDump(file === '-' ? process.stdin : resolve(file));
  try {
    await restoreSource(source, flags);
  } finally {
    source.destroy();
  }
}

async function restoreSource(source: Readable, flags: RestoreFlags): Promise<void> {
  const { tenant, resume = false, check, json = false } = flags;
  if (check) {
    await checkDump(source, newSeal(readConfig(process.env, { catalogDir: '' })));
    console.log(json ? JSON.stringify({ complete: true }) : 'The dump is complete and unchanged.');
    return;
  }
  const summary = await withPool(process.env, 'tidings restore', (pool, config) =>
    restoreDump(source, {
      pool,
      seal: newSeal(config),
      tenant: tenant ?? null,
      resume,
      clock: Date.now,
      onProgress: newProgressLine('restored'),
    }),
  );
  console.log(json ? JSON.stringify(toJson(summary)) : describe(summary));
}

/** A process without a key would make one; it could not open a dump. */
function requireKey(env: NodeJS.ProcessEnv): void {
  const dataDir = resolve(env.TIDINGS_DATA_DIR || '.tidings');
  if (env.TIDINGS_ENCRYPTION_KEY || existsSync(join(dataDir, 'encryption.key'))) return;
  throw new ConfigError(
    `a restore needs the encryption key of the installation that was dumped; set TIDINGS_ENCRYPTION_KEY, or copy its encryption.key to ${dataDir}`,
  );
}

function toJson({ header, ...summary }: RestoreSummary): object {
  return { dumped_at: header.created_at, program: header.program, ...summary };
}

function describe({ header, tenant, rows, rescued, paused }: RestoreSummary): string {
  const lines = [
    `Restored ${formatCount(rows, 'row')} of ${tenant === null ? 'all tenants' : `the tenant "${tenant}"`} as of ${header.created_at}.`,
  ];
  if (rescued > 0) lines.push(`${formatCount(rescued, 'delivery', 'deliveries')} were being sent: see their attempts.`);
  if (paused) {
    lines.push(
      tenant === null
        ? 'Nothing is sent or fired until you run tidings resume: what was open may have been sent since the dump.'
        : `Its open deliveries are in doubt, and its timers wait for tidings resume --tenant ${tenant}.`,
    );
  }
  return lines.join('\n');
}

const OPEN: readonly string[] = ['by_type', 'hold', 'send'];

async function resume({
  tenant,
  open,
  json = false,
}: {
  tenant?: string;
  open: string;
  json?: boolean;
}): Promise<void> {
  if (!OPEN.includes(open)) throw new ConfigError(`--open is "${open}"; write ${OPEN.join(', ')}`);
  const result = await withDatabase(process.env, 'tidings resume', 'left', (pool) =>
    withTransaction<object | undefined>(pool, async (connection) =>
      tenant === undefined
        ? resumeWorkers(connection, open as OpenDeliveries, Date.now())
        : { timers: await releaseTenant(connection, tenant, Date.now()) },
    ),
  );
  if (json) console.log(JSON.stringify({ resumed: result !== undefined, ...result }));
  else if (!result) console.log('Nothing is paused.');
  else if ('timers' in result) console.log(`Released ${result.timers} timers of the tenant "${tenant}".`);
  else console.log(`Resumed. Of the deliveries that were open, ${describeOpen(result)}.`);
}

function describeOpen(result: object): string {
  const { held, released } = result as { held: number; released: number };
  return `${released} are sent and ${held} are in doubt: list them with GET /api/v1/deliveries?status=in_doubt`;
}
