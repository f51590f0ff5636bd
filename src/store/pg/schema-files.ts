import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../lib/package-root.ts';

const SQL_FOLDER = join(ROOT, 'src', 'store', 'sql');

/**
 * A file that brings the schema one version further. Its name is the version: three digits of the major version, three of the
 * minor. Files of the same major version only add what earlier programs do not notice: tables, nullable columns or columns
 * with a default, indexes. Anything else starts a major version.
 */
export interface SchemaFile {
  readonly file: string;
  /** SHA-256 of the content. */
  readonly hash: string;
  readonly sql: string;
}

/** Loads the files of this program, in order. */
export async function loadSchemaFiles(): Promise<SchemaFile[]> {
  const names = (await readdir(SQL_FOLDER)).filter((name) => SCHEMA_FILE.test(name)).sort();
  return Promise.all(
    names.map(async (file) => {
      const sql = await readFile(join(SQL_FOLDER, file), 'utf8');
      return { file, sql, hash: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

const SCHEMA_FILE = /^\d{6}\.sql$/;

/** Returns whether a file that this program does not have leads to a later version of the same major version. */
export function isLaterMinor(file: string, files: readonly SchemaFile[]): boolean {
  const latest = files.at(-1)?.file ?? '';
  return SCHEMA_FILE.test(file) && file.slice(0, 3) === latest.slice(0, 3) && file > latest;
}
