import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Command } from 'commander';
import type pg from 'pg';
import { readConfig } from '../../config.ts';
import { ConfigError } from '../../errors.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import type { Seal } from '../../privacy/seal.ts';
import { checkDump, openDump } from '../../store/dump/dump-file.ts';
import { holdOverdueWaits, releaseTenant, skipOverdueSchedules } from '../../store/dump/held-timers.ts';
import { readHeader } from '../../store/dump/read-dump.ts';
import { type RestoreSummary, restoreDump } from '../../store/dump/restore-dump.ts';
import { verifyEncryptionKey } from '../../store/metadata.ts';
import { type OpenDeliveries, resumeWorkers } from '../../store/pause.ts';
import { prepareApiLogin } from '../../store/pg/open-tenant-database.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { requireKnownTenant } from '../../tenants/known-tenant.ts';
import { nextOccurrence } from '../../time/calendar.ts';
import { newDumpProgressLine } from '../output/progress-line.ts';
import { runDatabaseCommand } from '../run-command.ts';
import { runStoppable } from '../stop-signal.ts';
import { type DatabaseUrls, newSeal, withDatabase, withPool } from './with-database.ts';

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
    .action((file: string, flags: RestoreFlags) =>
      runDatabaseCommand(() => runStoppable((signal) => restore(file, flags, signal))),
    );

  program
    .command('resume')
    .description('Let the workers send and fire again after a restore')
    .option('--tenant <tenant>', 'release the held waits, schedules and lifecycle events of this tenant')
    .option('--open <how>', 'what becomes of deliveries that were open in the dump: by_type, hold or send', 'by_type')
    .option(
      '--overdue <how>',
      'what becomes of waits and scheduled rules that came due meanwhile: fire, or hold the waits and skip the occurrences',
      'fire',
    )
    .option('--json', 'print the result as JSON')
    .action((flags: ResumeFlags) => runDatabaseCommand(() => resume(flags)));
}

async function restore(file: string, flags: RestoreFlags, signal: AbortSignal): Promise<void> {
  requireKey(process.env);
  if (file !== '-' && !existsSync(file)) throw new ConfigError(`there is no file ${file}`);
  if (file !== '-' && statSync(file).isDirectory()) {
    throw new ConfigError(`${file} is a folder; name a file in it that tidings dump made`);
  }
  const source = addAbortSignal(signal, openDump(file === '-' ? process.stdin : resolve(file)));
  try {
    await restoreSource(source, flags);
  } finally {
    source.destroy();
  }
}

async function restoreSource(source: Readable, flags: RestoreFlags): Promise<void> {
  const { tenant, resume = false, check, json = false } = flags;
  const seal = newSeal(readConfig(process.env, { catalogDir: '' }));
  if (check) {
    await checkDump(source, seal);
    console.log(json ? JSON.stringify({ complete: true }) : 'The dump is complete and unchanged.');
    return;
  }
  // Before a database is created for a dump that cannot be restored.
  const dump = await readHeader(source, seal);
  const only = tenant ?? dump.header.tenant;
  const summary = await withPool(process.env, 'tidings restore', async (pool, config, urls) => {
    if (only !== null) await requireIsolation(pool, only, { ...urls, seal: newSeal(config) });
    return restoreDump(dump, {
      pool,
      seal,
      tenant: only,
      resume,
      clock: Date.now,
      onProgress: newDumpProgressLine('restored'),
    });
  });
  console.log(json ? JSON.stringify(toJson(summary)) : describe(summary));
}

/**
 * Checks that row-level security would keep a tenant apart from those that the installation has, as when one is created.
 * @throws ConfigError if it would not
 */
async function requireIsolation(
  pool: pg.Pool,
  tenant: string,
  { seal, ...urls }: DatabaseUrls & { readonly seal: Seal },
): Promise<void> {
  const { rows: tables } = await pool.query(`select where to_regclass('tenants') is not null`);
  if (tables.length === 0) return;
  const { rowCount } = await pool.query(`select from tenants where environment = 'live' and tenant_id <> $1 limit 1`, [
    tenant,
  ]);
  if (rowCount === 0) return;
  await verifyEncryptionKey(pool, seal);
  const login = await prepareApiLogin(pool, { ...urls, seal, migrates: true });
  if (!('cause' in login)) return;
  throw new ConfigError(
    `a second tenant needs a login of the API that row-level security holds for: ${login.cause}; see docs/security.md`,
  );
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

function describe({ header, tenant, rows, rescued, paused, left_out }: RestoreSummary): string {
  const lines = [
    `Restored ${formatCount(rows, 'row')} of ${tenant === null ? 'all tenants' : `the tenant "${tenant}"`} as of ${header.created_at}.`,
  ];
  if (rescued > 0) lines.push(`${formatCount(rescued, 'delivery', 'deliveries')} were being sent: see their attempts.`);
  if (left_out?.followed) {
    lines.push(
      `It followed "${left_out.followed}", which does not have that catalog here: it keeps the one of the dump as its own.`,
    );
  }
  if (left_out && left_out.installation_keys > 0) {
    lines.push(`${formatCount(left_out.installation_keys, 'key')} of the whole installation were left out.`);
  }
  if (paused) {
    lines.push(
      tenant === null
        ? 'Nothing is sent or fired until you run tidings resume: what was open may have been sent since the dump.'
        : `Its open deliveries are in doubt, and its timers wait for tidings resume --tenant ${tenant}.`,
    );
  }
  return lines.join('\n');
}

interface ResumeFlags {
  readonly tenant?: string;
  readonly open: string;
  readonly overdue: string;
  readonly json?: boolean;
}

const OPEN: readonly string[] = ['by_type', 'hold', 'send'];
const OVERDUE: readonly string[] = ['fire', 'hold'];

async function resume({ tenant, open, overdue, json = false }: ResumeFlags): Promise<void> {
  if (!OPEN.includes(open)) throw new ConfigError(`--open is "${open}"; write ${OPEN.join(', ')}`);
  if (!OVERDUE.includes(overdue)) throw new ConfigError(`--overdue is "${overdue}"; write ${OVERDUE.join(' or ')}`);
  if (tenant !== undefined) {
    const released = await changeDatabase(async (connection) => {
      await requireKnownTenant(connection, tenant);
      return releaseTenant(connection, tenant, Date.now());
    });
    const line = `Released ${formatCount(released, 'timer')} of the tenant "${tenant}".`;
    console.log(json ? JSON.stringify({ tenant, released }) : line);
    return;
  }
  const result = await changeDatabase(async (connection) => {
    const now = Date.now();
    const resumed = await resumeWorkers(connection, open as OpenDeliveries, now);
    if (!resumed) return undefined;
    if (overdue !== 'hold') return { ...resumed, heldWaits: 0, skipped: 0 };
    const heldWaits = await holdOverdueWaits(connection, now);
    return { ...resumed, heldWaits, skipped: await skipOverdueSchedules(connection, now, nextOccurrence) };
  });
  const { held = 0, released = 0, heldWaits = 0, skipped = 0 } = result ?? {};
  const counts = { held, released, held_waits: heldWaits, skipped_schedules: skipped };
  if (json) console.log(JSON.stringify({ resumed: result !== undefined, ...counts }));
  else if (!result) console.log('Nothing is paused.');
  else {
    console.log(`Resumed. Of the deliveries that were open, ${released} are sent and ${held} are in doubt.`);
    if (held > 0) console.log('List them with GET /api/v1/deliveries?status=in_doubt.');
    if (heldWaits > 0) console.log(`${formatCount(heldWaits, 'wait')} that came due are held.`);
    if (skipped > 0) console.log(`${formatCount(skipped, 'occurrence')} of scheduled rules that came due are skipped.`);
  }
}

function changeDatabase<T>(work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  return withDatabase(process.env, 'tidings resume', 'left', (pool) => withTransaction(pool, work));
}
