// npm run build -w packages/client: compiles the client into dist/, which `npm pack` needs. Installs the compiler first.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, root } from './install.mjs';

await ensureInstalled({ development: true });
const folder = join(root, 'packages', 'client');
rmSync(join(folder, 'dist'), { recursive: true, force: true });
process.argv.splice(2, Number.POSITIVE_INFINITY, '--bin', 'tsc', '-p', join(folder, 'tsconfig.json'));
await import('./run.mjs');
