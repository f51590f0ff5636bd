// npm run setup: installs the packages, and builds the program and the console, as a first start does.
import { followNpm } from './follow.mjs';
import { ensureBuilt, ensureConsole, ensureInstalled } from './install.mjs';

followNpm();
await ensureInstalled();
await ensureBuilt();
await ensureConsole();
console.log('Everything is installed and built.');
