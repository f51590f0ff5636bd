/**
 * PostgreSQL without installing PostgreSQL: a real server in a data directory, shared by every process that names it.
 *
 * dataDir/
 *   postgres/       the cluster
 *   postgres.log    what the server says about its own life
 *   socket/         its Unix socket
 *   attached/       the processes that use it; the last one that leaves stops the server
 *   lock/           held while the server is being started, stopped or looked for
 *
 * Nothing in here is needed for the data to be safe: any of the processes, and the server, may be killed at any time,
 * and the next start puts things right.
 */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { countMembers, enlist, withLock } from './processes.ts';
import { ensureRunning, findServer, initialise, type Server, type ServerOptions, stopServer } from './server.ts';

export interface EmbeddedPostgres {
  /**
   * For node-postgres: the database `tidings` as the role `tidings`, which owns it, may create others, and is no
   * superuser. Stays true when the server is restarted.
   */
  readonly url: string;
  /** Leaves; the last process out stops the server within 10 seconds, whatever it is doing. A second call does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts the server of `dataDir`, or attaches to the one that runs there, and keeps it running until `stop()`.
 * @throws ConfigError when it cannot be used as things are: the message says what to change
 */
export async function startEmbedded(options: ServerOptions): Promise<EmbeddedPostgres> {
  const dataDir = makeDataDir(options.dataDir);
  const lockFolder = join(dataDir, 'lock');
  const members = join(dataDir, 'attached');
  const log = options.log ?? (() => {});

  const { server, guard, leave } = await withLock(lockFolder, async () => {
    const server = await findServer(dataDir, options);
    await initialise(server);
    await ensureRunning(server);
    const guard = await guardServer(server, (work) => withLock(lockFolder, work));
    return { server, guard, leave: enlist(members) };
  });

  let stopped: Promise<void> | undefined;
  return {
    url: server.url('tidings', 'tidings'),
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

function makeDataDir(path: string): string {
  mkdirSync(resolve(path), { recursive: true, mode: 0o700 });
  return realpathSync(path);
}

/** Holds one connection open: its end is how we learn, at once, that the server is gone. */
async function guardServer(
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
    // A process that is done exits, also when nobody called stop().
    keepAlive(next, false);
    next.once('end', () => {
      if (!stopping) repair = bringBack();
    });
    client = next;
  }

  async function bringBack(): Promise<void> {
    server.log('PostgreSQL went away: starting it again');
    for (let wait = 250; !stopping; wait = Math.min(wait * 2, 10_000)) {
      try {
        if (!existsSync(join(server.cluster, 'PG_VERSION'))) {
          server.log(`The data in ${server.dataDir} is gone: PostgreSQL cannot be started again`);
          return;
        }
        await locked(() => ensureRunning(server));
        await watch();
        return;
      } catch (error) {
        server.log(`PostgreSQL could not be started again, trying further: ${(error as Error).message}`);
        await pause(wait);
      }
    }
  }

  await watch();
  return {
    async stop() {
      stopping = true;
      await repair;
      // Or the process would end while it waits for the goodbye.
      if (client) keepAlive(client, true);
      await client?.end().catch(() => {});
    },
  };
}

/** Whether this connection keeps the process from exiting. */
function keepAlive(client: pg.Client, does: boolean): void {
  // The types do not know these two.
  const { ref, unref } = client as pg.Client & { ref(): void; unref(): void };
  (does ? ref : unref).call(client);
}
