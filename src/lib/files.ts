import { closeSync, fsyncSync, openSync, readFileSync } from 'node:fs';

/** Returns the text of a file; undefined if it cannot be read. */
export function tryReadFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Flushes a folder to disk, so that a power failure does not undo a rename or a link in it. */
export function flushFolder(path: string): void {
  // A folder cannot be opened on Windows.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
