import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that Tidings is installed in. Files that are not code (SQL, examples, the console) are found from here. */
export const ROOT = findPackageFolder(dirname(fileURLToPath(import.meta.url)));

/** Returns the nearest folder, upwards, with a package.json. This file may run from src/ or from dist/. */
function findPackageFolder(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findPackageFolder(dirname(folder));
}
