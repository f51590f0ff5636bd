import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { CatalogError } from '../../errors.ts';
import { Problems } from '../parse/problems.ts';
import type { CatalogSource } from './load-valid.ts';

const LARGEST_FILE = 1024 * 1024;
const MOST_FILES = 10_000;

/**
 * Reads the files of a catalog: the YAML in the folder and everything in `templates/`, except hidden files, backups and notes
 * (`.md`). In order of path.
 *
 * @throws CatalogError when the folder is not there, or a file is too large or not UTF-8
 */
export async function loadCatalogFiles(dir: string): Promise<CatalogSource> {
  const paths = await list(dir);
  const problems = new Problems();
  const source = new Map<string, string>();
  for (const path of paths) {
    const file = relative(dir, path).split(sep).join('/');
    const wrong = (message: string, hint: string) => problems.add({ file, line: 1, column: 1, message, hint });
    const { size } = await stat(path);
    if (size > LARGEST_FILE) {
      wrong(`the file has ${size} bytes`, `at most ${LARGEST_FILE}`);
      continue;
    }
    try {
      source.set(file, new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      wrong('the file is not UTF-8', 'save it as UTF-8');
    }
  }
  problems.throwIfAny();
  return source;
}

/** Whether a path, relative to the catalog's folder, is part of the catalog. */
export function isCatalogFile(path: string): boolean {
  const segments = path.split(sep).join('/').split('/');
  const name = segments.at(-1) ?? '';
  if (segments.some((segment) => segment.startsWith('.')) || /~$|\.md$/i.test(name)) return false;
  return segments[0] === 'templates' ? segments.length > 1 : segments.length === 1 && /\.ya?ml$/i.test(name);
}

async function list(dir: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const kind = entry.isSymbolicLink() ? await stat(path) : entry;
      if (kind.isDirectory() && (depth > 0 || entry.name === 'templates') && depth < 8) await walk(path, depth + 1);
      else if (kind.isFile() && isCatalogFile(relative(dir, path))) found.push(path);
      if (found.length > MOST_FILES) throw notRead(dir, `the folder has more than ${MOST_FILES} files`);
    }
  };
  try {
    await walk(dir, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw notRead(dir, 'there is no such folder, or a file in it went away');
    if (code === 'ENOTDIR') throw notRead(dir, 'this is not a folder');
    if (code === 'EACCES') throw notRead(dir, 'the folder may not be read');
    if (code === 'ELOOP') throw notRead(dir, 'a link in the folder leads to itself');
    throw error;
  }
  return found.sort();
}

function notRead(dir: string, message: string): CatalogError {
  return new CatalogError([
    { file: dir, line: 1, column: 1, message, hint: 'a folder with events.yaml and rules.yaml' },
  ]);
}
