/**
 * The processes of one machine that share a folder: who is alive, who holds its lock, who is attached to it.
 *
 * Everything lives in small files, so that it outlives a `kill -9`: whoever comes next sees that the writer is dead.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

interface ProcessId {
  readonly pid: number;
  /** When it started, in the words of the system: tells it from a later process with the same pid. */
  readonly start: string;
}

function thisProcess(): ProcessId {
  return { pid: process.pid, start: startOf(process.pid) ?? '' };
}

function isAlive(id: ProcessId): boolean {
  return startOf(id.pid) === id.start;
}

/** Whether any process with this pid runs. A zombie does not: nobody may be there to reap it. */
export function isRunning(pid: number): boolean {
  return startOf(pid) !== undefined;
}

/** The command line of a process; empty when it is gone or is not ours to see. */
export function commandOf(pid: number): string {
  if (process.platform === 'linux') return (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ');
  if (process.platform === 'win32') return '';
  return ps(pid, 'command=') ?? '';
}

/** Does the work while no other process, and no other caller in this one, holds the lock of `folder`. */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = await acquire(folder);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Adds this process to the members of `folder`, until the returned function is called or the process dies. */
export function enlist(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = join(folder, `${process.pid}-${randomUUID()}`);
  writeFileSync(name, JSON.stringify(thisProcess()));
  return () => rmSync(name, { force: true });
}

/** How many members of `folder` are alive; forgets the others. */
export function countMembers(folder: string): number {
  let alive = 0;
  for (const name of names(folder)) {
    const id = readProcessId(join(folder, name));
    if (id && isAlive(id)) alive++;
    else rmSync(join(folder, name), { force: true });
  }
  return alive;
}

/**
 * A lock is a ladder of files 1, 2, 3…: the highest names the holder, and whoever finds it free or dead adds the next.
 * Numbers never fall, which is what makes it safe: a slow reader of an old number finds a higher one and steps back,
 * where the usual "remove the stale file, make a new one" lets it remove the new one.
 */
async function acquire(folder: string): Promise<() => void> {
  const mine = join(folder, `new-${randomUUID()}`);
  for (;;) {
    const top = highest(folder);
    const holder = top === 0 ? undefined : readProcessId(join(folder, String(top)));
    if (!holder || !isAlive(holder)) {
      const rung = top + 1;
      writeFileSync(mine, JSON.stringify(thisProcess()));
      const taken = tryLink(mine, join(folder, String(rung)));
      rmSync(mine, { force: true });
      if (taken && highest(folder) === rung) {
        removeBelow(folder, rung);
        return () => writeFileSync(join(folder, String(rung)), '');
      }
      if (taken) rmSync(join(folder, String(rung)), { force: true });
    }
    await pause(20 + Math.random() * 20);
  }
}

function highest(folder: string): number {
  return Math.max(0, ...names(folder).map(Number).filter(Number.isInteger));
}

/** Also the `new-` files of killed processes; a living one that loses its file here just tries again. */
function removeBelow(folder: string, rung: number): void {
  for (const name of names(folder)) {
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

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readProcessId(file: string): ProcessId | undefined {
  try {
    return JSON.parse(readText(file) ?? '') as ProcessId;
  } catch {
    return undefined;
  }
}

function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return startOnLinux(pid);
  if (process.platform !== 'win32') return ps(pid, 'lstart=');
  try {
    process.kill(pid, 0);
    return 'running';
  } catch {
    return undefined;
  }
}

function startOnLinux(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, and may itself hold spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  if (!fields || state === 'Z' || state === 'X') return undefined;
  boot ??= readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  // Field 22 of the file, in clock ticks since boot; `fields` begins at the third.
  return `${boot}/${fields[19]}`;
}
let boot: string | undefined;

function ps(pid: number, column: string): string | undefined {
  try {
    const out = execFileSync('ps', ['-o', `stat=,${column}`, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    const [, state, value] = /^\s*(\S+)\s+(.*)/.exec(out) ?? [];
    return state?.startsWith('Z') ? undefined : value?.trim();
  } catch {
    return undefined;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
