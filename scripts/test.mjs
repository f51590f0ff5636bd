// npm test            every check and every test
// npm test -- WORD    the test files whose name contains WORD
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followNpm } from './follow.mjs';
import { ensureConsole, ensureInstalled } from './install.mjs';

const CHECKS = [
  ['format and lint', 'biome', ['check', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['types of the console', 'tsc', ['-p', 'packages/console']],
  ['dead code', 'knip', []],
  ['import arrows', 'depcruise', ['src', 'packages/client/src', '--output-type', 'err']],
  ['words', process.execPath, [join('scripts', 'check-words.mjs')]],
];

followNpm();
await ensureInstalled({ development: true });

const words = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };

// Run in parallel, because none of them keeps two cores busy: together they take two thirds of the time.
await Promise.all([ensureConsole(), ...(words.length === 0 ? CHECKS.map(check) : [])]);

const folder = mkdtempSync(join(tmpdir(), 'tidings-report-'));
const report = join(folder, 'report.json');
const { code } = await run(
  'vitest',
  ['run', ...words, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  'inherit',
);
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A file that cannot be loaded has no failed test, but counts as one.
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  count.passed += numPassedTests;
  count.failed += numFailedTests + broken;
  count.skipped += numPendingTests + numTodoTests;
  if (code !== 0 && count.failed === 0) count.failed++;
} catch {
  count.failed++;
}
rmSync(folder, { recursive: true, force: true });

console.log(`\n${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`);
process.exitCode = count.failed === 0 ? 0 : 1;

async function check([name, command, args]) {
  const started = Date.now();
  const { code, output } = await run(command, args, 'pipe');
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)`);
  if (code !== 0) console.log(output);
  count[code === 0 ? 'passed' : 'failed']++;
}

function run(command, args, output) {
  return new Promise((resolve) => {
    const child = spawn(command === process.execPath ? command : join('node_modules', '.bin', command), args, {
      stdio: output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (status) => resolve({ code: status ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}
