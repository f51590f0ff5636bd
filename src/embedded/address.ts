/* The address of the embedded server, and its entries in postmaster.pid. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryReadFile } from '../lib/files.ts';
import { secretFile } from '../lib/secret-file.ts';
import { getCommand, isRunning } from './processes.ts';

export interface Listen {
  /** Folder of the Unix socket; undefined for TCP on the loopback address. */
  readonly socketDir: string | undefined;
  readonly port: number;
}

/**
 * Returns the socket folder of a data directory. Socket paths have at most about 100 bytes, so a deep data directory uses a
 * folder in the temporary one.
 */
export function toSocket(dataDir: string): Listen {
  const running = readPidFile(join(dataDir, 'postgres'));
  const near = join(dataDir, 'socket');
  const name = `tidings-${process.getuid?.() ?? 0}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
  const far = [tmpdir(), '/tmp'].map((folder) => join(folder, name)).find(isShortPath);
  // Another process may have a different temporary folder, so the folder of a running server is read from postmaster.pid.
  return { socketDir: running?.socketDir || (isShortPath(near) ? near : (far ?? near)), port: 5432 };
}

function isShortPath(socketDir: string): boolean {
  return Buffer.byteLength(`${socketDir}/.s.PGSQL.5432`) < 100;
}

/** Returns the port used before if it is free, or another free port. */
export async function choosePort(cluster: string): Promise<number> {
  const running = readPidFile(cluster);
  if (running && isServer(running.pid, cluster)) return running.port;
  const before = /^port = '(\d+)'$/m.exec(tryReadFile(join(cluster, 'postgresql.conf')) ?? '')?.[1];
  return (await findFreePort(Number(before ?? 0))) ?? (await findFreePort(0)) ?? 0;
}

async function findFreePort(wanted: number): Promise<number | undefined> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return undefined;
  }
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' ? address?.port : undefined;
}

/** Returns the password of the server, which the first process creates in the data directory. */
export function readPassword(dataDir: string): string {
  return secretFile(join(dataDir, 'password'), () => randomBytes(24).toString('hex'));
}

const SEARCH_PATH = encodeURIComponent('-c search_path=public');

/** Builds a complete connection URL: omitted parts would be taken from PGPORT, PGSSLMODE, PGOPTIONS and similar variables. */
export function toUrl(
  { socketDir, port }: Listen,
  user: string,
  database: string,
  password: string | undefined,
): string {
  const who = password ? `${user}:${password}` : user;
  const host = socketDir ? `host=${encodeURIComponent(socketDir)}&` : '';
  return `postgres://${who}@${socketDir ? 'localhost' : '127.0.0.1'}:${port}/${database}?${host}sslmode=disable&options=${SEARCH_PATH}`;
}

export interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** Empty if the server listens on TCP only. */
  readonly socketDir: string;
}

/**
 * Parses postmaster.pid, whose lines are: pid, data directory, start time, port, socket directory, listen address, shared
 * memory, status. Returns undefined if there is no such file.
 */
export function readPidFile(cluster: string): PidFile | undefined {
  const [pid, , , port, socketDir] = tryReadFile(join(cluster, 'postmaster.pid'))?.split('\n') ?? [];
  return Number(pid) > 0 ? { pid: Number(pid), port: Number(port), socketDir: socketDir ?? '' } : undefined;
}

/** Whether the process is the server of this cluster, and not another program that reuses the pid of a dead server. */
export function isServer(pid: number, cluster: string): boolean {
  if (!isRunning(pid)) return false;
  if (process.platform === 'win32') return true;
  // Also compares the working directory, because the cluster may have been moved after the server started.
  return getCommand(pid).includes(`-D ${cluster}`) || workingDirectory(pid) === cluster;
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
