/* The embedded server: creates its cluster, finds or starts it, and stops it. The caller holds the lock of the folder. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
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
import { flushFolder, tryReadFile } from '../lib/files.ts';
import type { Millis } from '../model/event.ts';
import { choosePort, isServer, type Listen, readPassword, readPidFile, toSocket, toUrl } from './address.ts';
import { isRunning } from './processes.ts';
import { findPrograms, type Programs } from './programs.ts';
import { toServerConfig } from './settings.ts';

export interface ServerOptions {
  /** Created if missing. */
  readonly dataDir: string;
  /** Receives log lines; by default they are dropped. */
  readonly log?: (line: string) => void;
  /** Settings of postgresql.conf that override the defaults. A running server keeps its settings. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `socket` (in a folder closed to other users) by default; `tcp` on Windows: loopback, with a password. */
  readonly transport?: 'socket' | 'tcp';
  /** Time after which a running server that does not answer is replaced. Default 10 s. */
  readonly answerWithin?: Millis;
}

export interface Server {
  readonly dataDir: string;
  readonly cluster: string;
  readonly programs: Programs;
  readonly listen: Listen;
  readonly url: (user: 'postgres' | 'tidings' | 'tidings_api', database: string) => string;
  readonly settings: Readonly<Record<string, string>>;
  readonly answerWithin: Millis;
  readonly log: (line: string) => void;
  readonly logFile: string;
}

export async function findServer(dataDir: string, options: ServerOptions): Promise<Server> {
  const cluster = join(dataDir, 'postgres');
  const transport = options.transport ?? (process.platform === 'win32' ? 'tcp' : 'socket');
  const listen = transport === 'tcp' ? { socketDir: undefined, port: await choosePort(cluster) } : toSocket(dataDir);
  const password = transport === 'tcp' ? readPassword(dataDir) : undefined;
  return {
    dataDir,
    cluster,
    programs: findPrograms(dataDir, cluster),
    listen,
    url: (user, database) => toUrl(listen, user, database, password),
    settings: options.settings ?? {},
    answerWithin: options.answerWithin ?? 10_000,
    log: options.log ?? (() => {}),
    logFile: join(dataDir, 'postgres.log'),
  };
}

/** Creates the cluster in a temporary folder and moves it into place, so that a crash leaves nothing that looks complete. */
export async function createCluster(server: Server): Promise<void> {
  const { dataDir, cluster, programs } = server;
  const version = tryReadFile(join(cluster, 'PG_VERSION'))?.trim();
  if (version !== undefined) {
    if (version === String(programs.major)) return;
    throw new ConfigError(
      `The data in ${dataDir} was written by PostgreSQL ${version}, and this is PostgreSQL ${programs.major}. ` +
        `Dump it with the version of Tidings that wrote it and load it here, or choose another data directory.`,
    );
  }
  if (existsSync(cluster)) {
    throw new ConfigError(`${cluster} exists but holds no database: remove it, or choose another data directory.`);
  }
  for (const name of readdirSync(dataDir)) {
    // An initdb that outlived its parent may still be writing to its folder; a later start removes it.
    if (name.startsWith('postgres.new-')) tryRemove(join(dataDir, name));
  }
  const fresh = join(dataDir, `postgres.new-${randomBytes(6).toString('hex')}`);
  programs.ownFolder(fresh);
  try {
    await runInitdb(server, fresh);
    renameSync(fresh, cluster);
    flushFolder(dataDir);
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
  const [complaint, code] = await Promise.all([initdb.stderr ? text(initdb.stderr) : '', waitForExit(initdb)]);
  if (code !== 0) throw new Error(`initdb could not make a database in ${dataDir}: ${complaint.trim() || code}`);
}

/** Log lines after which a start is worth repeating: processes of a killed server hold its shared memory for a while. */
const SHARED_MEMORY_HELD = /shared memory block|lock file/;

/** Resolves when the server accepts queries and has the database. Reuses a running server, and replaces one that hangs. */
export async function ensureRunning(server: Server): Promise<void> {
  let child: ChildProcess | undefined;
  let starts = 0;
  const logged = truncateLog(server);
  let silentSince = Date.now();
  for (;;) {
    const pid = child && isLive(child) ? child.pid : findRunningPid(server);
    if (pid === undefined) {
      if (starts > 0) {
        const words = readLastLogLines(server, logged);
        if (starts >= (SHARED_MEMORY_HELD.test(words) ? 100 : 3))
          throw new Error(`PostgreSQL does not start: ${words}`);
        await pause(300);
      }
      starts++;
      child = launchServer(server);
      silentSince = Date.now();
    } else {
      const answer = await probeServer(server);
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

function launchServer(server: Server): ChildProcess {
  const { cluster, listen, programs, logFile } = server;
  if (listen.socketDir) {
    programs.ownFolder(listen.socketDir);
    // Only this server listens there, and it is not running, so the lock file is stale, possibly with a reused pid.
    rmSync(join(listen.socketDir, `.s.PGSQL.${listen.port}.lock`), { force: true });
  }
  const stale = readPidFile(cluster);
  // PostgreSQL removes the file of a dead server itself, unless another program has reused its pid.
  if (stale && isRunning(stale.pid)) rmSync(join(cluster, 'postmaster.pid'), { force: true });
  const conf = join(cluster, 'postgresql.conf');
  writeFileSync(`${conf}.new`, toServerConfig(listen, server.settings), { mode: 0o644 });
  renameSync(`${conf}.new`, conf);

  const out = openSync(logFile, 'a', 0o600);
  try {
    const stdio = ['ignore' as const, out, out];
    // Windows: only pg_ctl can drop administrator rights.
    if (process.platform === 'win32') return programs.spawn('pg_ctl', ['start', '-D', cluster, '-w', '-s'], { stdio });
    // A separate session, so that Ctrl-C in the terminal reaches only this process, which stops the server when it ends.
    const child = programs.spawn('postgres', ['-D', cluster], { stdio, detached: true, cwd: '/' });
    child.on('error', (error) => server.log(`PostgreSQL cannot be run: ${error.message}`));
    child.unref();
    return child;
  } finally {
    closeSync(out);
  }
}

/**
 * Stops the server: fast (rolls back transactions), then without a checkpoint, then by kill. Each is safe; recovery takes
 * longer.
 */
export async function stopServer(server: Server): Promise<void> {
  const pid = findRunningPid(server);
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    await waitForExit(
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

/**
 * Probes the server and creates the roles and the database if missing. `busy`: it answers, but is starting or stopping.
 * `silent`: no server, or no answer in time.
 */
async function probeServer(server: Server): Promise<'ready' | 'busy' | 'silent'> {
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
    // too_many_connections: the connected processes have already created the database
    if (error.code === '53300') return 'ready';
    throw error;
  } finally {
    // Not awaited: a server that hangs would not close the connection.
    client.end().catch(() => {});
  }
}

async function createDatabase(server: Server, client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `select (select true from pg_roles where rolname = 'tidings') as role,
            (select true from pg_roles where rolname = 'tidings_api') as api_role,
            (select true from pg_database where datname = 'tidings') as database`,
  );
  const password = server.listen.socketDir ? '' : ` password '${readPassword(server.dataDir)}'`;
  if (!rows[0]?.role) {
    await client.query(`create role tidings login createdb${password};
      grant pg_monitor, pg_checkpoint, pg_signal_backend to tidings`);
  }
  // Not made with the other one: a data directory of an earlier version has only that.
  if (!rows[0]?.api_role) await client.query(`create role tidings_api login${password}`);
  if (!rows[0]?.database) await client.query('create database tidings owner tidings');
}

function findRunningPid({ cluster }: Server): number | undefined {
  const pid = readPidFile(cluster)?.pid;
  return pid !== undefined && isServer(pid, cluster) ? pid : undefined;
}

/** Truncates a large log. Returns its size in bytes. */
function truncateLog({ logFile }: Server): number {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size < 4 * 1024 * 1024) return size;
  truncateSync(logFile);
  return 0;
}

/** Returns the last distinct log lines written after offset `from` (bytes). */
function readLastLogLines({ logFile }: Server, from: number): string {
  const written = tryReadFile(logFile) ?? '';
  const lines = Buffer.from(written).subarray(from).toString().trim().split('\n');
  const words = new Set(lines.map((line) => line.replace(/^.*?\] /, '')));
  return `${[...words].slice(-4).join(' / ')} (${logFile})`;
}

function isLive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function waitForExit(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return code ?? signal ?? 'unknown';
}

function tryRemove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Another process is writing there; a later start removes the folder.
  }
}
