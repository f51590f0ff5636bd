import { CatalogError } from '../../errors.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { lintCatalog } from '../lint/lint.ts';
import type { CatalogSource } from '../parse/parse.ts';

export type { CatalogSource };

/**
 * Checks the files of a catalog and makes plain data of them: equal files give equal data.
 *
 * @throws CatalogError with every mistake and its place
 */
export async function loadValidCatalog(source: CatalogSource): Promise<CatalogData> {
  const { data, problems } = await lintCatalog(source);
  if (data === undefined) throw new CatalogError(problems.filter(({ severity }) => severity === 'error'));
  return data;
}
