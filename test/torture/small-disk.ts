import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A file system of its own for the data directory, which the torture fills now and then. It is in memory, and gone with its
 * process.
 */

/** Room for a database with some thousand events, and little more. */
const SIZE = '700m';

/** Commands that run a program with its own mount points: as root, and as another user. */
const UNSHARE = [
  ['unshare', '--mount'],
  ['unshare', '--map-root-user', '--mount'],
] as const;

/**
 * Runs the program again with a small disk mounted at `directory`.
 * @param args of the program after the script
 * @returns its exit code; undefined: this machine does not let programs mount a file system
 */
export async function rerunOnSmallDisk(directory: string, args: readonly string[]): Promise<number | undefined> {
  const mount = `mount -t tmpfs -o size=${SIZE},mode=777 tmpfs "$0"`;
  const unshare = UNSHARE.find(([command, ...options]) => {
    return spawnSync(command, [...options, 'sh', '-c', mount, directory]).status === 0;
  });
  if (!unshare) return undefined;
  const [command, ...options] = unshare;
  const [runner, main] = ['../../scripts/run.mjs', 'main.ts'].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const run = [process.execPath, ...process.execArgv, runner, main, ...args, '--disk', directory] as string[];
  const child = spawn(command, [...options, 'sh', '-c', `${mount} && exec "$@"`, directory, ...run], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

const BLOCK = Buffer.alloc(1024 * 1024);

/** Fills the file system of the directory to its last byte. Returns a function that makes room again. */
export function fillDisk(directory: string): () => void {
  const ballast = join(directory, 'ballast');
  const file = openSync(ballast, 'w');
  try {
    for (let size = BLOCK.length; size >= 1; ) {
      try {
        writeSync(file, BLOCK, 0, size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(ballast, { force: true });
}
