import { type Catalog, compileCatalog } from '../catalog/compile/compile-catalog.ts';
import type { Connection } from '../store/pg/pool.ts';
import { loadVersion, type TemplateRow } from '../store/templates/templates.ts';
import { withTemplates } from './activate.ts';
import { checkStoredTemplates } from './check-templates.ts';
import { loadNewest, toGone } from './edit.ts';
import { resolveTemplate } from './resolve.ts';

/**
 * Returns a catalog as it would be with a version of a template in its place, a draft too; a variant stands in the place of the
 * default, so that it is shown. Nothing is stored.
 *
 * @param id as `resolveTemplate` reads it; without a version, the newest
 * @throws TidingsError `not_found`, `invalid_template`
 */
export async function toPreviewCatalog(
  connection: Connection,
  tenantId: string,
  catalog: Catalog,
  id: string,
): Promise<{ readonly catalog: Catalog; readonly row: TemplateRow; readonly version: number }> {
  const { row, version } = await resolveTemplate(connection, tenantId, id);
  const shown =
    version === undefined
      ? await loadNewest(connection, tenantId, row.id)
      : await loadVersion(connection, tenantId, row.id, version);
  if (!shown) throw toGone();
  const { parts, variables } = shown;
  const { templates } = await checkStoredTemplates(catalog.data, [
    { ...row, variant: null, version: shown.version, parts, variables },
  ]);
  const data = withTemplates(catalog.data, templates);
  return { row, version: shown.version, catalog: compileCatalog(catalog.version, catalog.appliedAt, data) };
}
