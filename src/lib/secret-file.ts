import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * What `file` says; where there is none yet, it is made with what `make` returns, for its owner alone.
 *
 * It is there whole or not at all: neither a process that starts at the same moment nor one that starts after a crash
 * (of the machine, too) finds half a secret, and all find the same one.
 */
export function secretFile(file: string, make: () => string): string {
  return readIf(file) ?? create(file, make());
}

function create(file: string, content: string): string {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, content, { flag: 'wx', mode: 0o600, flush: true });
    // Unlike a rename, a link does not replace what another process made in the meantime.
    linkSync(draft, file);
    // A folder cannot be opened on Windows.
    if (process.platform !== 'win32') flushFolder(dirname(file));
    return content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(draft, { force: true });
  }
}

function flushFolder(folder: string): void {
  const open = openSync(folder, 'r');
  fsyncSync(open);
  closeSync(open);
}

function readIf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
