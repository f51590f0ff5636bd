import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildApiDocument } from '../../src/http/openapi/build-document.ts';
import { ROOT } from '../../src/lib/package-root.ts';
import { generateTypes } from './generate-types.ts';

/* `npm run generate`: writes docs/openapi.json and the types of the client, which are made from the routes. */

const document = await buildApiDocument();
writeFileSync(join(ROOT, 'docs', 'openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(join(ROOT, 'packages', 'client', 'src', 'types.ts'), await generateTypes(document));
