/** The embedded server itself: its cluster is made, it is found or started, and stopped. All of it under the lock. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { ConfigError } from '../errors.ts';
import type { Millis } from '../model/event.ts';
import { choosePort, isServer, type Listen, readIf, readPassword, readPidFile, socketIn, urlOf } from './address.ts';
import { isRunning } from './processes.ts';
import { findPrograms, type Programs } from './programs.ts';
import { serverSettings } from './settings.ts';

export interface ServerOptions {
  /** Made when missing. */
  readonly dataDir: string;
  /** Gets one line for each thing worth knowing; silent by default. */
  readonly log?: (line: string) => void;
  /** Lines of postgresql.conf over our own. A server that already runs keeps what it has. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `socket` (in a folder closed to other users) by default; `tcp` on Windows: loopback, with a password. */
  readonly transport?: 'socket' | 'tcp';
  /** A running server that has not said a word for so long hangs, and is replaced. Default 10 s. */
  readonly answerWithin?: Millis;
}

export interface Server {
  readonly dataDir: string;
  readonly cluster: string;
  readonly programs: Programs;
  readonly listen: Listen;
  readonly url: (user: 'postgres' | 'tidings', database: string) => string;
  readonly settings: Readonly<Record<string, string>>;
  readonly answerWithin: Millis;
  readonly log: (line: string) => void;
  readonly logFile: string;
}

export async function findServer(dataDir: string, options: ServerOptions): Promise<Server> {
  const cluster = join(dataDir, 'postgres');
  const transport = options.transport ?? (process.platform === 'win32' ? 'tcp' : 'socket');
  const listen = transport === 'tcp' ? { socketDir: undefined, port: await choosePort(cluster) } : socketIn(dataDir);
  const password = transport === 'tcp' ? readPassword(dataDir) : undefined;
  return {
    dataDir,
    cluster,
    programs: findPrograms(dataDir, cluster),
    listen,
    url: (user, database) => urlOf(listen, user, database, password),
    settings: options.settings ?? {},
    answerWithin: options.answerWithin ?? 10_000,
    log: options.log ?? (() => {}),
    logFile: join(dataDir, 'postgres.log'),
  };
}

/** Made aside and moved into place, so that a kill in the middle leaves nothing that looks finished. */
export async function initialise(server: Server): Promise<void> {
  const { dataDir, cluster, programs } = server;
  const version = readIf(join(cluster, 'PG_VERSION'))?.trim();
  if (version !== undefined) {
    if (version === String(programs.major)) return;
    throw new ConfigError(
      `The data in ${dataDir} was written by PostgreSQL ${version}, and this is PostgreSQL ${programs.major}. ` +
        `Dump it with the version of Tidings that wrote it and load it here, or choose another data directory.`,
    );
  }
  if (existsSync(cluster)) {
    throw new ConfigError(`${cluster} is there, but holds no database: remove it, or choose another data directory.`);
  }
  for (const name of readdirSync(dataDir)) {
    // An initdb that outlived its starter may still be writing into its own: leave that to a later start.
    if (name.startsWith('postgres.new-')) tryRemove(join(dataDir, name));
  }
  const fresh = join(dataDir, `postgres.new-${randomBytes(6).toString('hex')}`);
  programs.ownFolder(fresh);
  try {
    await runInitdb(server, fresh);
    renameSync(fresh, cluster);
    syncFolder(dataDir);
  } finally {
    tryRemove(fresh);
  }
}

async function runInitdb({ dataDir, listen, programs }: Server, folder: string): Promise<void> {
  const auth = listen.socketDir
    ? ['--auth-local=trust', '--auth-host=reject']
    : ['--auth=scram-sha-256', `--pwfile=${join(dataDir, 'password')}`];
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const initdb = programs.spawn('initdb', ['-D', folder, '--username=postgres', ...auth, ...locale], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [complaint, code] = await Promise.all([initdb.stderr ? text(initdb.stderr) : '', exitOf(initdb)]);
  if (code !== 0) throw new Error(`initdb could not make a database in ${dataDir}: ${complaint.trim() || code}`);
}

/** The processes of a server that was killed hold its shared memory until they notice: worth waiting for. */
const HELD = /shared memory block|lock file/;

/** Comes back when the server takes queries and has our database: one that runs is reused, one that hangs is replaced. */
export async function ensureRunning(server: Server): Promise<void> {
  let child: ChildProcess | undefined;
  let starts = 0;
  const logged = boundLog(server);
  let silentSince = Date.now();
  for (;;) {
    const pid = child && isLive(child) ? child.pid : runningPid(server);
    if (pid === undefined) {
      if (starts > 0) {
        const words = lastWords(server, logged);
        if (starts >= (HELD.test(words) ? 100 : 3)) throw new Error(`PostgreSQL does not start: ${words}`);
        await pause(300);
      }
      starts++;
      child = launch(server);
      silentSince = Date.now();
    } else {
      const answer = await ask(server);
      if (answer === 'ready') break;
      if (answer === 'busy') silentSince = Date.now();
      if (Date.now() - silentSince > server.answerWithin) {
        server.log(`PostgreSQL (process ${pid}) does not answer: stopping it`);
        await endProcess(pid, [
          ['SIGQUIT', 2_000],
          ['SIGKILL', 2_000],
        ]);
      } else await pause(25);
    }
  }
  if (starts > 0) server.log(`PostgreSQL ${server.programs.major} started, data in ${server.dataDir}`);
}

function launch(server: Server): ChildProcess {
  const { cluster, listen, programs, logFile } = server;
  if (listen.socketDir) {
    programs.ownFolder(listen.socketDir);
    // Only we listen there, and we do not run: what is left belongs to a dead server, or to nobody after pid reuse.
    rmSync(join(listen.socketDir, `.s.PGSQL.${listen.port}.lock`), { force: true });
  }
  const stale = readPidFile(cluster);
  // PostgreSQL removes the file of a dead server itself, but not when another program has that pid now.
  if (stale && isRunning(stale.pid)) rmSync(join(cluster, 'postmaster.pid'), { force: true });
  const conf = join(cluster, 'postgresql.conf');
  writeFileSync(`${conf}.new`, serverSettings(listen, server.settings), { mode: 0o644 });
  renameSync(`${conf}.new`, conf);

  const out = openSync(logFile, 'a', 0o600);
  try {
    const stdio = ['ignore' as const, out, out];
    // Windows: only pg_ctl knows how to give up the rights of an administrator.
    if (process.platform === 'win32') return programs.spawn('pg_ctl', ['start', '-D', cluster, '-w', '-s'], { stdio });
    // A session of its own: the Ctrl-C of the terminal is for us, and we stop the server when we are done with it.
    const child = programs.spawn('postgres', ['-D', cluster], { stdio, detached: true, cwd: '/' });
    child.on('error', (error) => server.log(`PostgreSQL cannot be run: ${error.message}`));
    child.unref();
    return child;
  } finally {
    closeSync(out);
  }
}

/** Fast (transactions are rolled back), then without a checkpoint, then hard: each is safe, the later recover longer. */
export async function stopServer(server: Server): Promise<void> {
  const pid = runningPid(server);
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    await exitOf(
      server.programs.spawn('pg_ctl', ['stop', '-D', server.cluster, '-m', 'fast', '-s'], { stdio: 'ignore' }),
    );
  } else
    await endProcess(pid, [
      ['SIGINT', 6_000],
      ['SIGQUIT', 2_000],
      ['SIGKILL', 1_000],
    ]);
}

async function endProcess(pid: number, signals: [NodeJS.Signals, Millis][]): Promise<void> {
  for (const [signal, patience] of signals) {
    if (!isRunning(pid)) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    for (const since = Date.now(); isRunning(pid) && Date.now() - since < patience; ) await pause(20);
  }
}

/** `busy`: it answers, but is starting or stopping; `silent`: nobody is there, or no word came. Makes what is missing. */
async function ask(server: Server): Promise<'ready' | 'busy' | 'silent'> {
  const patience = server.answerWithin;
  const client = new pg.Client({
    connectionString: server.url('postgres', 'postgres'),
    connectionTimeoutMillis: patience,
    query_timeout: patience,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await createDatabase(server, client);
    return 'ready';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) return 'silent';
    // cannot_connect_now, crash_shutdown, admin_shutdown
    if (error.code?.startsWith('57P')) return 'busy';
    // too_many_connections: whoever has them made sure of the database
    if (error.code === '53300') return 'ready';
    throw error;
  } finally {
    // A server that hangs does not say goodbye either: do not wait for it.
    client.end().catch(() => {});
  }
}

async function createDatabase(server: Server, client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    "select (select true from pg_roles where rolname = 'tidings') as role,(select true from pg_database where datname = 'tidings') as database",
  );
  const password = server.listen.socketDir ? '' : ` password '${readPassword(server.dataDir)}'`;
  if (!rows[0]?.role) {
    await client.query(`create role tidings login createdb${password};
      grant pg_monitor, pg_checkpoint, pg_signal_backend to tidings`);
  }
  if (!rows[0]?.database) await client.query('create database tidings owner tidings');
}

function runningPid({ cluster }: Server): number | undefined {
  const pid = readPidFile(cluster)?.pid;
  return pid !== undefined && isServer(pid, cluster) ? pid : undefined;
}

/** Empties the log when it has grown large; tells its size in bytes. */
function boundLog({ logFile }: Server): number {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size < 4 * 1024 * 1024) return size;
  truncateSync(logFile);
  return 0;
}

/** What the server wrote to its log since `from` (bytes), each line once. */
function lastWords({ logFile }: Server, from: number): string {
  const written = readIf(logFile) ?? '';
  const lines = Buffer.from(written).subarray(from).toString().trim().split('\n');
  const words = new Set(lines.map((line) => line.replace(/^.*?\] /, '')));
  return `${[...words].slice(-4).join(' / ')} (${logFile})`;
}

function isLive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function exitOf(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return code ?? signal ?? 'unknown';
}

/** So that a power cut does not undo a rename. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function tryRemove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Somebody writes there; it is only litter.
  }
}
