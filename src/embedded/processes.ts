/*
 * Coordination of the processes of one machine that share a folder: liveness, a lock, and membership.
 *
 * The state lives in small files that survive `kill -9`; the next process detects that their writer is dead.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { tryReadFile } from '../lib/files.ts';

export interface ProcessId {
  readonly pid: number;
  /** Start time as reported by the system; distinguishes a later process with the same pid. */
  readonly start: string;
}

function getThisProcess(): ProcessId {
  return { pid: process.pid, start: getStartTime(process.pid) ?? '' };
}

/** Returns whether it is still the same process, and not a later one with its pid. */
export function isAlive(id: ProcessId): boolean {
  return getStartTime(id.pid) === id.start;
}

/** Whether a process with this pid runs. A zombie does not count, because it may never be reaped. */
export function isRunning(pid: number): boolean {
  return getStartTime(pid) !== undefined;
}

/** Returns the command line of a process; empty if it is gone or not visible to this user. */
export function getCommand(pid: number): string {
  if (process.platform === 'linux') return (tryReadFile(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ');
  if (process.platform === 'win32') return '';
  return runPs(pid, 'command=') ?? '';
}

/** Runs `work` while holding the lock of `folder`, exclusive among processes and among callers in this process. */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = await acquireLock(folder);
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * Adds this process to the members of `folder`, until the returned function is called or the process dies.
 * @param about further fields that `listMembers` returns
 */
export function addMember(folder: string, about: object = {}): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = join(folder, `${process.pid}-${randomUUID()}`);
  writeFileSync(name, JSON.stringify({ ...about, ...getThisProcess() }));
  return () => rmSync(name, { force: true });
}

/** Counts the live members of `folder`, and removes the others. */
export function countMembers(folder: string): number {
  return listMembers(folder).length;
}

/** Returns the live members of `folder` with what they said about themselves, and removes the others. */
export function listMembers(folder: string): (ProcessId & { readonly [about: string]: unknown })[] {
  return listNames(folder).flatMap((name) => {
    const id = readProcessId(join(folder, name));
    if (id && isAlive(id)) return [{ ...id }];
    rmSync(join(folder, name), { force: true });
    return [];
  });
}

/**
 * Acquires the lock of a folder and returns its release. The lock is a sequence of files 1, 2, 3…: the highest names the
 * holder, and a process that finds it free or dead creates the next. Numbers never decrease, which makes it safe: a slow
 * reader of an old number sees the higher one and steps back, whereas with "remove the stale file, create a new one" it
 * could remove the new file.
 */
async function acquireLock(folder: string): Promise<() => void> {
  const mine = join(folder, `new-${randomUUID()}`);
  for (;;) {
    const top = findHighest(folder);
    const holder = top === 0 ? undefined : readProcessId(join(folder, String(top)));
    if (!holder || !isAlive(holder)) {
      const rung = top + 1;
      writeFileSync(mine, JSON.stringify(getThisProcess()));
      const taken = tryLink(mine, join(folder, String(rung)));
      rmSync(mine, { force: true });
      if (taken && findHighest(folder) === rung) {
        removeBelow(folder, rung);
        return () => writeFileSync(join(folder, String(rung)), '');
      }
      if (taken) rmSync(join(folder, String(rung)), { force: true });
    }
    await pause(20 + Math.random() * 20);
  }
}

function findHighest(folder: string): number {
  return Math.max(0, ...listNames(folder).map(Number).filter(Number.isInteger));
}

/** Removes old lock files, and the `new-` files of killed processes; a live process that loses its file retries. */
function removeBelow(folder: string, rung: number): void {
  for (const name of listNames(folder)) {
    if (!(Number(name) >= rung)) rmSync(join(folder, name), { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readProcessId(file: string): ProcessId | undefined {
  try {
    return JSON.parse(tryReadFile(file) ?? '') as ProcessId;
  } catch {
    return undefined;
  }
}

function getStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') return getStartTimeOnLinux(pid);
  if (process.platform !== 'win32') return runPs(pid, 'lstart=');
  try {
    process.kill(pid, 0);
    return 'running';
  } catch {
    return undefined;
  }
}

function getStartTimeOnLinux(pid: number): string | undefined {
  const stat = tryReadFile(`/proc/${pid}/stat`);
  // The second field is the name of the program in brackets, and may itself contain spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  if (!fields || state === 'Z' || state === 'X') return undefined;
  boot ??= tryReadFile('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  // Field 22 of the file, in clock ticks since boot; `fields` begins at the third.
  return `${boot}/${fields[19]}`;
}
let boot: string | undefined;

function runPs(pid: number, column: string): string | undefined {
  try {
    const out = execFileSync('ps', ['-o', `stat=,${column}`, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    const [, state, value] = /^\s*(\S+)\s+(.*)/.exec(out) ?? [];
    return state?.startsWith('Z') ? undefined : value?.trim();
  } catch {
    return undefined;
  }
}
