/*
 * The embedded PostgreSQL: a real server in a data directory, shared by every process that uses the directory.
 *
 * dataDir/
 *   postgres/       the cluster
 *   postgres.log    the log of the server
 *   socket/         its Unix socket
 *   attached/       the processes that use the server; the last one to leave stops it
 *   lock/           held while the server is started, stopped or looked up
 *
 * The data does not depend on these files: any of the processes, and the server, may be killed at any time, and the next
 * start recovers.
 */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { DiskFullError } from '../errors.ts';
import { addMember, countMembers, withLock } from './processes.ts';
import { createCluster, ensureRunning, findServer, type Server, type ServerOptions, stopServer } from './server.ts';

export interface EmbeddedPostgres {
  /**
   * Connection URL for node-postgres: the database `tidings` with the role `tidings`, which owns it, may create databases,
   * and is not a superuser. Remains valid when the server restarts.
   */
  readonly url: string;
  /** The same with the role `tidings_api`, which owns nothing and has the rights that the owner grants it. */
  readonly apiUrl: string;
  /** Detaches this process. The last process to detach stops the server within 10 seconds. A second call does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts the server of `dataDir`, or attaches to the one that runs there, and keeps it running until `stop()`.
 * @throws ConfigError if the directory cannot be used; the message says what to change
 * @throws DiskFullError
 */
export async function startEmbedded(options: ServerOptions): Promise<EmbeddedPostgres> {
  const dataDir = createDataDir(options.dataDir);
  const lockFolder = join(dataDir, 'lock');
  const members = join(dataDir, 'attached');
  const log = options.log ?? (() => {});

  const start = async () => {
    const server = await findServer(dataDir, options);
    await createCluster(server);
    try {
      await ensureRunning(server);
      const guard = await watchServer(server, (work) => withLock(lockFolder, work));
      return { server, guard, leave: addMember(members) };
    } catch (error) {
      // A start that fails leaves no server behind, unless other processes use it.
      if (countMembers(members) === 0) await stopServer(server);
      throw error;
    }
  };
  const { server, guard, leave } = await withLock(lockFolder, start).catch((error: unknown) => {
    throw isDiskFull(error) ? new DiskFullError(dataDir, error) : error;
  });

  let stopped: Promise<void> | undefined;
  return {
    url: server.url('tidings', 'tidings'),
    apiUrl: server.url('tidings_api', 'tidings'),
    stop() {
      stopped ??= guard.stop().then(() =>
        withLock(lockFolder, async () => {
          leave();
          if (countMembers(members) > 0) return;
          await stopServer(server);
          log('PostgreSQL stopped');
        }),
      );
      return stopped;
    },
  };
}

/** Returns whether a write failed for want of space: one of this process, or one that the server has logged. */
function isDiskFull(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || /no space left on device/i.test(message);
}

function createDataDir(path: string): string {
  mkdirSync(resolve(path), { recursive: true, mode: 0o700 });
  return realpathSync(path);
}

/** Keeps one connection open, whose end reveals at once that the server is gone, and then restarts the server. */
async function watchServer(
  server: Server,
  locked: (work: () => Promise<void>) => Promise<void>,
): Promise<{ stop(): Promise<void> }> {
  let stopping = false;
  let client: pg.Client | undefined;
  let repair: Promise<void> | undefined;

  async function watch(): Promise<void> {
    const next = new pg.Client({
      connectionString: server.url('postgres', 'postgres'),
      application_name: 'tidings guard',
    });
    next.on('error', () => {});
    await next.connect();
    // Does not keep a finished process alive that did not call stop().
    setKeepAlive(next, false);
    next.once('end', () => {
      if (!stopping) repair = bringBack();
    });
    client = next;
  }

  async function bringBack(): Promise<void> {
    server.log('PostgreSQL stopped unexpectedly; restarting it');
    for (let wait = 250; !stopping; wait = Math.min(wait * 2, 10_000)) {
      try {
        if (!existsSync(join(server.cluster, 'PG_VERSION'))) {
          server.log(`The data in ${server.dataDir} is gone; PostgreSQL cannot be restarted`);
          return;
        }
        await locked(() => ensureRunning(server));
        await watch();
        return;
      } catch (error) {
        server.log(`PostgreSQL could not be restarted; will retry: ${(error as Error).message}`);
        await pause(wait);
      }
    }
  }

  await watch();
  return {
    async stop() {
      stopping = true;
      await repair;
      // Keeps the process alive until the connection has closed.
      if (client) setKeepAlive(client, true);
      await client?.end().catch(() => {});
    },
  };
}

/** Sets whether this connection keeps the process from exiting. */
function setKeepAlive(client: pg.Client, does: boolean): void {
  // The type definitions lack these two methods.
  const { ref, unref } = client as pg.Client & { ref(): void; unref(): void };
  (does ? ref : unref).call(client);
}
