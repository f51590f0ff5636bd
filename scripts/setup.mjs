// npm run setup: installs the packages, those for development as well, and builds the program and the console.
import { followNpm } from './follow.mjs';
import { ensureBuilt, ensureConsole, ensureInstalled } from './install.mjs';

followNpm();
await ensureInstalled({ development: true });
await ensureBuilt();
await ensureConsole();
console.log('Everything is installed and built.');
