import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import pino, { type Logger } from 'pino';
import { buildSampleEvent } from '../catalog/sample-event.ts';
import { readConfig } from '../config.ts';
import { CatalogError, ConfigError } from '../errors.ts';
import { ROOT } from '../lib/package-root.ts';
import type { Roles, Running } from '../main.ts';
import { serializeError } from '../privacy/log-serializers.ts';
import { getSqlState, isUnreachable } from '../store/pg/errors.ts';
import { printError } from './run-command.ts';
import { startupBanner } from './startup-banner.ts';

const EXAMPLE = join(ROOT, 'examples', 'fintech');

/** A second Ctrl-C, or this long after the first one, ends the process without further ado. */
const PATIENCE = 9000;

/** How long a start waits for its database, in milliseconds. */
const DATABASE_PATIENCE = 30_000;

/** `start`, `api` and `workers`: one program, other roles. */
export function serveCommand(program: Command, name: string, description: string, roles: Roles): void {
  program
    .command(name)
    .description(description)
    .option('--catalog <dir>', 'the catalog to apply (TIDINGS_CATALOG)')
    .option('--port <port>', 'the port to serve on (PORT)')
    .option('--json', 'say what runs as one line of JSON')
    .action(async (options: { catalog?: string; port?: string; json?: boolean }) => {
      const env = {
        ...process.env,
        ...(options.catalog ? { TIDINGS_CATALOG: options.catalog } : {}),
        ...(options.port ? { PORT: options.port } : {}),
      };
      try {
        await serve(roles, env, options.json ?? false);
      } catch (error) {
        if (!isForUsers(error)) throw error;
        printError(error, beforeIt(error));
        process.exitCode = 1;
      }
    });
}

function beforeIt(error: Error): string {
  if (isUnreachable(error)) return 'the database cannot be reached: ';
  return isDatabaseRefusal(error) ? 'the database of DATABASE_URL refuses us: ' : '';
}

async function serve(roles: Roles, env: NodeJS.ProcessEnv, asJson: boolean): Promise<void> {
  const config = readConfig(env, { catalogDir: EXAMPLE });
  // Loaded here, so that --help and a mistake in the configuration do not wait for all of it.
  const { run } = await import('../main.ts');
  // On stderr: what a program reads from stdout stays clean.
  const log = pino({ level: config.logLevel, base: null, serializers: { err: serializeError } }, pino.destination(2));
  const stopping = new AbortController();
  let running: Running | undefined;
  const stop = () => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    setTimeout(() => process.exit(1), PATIENCE).unref();
    if (running) void end(running, asJson);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

  try {
    running = await runWhenDatabaseIsThere(() => run(roles, config, log), log, stopping.signal);
  } catch (error) {
    // A Ctrl-C of a terminal reaches all that is being started: what it ends is no failure.
    if (!stopping.signal.aborted) throw error;
    log.debug({ err: error }, 'stopped while starting');
    if (!asJson) console.log('Stopped.');
    process.exit(0);
  }
  if (stopping.signal.aborted) return end(running, asJson);
  if (asJson) {
    const { url, database, catalog } = running;
    console.log(JSON.stringify({ ready: true, url, database, catalog_version: catalog.version, pid: process.pid }));
  } else {
    console.log(startupBanner(roles, running, config, buildSampleEvent(running.catalog.data)));
  }
}

/** A database that starts with us, or was just restarted, may need a moment. */
async function runWhenDatabaseIsThere(
  start: () => Promise<Running>,
  log: Logger,
  stopping: AbortSignal,
): Promise<Running> {
  for (const since = Date.now(); ; ) {
    try {
      return await start();
    } catch (error) {
      if (!isUnreachable(error) || stopping.aborted || Date.now() - since > DATABASE_PATIENCE) throw error;
      log.warn(`The database cannot be reached, trying again: ${(error as Error).message}`);
      await pause(500);
    }
  }
}

async function end(running: Running, asJson: boolean): Promise<void> {
  if (!asJson) console.log('Stopping: what was taken in is finished first.');
  await running.stop();
  if (!asJson) console.log('Stopped.');
  process.exit(0);
}

function isForUsers(error: unknown): error is Error {
  if (error instanceof ConfigError || error instanceof CatalogError) return true;
  if (isUnreachable(error) || isDatabaseRefusal(error)) return true;
  return ['EADDRINUSE', 'EACCES'].includes(getSqlState(error));
}

/** No such role or a wrong password (28), no such database (3D000), no right to do it (42501). */
function isDatabaseRefusal(error: unknown): boolean {
  return /^(28...|3D000|42501)$/.test(getSqlState(error));
}
