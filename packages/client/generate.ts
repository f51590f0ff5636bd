import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatProviderPage } from '../../src/accounts/provider-page.ts';
import { listProviderNames, loadProvider } from '../../src/channels/registry.ts';
import { buildApiDocument } from '../../src/http/openapi/build-document.ts';
import { ROOT } from '../../src/lib/package-root.ts';
import { generateTypes } from './generate-types.ts';

/*
 * `npm run generate`: writes docs/openapi.json and the types of the client, which are made from the routes, and a page of the docs
 * for each provider, which is made from its definition.
 */

const document = await buildApiDocument();
writeFileSync(join(ROOT, 'docs', 'openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(join(ROOT, 'packages', 'client', 'src', 'types.ts'), await generateTypes(document));

const pages = join(ROOT, 'docs', 'providers');
mkdirSync(pages, { recursive: true });
for (const name of listProviderNames()) {
  const definition = await loadProvider(name);
  if (definition) writeFileSync(join(pages, `${name}.md`), formatProviderPage(definition));
}
