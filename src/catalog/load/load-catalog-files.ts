import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { CatalogError } from '../../errors.ts';
import type { CatalogFiles } from '../catalog-files.ts';
import { Problems } from '../problems.ts';

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES = 10_000;
const MAX_FOLDER_DEPTH = 8;

/**
 * Reads the files of a catalog folder: the YAML files in it and everything below `templates/`, except hidden files, backups
 * and notes (`.md`). The result is ordered by path.
 *
 * @throws CatalogError if the folder cannot be read, holds more than 10,000 files, or a file is larger than 1 MiB or not UTF-8
 */
export async function loadCatalogFiles(dir: string): Promise<CatalogFiles> {
  const paths = await listCatalogPaths(dir);
  const problems = new Problems();
  const files = new Map<string, string>();
  for (const path of paths) {
    const file = relative(dir, path).split(sep).join('/');
    const report = (message: string, hint: string) => problems.add({ file, line: 1, column: 1, message, hint });
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) {
      report(`the file is too large: ${size} bytes`, `the limit is ${MAX_FILE_BYTES} bytes`);
      continue;
    }
    try {
      files.set(file, new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      report('the file is not UTF-8', 'save it as UTF-8');
    }
  }
  problems.throwIfAny();
  return files;
}

/** Whether a path, relative to the folder of the catalog, is part of the catalog. */
export function isCatalogFile(path: string): boolean {
  const segments = path.split(sep).join('/').split('/');
  const name = segments.at(-1) ?? '';
  if (segments.some((segment) => segment.startsWith('.')) || /~$|\.md$/i.test(name)) return false;
  return segments[0] === 'templates' ? segments.length > 1 : segments.length === 1 && /\.ya?ml$/i.test(name);
}

/**
 * Returns the paths of the files of a catalog folder, in order.
 * @throws CatalogError if the folder cannot be read, or holds more than MAX_FILES files
 */
export async function listCatalogPaths(dir: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      // Hidden ones are no part of a catalog, and may be links that lead nowhere: Emacs locks a file with one.
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      const kind = entry.isSymbolicLink() ? await stat(path) : entry;
      const isRead = (depth > 0 || entry.name === 'templates') && depth < MAX_FOLDER_DEPTH;
      if (kind.isDirectory() && isRead) await walk(path, depth + 1);
      else if (kind.isFile() && isCatalogFile(relative(dir, path))) found.push(path);
      if (found.length > MAX_FILES) throw folderError(dir, `the folder has more than ${MAX_FILES} files`);
    }
  };
  try {
    await walk(dir, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw folderError(dir, 'the folder does not exist, or a file in it was removed meanwhile');
    if (code === 'ENOTDIR') throw folderError(dir, 'this is not a folder');
    if (code === 'EACCES') throw folderError(dir, 'permission denied');
    if (code === 'ELOOP') throw folderError(dir, 'a symbolic link in the folder leads to itself');
    throw error;
  }
  return found.sort();
}

function folderError(dir: string, message: string): CatalogError {
  return new CatalogError([
    {
      file: dir,
      line: 1,
      column: 1,
      message,
      hint: 'name a folder with events.yaml, notifications.yaml and rules.yaml',
    },
  ]);
}
