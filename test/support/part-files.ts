import { lintCatalog } from '../../src/catalog/lint/lint-catalog.ts';
import { parseCatalogFiles } from '../../src/catalog/parse/parse-catalog-files.ts';

/** Checks a catalog with one notification type, T, that is sent by the channels of these template files. */
export async function checkCatalog(templates: { readonly [name: string]: string }) {
  const channels = [...new Set(Object.keys(templates).map((name) => name.split('.')[0]))].join(', ');
  const files = new Map([
    ['events.yaml', 'events: { a: { properties: { n: integer } } }\n'],
    ['notifications.yaml', `notifications: { T: { category: SYSTEM, channels: [${channels}] } }\n`],
    ['rules.yaml', 'rules: { T: { on: a } }\n'],
    ...Object.entries(templates).map(([name, text]) => [`templates/T/${name}`, text] as const),
  ]);
  const { data, problems } = lintCatalog(await parseCatalogFiles(files));
  return { templates: data?.templates ?? [], problems };
}
