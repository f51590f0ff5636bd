#!/usr/bin/env node
process.argv.splice(2, 0, 'src/cli/tidings.ts');
await import('../scripts/run.mjs');
