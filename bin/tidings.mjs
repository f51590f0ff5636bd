#!/usr/bin/env node
import { followNpm } from '../scripts/follow.mjs';
import { ensureBuilt, ensureConsole, ensureInstalled } from '../scripts/install.mjs';

const [command] = process.argv.slice(2);
await ensureInstalled();
await ensureBuilt();
if (command === 'start' || command === 'api') await ensureConsole();
followNpm();
process.setSourceMapsEnabled(true);
await import('../dist/tidings.mjs');
