import { toStoredTemplate } from '../catalog/stored/stored-files.ts';
import type { CatalogData, Variables } from '../model/catalog.ts';
import type { Connection } from '../store/pg/pool.ts';
import { loadVersions } from '../store/templates/templates.ts';
import { HOSTED_PART } from '../templates/template.ts';

/** Templates as files of a catalog. */
export interface ExportedTemplates {
  /** Path to text: the active templates of the API, with the layouts and partials that they use. */
  readonly files: { readonly [path: string]: string };
  /** Active templates that are files already, as `TYPE/CHANNEL.LOCALE`: their sources are where the catalog came from. */
  readonly left_out: readonly string[];
  /** Variables that the templates declare, by notification. */
  readonly variables: { readonly [type: string]: Variables };
}

/** Returns the active templates as the files that they would be in the folder of a catalog. */
export async function exportTemplates(
  connection: Connection,
  tenantId: string,
  { templates, pieces = {} }: CatalogData,
): Promise<ExportedTemplates> {
  const versions = templates.flatMap(({ stored }) => (stored ? [stored] : []));
  const rows = versions.length === 0 ? [] : await loadVersions(connection, tenantId, versions);
  const known = new Set(rows.map(({ id }) => id));
  const left = templates.filter(({ stored, parts }) => !(HOSTED_PART in parts) && !(stored && known.has(stored.id)));
  const variables: { [type: string]: Variables } = {};
  for (const { notificationType, variables: declared } of rows) {
    if (!declared || Object.keys(declared).length === 0) continue;
    variables[notificationType] = { ...variables[notificationType], ...declared };
  }
  return {
    variables,
    files: { ...pieces, ...Object.fromEntries(rows.flatMap((row) => [...toStoredTemplate(row).files])) },
    left_out: left.map(({ notificationType, channel, locale, variant }) => {
      return `${notificationType}/${channel}.${variant === undefined ? locale : `${locale}@${variant}`}`;
    }),
  };
}
