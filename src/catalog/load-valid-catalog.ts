import { CatalogError } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { CatalogFiles } from './catalog-files.ts';
import { lintCatalog } from './lint/lint-catalog.ts';
import { loadCatalogFiles } from './load/load-catalog-files.ts';
import { parseCatalogFiles } from './parse/parse-catalog-files.ts';

/**
 * Loads, parses and lints the catalog in a folder. Warnings are ignored.
 *
 * @throws CatalogError with every error and its place
 */
export async function loadValidCatalog(dir: string): Promise<CatalogData> {
  return validateCatalogFiles(await loadCatalogFiles(dir));
}

/**
 * Parses and lints the files of a catalog. Warnings are ignored. Equal files give equal data.
 *
 * @throws CatalogError with every error and its place
 */
export async function validateCatalogFiles(files: CatalogFiles): Promise<CatalogData> {
  const { data, problems } = lintCatalog(await parseCatalogFiles(files));
  if (data === undefined) throw new CatalogError(problems.filter(({ severity }) => severity === 'error'));
  return data;
}
