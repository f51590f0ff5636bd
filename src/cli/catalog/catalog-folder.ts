import { resolve } from 'node:path';

/** Help text of the argument that `resolveCatalogFolder` resolves. */
export const FOLDER_ARGUMENT = 'the folder of the catalog; TIDINGS_CATALOG or the current folder by default';

/** Returns the folder that a command works on: the argument, TIDINGS_CATALOG, or the current folder. */
export function resolveCatalogFolder(dir: string | undefined): string {
  return resolve(dir ?? process.env.TIDINGS_CATALOG ?? '.');
}
