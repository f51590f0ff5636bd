/** Where the embedded server listens, and what it says of itself in postmaster.pid. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secretFile } from '../lib/secret-file.ts';
import { commandOf, isRunning } from './processes.ts';

export interface Listen {
  /** Folder of the Unix socket; undefined: TCP on the loopback address. */
  readonly socketDir: string | undefined;
  readonly port: number;
}

/** A Unix socket's path has about 100 bytes: a deep data directory gets a folder in the temporary one. */
export function socketIn(dataDir: string): Listen {
  const running = readPidFile(join(dataDir, 'postgres'));
  const near = join(dataDir, 'socket');
  const name = `tidings-${process.getuid?.() ?? 0}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
  const far = [tmpdir(), '/tmp'].map((folder) => join(folder, name)).find(isShort);
  // Another process may have another temporary folder: a running server says itself where it is.
  return { socketDir: running?.socketDir || (isShort(near) ? near : (far ?? near)), port: 5432 };
}

function isShort(socketDir: string): boolean {
  return Buffer.byteLength(`${socketDir}/.s.PGSQL.5432`) < 100;
}

/** The port it had before, as long as nobody else took it. */
export async function choosePort(cluster: string): Promise<number> {
  const running = readPidFile(cluster);
  if (running && isServer(running.pid, cluster)) return running.port;
  const before = /^port = '(\d+)'$/m.exec(readIf(join(cluster, 'postgresql.conf')) ?? '')?.[1];
  return (await freePort(Number(before ?? 0))) ?? (await freePort(0)) ?? 0;
}

async function freePort(wanted: number): Promise<number | undefined> {
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

export function readPassword(dataDir: string): string {
  return secretFile(join(dataDir, 'password'), () => randomBytes(24).toString('hex'));
}

/** Everything is spelt out, because what is missing would come from PGPORT, PGSSLMODE and the like. */
export function urlOf(
  { socketDir, port }: Listen,
  user: string,
  database: string,
  password: string | undefined,
): string {
  const who = password ? `${user}:${password}` : user;
  const host = socketDir ? `host=${encodeURIComponent(socketDir)}&` : '';
  return `postgres://${who}@${socketDir ? 'localhost' : '127.0.0.1'}:${port}/${database}?${host}sslmode=disable`;
}

export interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** Empty: it listens on TCP only. */
  readonly socketDir: string;
}

/** Lines of postmaster.pid: pid, data directory, start, port, socket directory, listen address, shared memory, status. */
export function readPidFile(cluster: string): PidFile | undefined {
  const [pid, , , port, socketDir] = readIf(join(cluster, 'postmaster.pid'))?.split('\n') ?? [];
  return Number(pid) > 0 ? { pid: Number(pid), port: Number(port), socketDir: socketDir ?? '' } : undefined;
}

/** Whether that process is the server of this cluster, and not another program that got the pid of a dead one. */
export function isServer(pid: number, cluster: string): boolean {
  if (!isRunning(pid)) return false;
  if (process.platform === 'win32') return true;
  // By its working directory too: the cluster may have been moved since it was started.
  return commandOf(pid).includes(`-D ${cluster}`) || workingDirectory(pid) === cluster;
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

export function readIf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
