import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { declareTemplateVariables } from '../catalog/compile/declare-variables.ts';
import { TidingsError } from '../errors.ts';
import type { StoredVersion } from '../model/catalog.ts';
import { loadTemplateRow, loadVersion } from '../store/templates/templates.ts';
import { type CompiledTemplate, compileTemplate } from '../templates/template.ts';
import { checkStoredTemplates } from './check-templates.ts';

/**
 * Returns a function that compiles a version of a template of the API, a draft too, with the layouts and partials of a catalog
 * version. Undefined: there is no such version, or it does not fit that catalog.
 */
export function testTemplates({ pool, catalogs }: { readonly pool: pg.Pool; readonly catalogs: CatalogCache }) {
  return async (
    tenantId: string,
    catalogVersion: number,
    { id, version }: StoredVersion,
  ): Promise<CompiledTemplate | undefined> => {
    const row = await loadTemplateRow(pool, tenantId, id);
    const shown = row && (await loadVersion(pool, tenantId, id, version));
    if (!shown) return undefined;
    const { data } = await catalogs.getVersion(tenantId, catalogVersion);
    const { parts, variables } = shown;
    try {
      const { templates } = await checkStoredTemplates(data, [{ ...row, variant: null, version, parts, variables }]);
      const [template] = templates;
      const { notifications } = declareTemplateVariables({ ...data, templates: [...templates] });
      const own = notifications.find(({ name }) => name === row.notificationType)?.variables;
      const compiled = template && compileTemplate(template, { own, shared: data.variables });
      return compiled && 'template' in compiled ? compiled.template : undefined;
    } catch (error) {
      if (error instanceof TidingsError && error.code === 'invalid_template') return undefined;
      throw error;
    }
  };
}
