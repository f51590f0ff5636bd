/**
 * npm run demo: installs and builds what is missing, and runs demo/. It is bundled as src/ is, since a first start has no
 * packages for development.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { followNpm } from './follow.mjs';
import { ensureBuilt, ensureConsole, ensureDemo, ensureElements, ensureInstalled, root } from './install.mjs';

followNpm();
await ensureInstalled();
await ensureBuilt();
await ensureConsole();
await ensureElements();
await ensureDemo();
await import(pathToFileURL(join(root, 'demo', 'dist', 'main.mjs')).href);
