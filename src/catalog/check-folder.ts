import { CatalogError } from '../errors.ts';
import type { CatalogFiles } from './catalog-files.ts';
import { toInvalidFindings } from './lint/findings.ts';
import { type LintResult, lintCatalog } from './lint/lint-catalog.ts';
import { loadCatalogFiles } from './load/load-catalog-files.ts';
import { parseCatalogFiles } from './parse/parse-catalog-files.ts';

export interface FolderCheck extends LintResult {
  /** The files of the folder as they were read; empty if the folder could not be read. */
  readonly files: CatalogFiles;
}

/** Loads, parses and lints the catalog in a folder. A folder that cannot be read is a problem like any other. */
export async function checkCatalogFolder(dir: string): Promise<FolderCheck> {
  try {
    const files = await loadCatalogFiles(dir);
    return { ...lintCatalog(await parseCatalogFiles(files)), files };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return { problems: toInvalidFindings(error.problems), files: new Map() };
  }
}
