import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPidFile } from '../../src/embedded/address.ts';

/** The processes of the embedded PostgreSQL of a data directory. */

/** Kills the postmaster; its children notice and exit. Returns false if it is not running. */
export function killDatabase(dataDir: string): boolean {
  const pid = readPidFile(join(dataDir, 'postgres'))?.pid;
  return pid !== undefined && signalProcess(pid, 'SIGKILL');
}

/**
 * Stops the server with all its connections for `duration` ms: it is there, and does not answer. Returns false if it is not
 * running.
 */
export function freezeDatabase(dataDir: string, duration: number): boolean {
  const pid = readPidFile(join(dataDir, 'postgres'))?.pid;
  if (pid === undefined || !signalProcess(pid, 'SIGSTOP')) return false;
  const children = listChildren(pid);
  for (const child of children) signalProcess(child, 'SIGSTOP');
  setTimeout(() => {
    for (const one of [...children, pid]) signalProcess(one, 'SIGCONT');
  }, duration);
  return true;
}

function listChildren(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // The name of the program, in parentheses, may have blanks; the parent follows the state behind it.
        const [, ppid] = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        return Number(ppid) === parent ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
