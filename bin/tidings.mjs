#!/usr/bin/env node
import { followNpm } from '../scripts/follow.mjs';
import { ensureBuilt, ensureConsole, ensureElements, ensureInstalled } from '../scripts/install.mjs';

const [command] = process.argv.slice(2);
// First, so that the death of npm also ends an installation.
followNpm();
await ensureInstalled();
await ensureBuilt();
if (command === 'start' || command === 'api') {
  await ensureConsole();
  await ensureElements();
}
process.setSourceMapsEnabled(true);
await import('../dist/tidings.mjs');
