import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/* A file system of its own for the data directory, to be filled. It is in memory, and gone with its process. */

/** Room for a database with some thousand events, and little more. */
const SIZE_MIB = 700;

/** Commands that run a program with its own mount points: as root, and as another user. */
const UNSHARE = [
  ['unshare', '--mount'],
  ['unshare', '--map-root-user', '--mount'],
] as const;

/**
 * Returns the words of a command, to be followed by those of a program, that runs the program with a small disk mounted at
 * `directory`; undefined: this machine does not let programs mount a file system.
 *
 * @param prepare shell command that runs before the program; `$0` is the directory
 */
export function runOnSmallDisk(directory: string, sizeMib: number, prepare = 'true'): readonly string[] | undefined {
  const script = `mount -t tmpfs -o size=${sizeMib}m,mode=777 tmpfs "$0" && ${prepare} && exec "$@"`;
  for (const unshare of UNSHARE) {
    const words = [...unshare, 'sh', '-c', script, directory];
    const [command = '', ...options] = words;
    if (spawnSync(command, [...options, 'true']).status === 0) return words;
  }
  return undefined;
}

/**
 * Runs the program again with a small disk mounted at `directory`.
 * @param args of the program after the script
 * @returns its exit code; undefined: this machine does not let programs mount a file system
 */
export async function rerunOnSmallDisk(directory: string, args: readonly string[]): Promise<number | undefined> {
  const [command, ...options] = runOnSmallDisk(directory, SIZE_MIB) ?? [];
  if (command === undefined) return undefined;
  const [runner, main] = ['../../scripts/run.mjs', 'main.ts'].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const run = [process.execPath, ...process.execArgv, runner, main, ...args, '--disk', directory] as string[];
  const child = spawn(command, [...options, ...run], { stdio: 'inherit' });
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
