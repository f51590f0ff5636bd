import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { flushFolder } from './files.ts';

/**
 * Returns the content of `file`. If the file does not exist, creates it with the content that `make` returns, readable by
 * its owner only.
 *
 * The file appears whole or not at all: processes that start at the same time, or after a crash of the process or the
 * machine, all find the same complete secret.
 */
export function secretFile(file: string, make: () => string): string {
  return readIfExists(file) ?? create(file, make());
}

function create(file: string, content: string): string {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeFileSync(draft, content, { flag: 'wx', mode: 0o600, flush: true });
    // Unlike a rename, a link does not replace a file that another process has created in the meantime.
    linkSync(draft, file);
    flushFolder(dirname(file));
    return content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(draft, { force: true });
  }
}

function readIfExists(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
