/**
 * npm run demo: installs and builds what is missing, and runs demo/. It is bundled as src/ is, since a first start has no
 * packages for development.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readOptions, USAGE } from './demo-options.mjs';
import { followNpm } from './follow.mjs';
import { ensureBuilt, ensureConsole, ensureDemo, ensureElements, ensureInstalled, root } from './install.mjs';

followNpm();
checkOptions();
await ensureInstalled();
await ensureBuilt();
await ensureConsole();
await ensureElements();
await ensureDemo();
await import(pathToFileURL(join(root, 'demo', 'dist', 'main.mjs')).href);

/** Ends the process if there is nothing to do. */
function checkOptions() {
  try {
    if (readOptions(process.argv.slice(2), root) !== 'help') return;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
