import { CatalogError } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { TenantProfile } from '../model/tenant.ts';
import type { CatalogFiles } from './catalog-files.ts';
import { lintCatalog } from './lint/lint-catalog.ts';
import { loadCatalogFiles } from './load/load-catalog-files.ts';
import { parseCatalogFiles } from './parse/parse-catalog-files.ts';
import type { StoredTemplate } from './parse/stored-template.ts';

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
 * @param stored templates of the API, in the place of those of the files; undefined: files alone count
 * @param sender the tenant for which it is to be active; absent: not known
 * @param isUnlinked as `lintCatalog` has it
 * @throws CatalogError with every error and its place
 */
export async function validateCatalogFiles(
  files: CatalogFiles,
  stored?: readonly StoredTemplate[],
  sender?: TenantProfile,
  isUnlinked?: boolean,
): Promise<CatalogData> {
  const { data, problems } = lintCatalog(await parseCatalogFiles(files, stored), sender, isUnlinked);
  if (data === undefined) throw new CatalogError(problems.filter(({ severity }) => severity === 'error'));
  return data;
}
