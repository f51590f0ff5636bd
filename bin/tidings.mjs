#!/usr/bin/env node
import { existsSync } from 'node:fs';

// A package of npm has what is built, and no lock file: only a checkout is installed and built by its first command.
if (existsSync(new URL('../package-lock.json', import.meta.url))) {
  const { followNpm } = await import('../scripts/follow.mjs');
  const { ensureBuilt, ensureConsole, ensureElements, ensureInstalled } = await import('../scripts/install.mjs');
  const [command] = process.argv.slice(2);
  // First, so that the death of npm also ends an installation.
  followNpm();
  await ensureInstalled();
  await ensureBuilt();
  if (command === 'start' || command === 'api') {
    await ensureConsole();
    await ensureElements();
  }
}
process.setSourceMapsEnabled(true);
await import('../dist/tidings.mjs');
