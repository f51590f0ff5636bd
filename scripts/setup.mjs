// npm run setup: installs the packages, those for development as well, and builds the program, the console and the elements.
import { followNpm } from './follow.mjs';
import { ensureBuilt, ensureConsole, ensureElements, ensureInstalled } from './install.mjs';

followNpm();
await ensureInstalled({ development: true });
await ensureBuilt();
await ensureConsole();
await ensureElements();
console.log('Everything is installed and built.');
