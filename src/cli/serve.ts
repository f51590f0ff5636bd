import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import pino, { type Logger } from 'pino';
import { buildSampleEvent } from '../catalog/sample-event.ts';
import { readConfig } from '../config.ts';
import { CatalogError, ConfigError, DiskFullError } from '../errors.ts';
import { ROOT } from '../lib/package-root.ts';
import type { Roles, Running } from '../main.ts';
import type { Millis } from '../model/event.ts';
import { serializeError } from '../privacy/log-serializers.ts';
import { getSqlState, isUnreachable } from '../store/pg/errors.ts';
import { recordRunning } from './local/running.ts';
import { formatStartupBanner } from './output/startup-banner.ts';
import { printError } from './run-command.ts';

const EXAMPLE_CATALOG = join(ROOT, 'examples', 'fintech');

/**
 * Time after the first signal at which the process ends even if it has not stopped cleanly: what a stop waits for sends, their
 * records and requests (see main.ts), and a little. A second signal ends it at once.
 */
const MAX_STOP_MS: Millis = 9000;

/** Time that a start waits for its database. */
const MAX_DATABASE_WAIT_MS: Millis = 30_000;
const DATABASE_RETRY_MS: Millis = 500;

/** Adds a command that serves: `start`, `api` or `workers`, which differ in their roles. */
export function addServeCommand(program: Command, name: string, description: string, roles: Roles): void {
  const command = program.command(name).description(description);
  // Workers alone listen on no port, and apply no catalog.
  if (roles.api) {
    command
      .option('--catalog <dir>', 'the folder of the catalog to apply (TIDINGS_CATALOG)')
      .option('--tenant <id>', 'the tenant whose catalog it is (TIDINGS_TENANT; default: default)')
      .option('--port <port>', 'the port to listen on (PORT)');
  }
  command
    .option('--health-port <port>', 'the port for probes of `tidings workers` (TIDINGS_HEALTH_PORT)')
    .option('--json', 'print one line of JSON when ready')
    .action(
      async (options: { catalog?: string; tenant?: string; port?: string; healthPort?: string; json?: boolean }) => {
        const env = {
          ...process.env,
          ...(options.catalog ? { TIDINGS_CATALOG: options.catalog } : {}),
          ...(options.tenant ? { TIDINGS_TENANT: options.tenant } : {}),
          ...(options.port ? { PORT: options.port } : {}),
          ...(options.healthPort ? { TIDINGS_HEALTH_PORT: options.healthPort } : {}),
        };
        try {
          await serve(name, roles, env, options.json ?? false);
        } catch (error) {
          if (!isUserError(error)) throw error;
          printError(error, getErrorPrefix(error));
          process.exitCode = 1;
        }
      },
    );
}

function getErrorPrefix(error: Error): string {
  if (isUnreachable(error)) return 'the database cannot be reached: ';
  if (isDiskFull(error) && !(error instanceof DiskFullError)) return 'a disk is full: ';
  return isConnectionRejected(error) ? 'the database of DATABASE_URL rejects the connection: ' : '';
}

async function serve(name: string, roles: Roles, env: NodeJS.ProcessEnv, asJson: boolean): Promise<void> {
  const config = readConfig(env, { catalogDir: EXAMPLE_CATALOG });
  // Imported here so that --help, and an error in the configuration, do not wait for the rest of the program.
  const { run } = await import('../main.ts');
  // The log goes to stderr, so that stdout holds only what other programs read.
  const log = pino({ level: config.logLevel, base: null, serializers: { err: serializeError } }, pino.destination(2));
  const stopping = new AbortController();
  let running: Running | undefined;
  const stop = () => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    setTimeout(endAnyway, MAX_STOP_MS).unref();
    if (running) void end(running, asJson);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

  try {
    running = await runWithDatabaseRetry(
      () => run(roles, config, log, Date.now, stopping.signal),
      log,
      stopping.signal,
    );
  } catch (error) {
    // Ctrl-C in a terminal also ends the processes that are being started: their errors are expected then.
    if (!stopping.signal.aborted) throw error;
    log.debug({ err: error }, 'stopped while starting');
    if (!asJson) console.log('Stopped.');
    process.exit(0);
  }
  if (stopping.signal.aborted) return end(running, asJson);
  recordRunning(config.dataDir, { command: name, url: running.url ?? running.healthUrl });
  if (asJson) {
    const { url, healthUrl, database, catalog } = running;
    console.log(
      JSON.stringify({
        ready: true,
        url,
        health_url: healthUrl,
        database,
        tenant: config.tenant,
        catalog_version: catalog.version,
        pid: process.pid,
      }),
    );
  } else {
    console.log(formatStartupBanner(roles, running, config, buildSampleEvent(running.catalog.data)));
    await printOwnerLink(running, process.stdout);
  }
}

/** Prints the link that logs in an owner, to a terminal only: a file or a log would keep it for others to find. */
async function printOwnerLink({ makeOwnerLink }: Running, output: NodeJS.WriteStream): Promise<void> {
  if (!output.isTTY) return;
  const link = await makeOwnerLink();
  if (link !== null) output.write(`  Log in    ${link}   (as an owner; once, within 10 minutes)\n\n`);
}

/**
 * Calls `start` again while the database is unreachable, because it may be starting at the same time as this process, or its
 * disk is full.
 */
async function runWithDatabaseRetry(
  start: () => Promise<Running>,
  log: Logger,
  stopping: AbortSignal,
): Promise<Running> {
  for (const since = Date.now(); ; ) {
    try {
      return await start();
    } catch (error) {
      const mayPass = isUnreachable(error) || isDiskFull(error);
      if (!mayPass || stopping.aborted || Date.now() - since > MAX_DATABASE_WAIT_MS) throw error;
      log.warn(`The database cannot be used, retrying: ${(error as Error).message}`);
      await pause(DATABASE_RETRY_MS);
    }
  }
}

/** Ends a stop that takes too long, such as one that waits for a database that does not respond. */
function endAnyway(): never {
  console.error(
    `tidings: not everything ended within ${MAX_STOP_MS / 1000} s, perhaps because the database does not respond; ` +
      'what was under way is taken up by another process, or after the next start',
  );
  process.exit(1);
}

async function end(running: Running, asJson: boolean): Promise<void> {
  if (!asJson) console.log('Stopping: work in progress is finished first.');
  await running.stop();
  if (!asJson) console.log('Stopped.');
  process.exit(0);
}

/** Whether the error is one that the user can fix, and that is printed without a stack. */
function isUserError(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof CatalogError) return true;
  if (isUnreachable(error) || isConnectionRejected(error) || isDiskFull(error)) return true;
  return ['EADDRINUSE', 'EACCES'].includes(getSqlState(error));
}

/** Returns whether a disk is full: that of the embedded PostgreSQL or of this process, or that of another PostgreSQL (53100). */
function isDiskFull(error: unknown): error is Error {
  return ['53100', 'ENOSPC'].includes(getSqlState(error));
}

/** Whether the role is unknown or its password wrong (28…), the database unknown (3D000), or a privilege missing (42501). */
function isConnectionRejected(error: unknown): boolean {
  return /^(28...|3D000|42501)$/.test(getSqlState(error));
}
