import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs the fuzz of the API in its long form: FUZZ_RUNS requests for each operation, 300 unless it is set. */

const runs = fileURLToPath(new URL('run.mjs', import.meta.url));
const env = { FUZZ_RUNS: '300', PROPERTY_SECONDS: '900', ...process.env };
const args = [runs, '--bin', 'vitest', 'run', 'test/api-fuzz.test.ts', ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 1;
