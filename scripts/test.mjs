// npm test            every check and every test
// npm test -- WORD    the test files whose name contains WORD, soaks as well
// LONG=1 npm test     every check and every test, with all long ones (vitest.config.ts)
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { followNpm } from './follow.mjs';
import { ensureConsole, ensureElements, ensureInstalled } from './install.mjs';

const CHECKS = [
  ['format and lint', 'biome', ['check', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['types of the console', 'tsc', ['-p', 'packages/console']],
  ['types of the elements', 'tsc', ['-p', 'packages/inbox']],
  ['dead code', 'knip', []],
  ['import arrows', 'depcruise', ['src', 'packages/client/src', 'packages/inbox/src', '--output-type', 'err']],
  ['words', process.execPath, [join('scripts', 'check-words.mjs')]],
];

followNpm();
await ensureInstalled({ development: true });

/** Failed test files of which a build server runs each once more, at most: more are no matter of time. */
const MAX_REPEATED_FILES = 10;

const words = process.argv.slice(2);
if (words.length > 0) process.env.LONG ??= '1';
const count = { passed: 0, failed: 0, skipped: 0 };

// Run in parallel, because none of them keeps two cores busy: together they take two thirds of the time.
await Promise.all([ensureConsole().then(ensureElements), ...(words.length === 0 ? CHECKS.map(check) : [])]);

const first = await runTests(words);
const failedFiles = first.failedFiles;
if (process.env.CI && failedFiles.length > 0 && failedFiles.length <= MAX_REPEATED_FILES) {
  // A machine that runs three files at once may be too slow for one that waits for other processes. A fault fails again.
  console.log(`\nAgain, and alone: ${failedFiles.join(', ')}`);
  const again = await runTests([...failedFiles, '--no-file-parallelism']);
  count.passed += first.passed - first.passedOfFailed + again.passed;
  count.failed += again.failed;
  count.skipped += first.skipped;
} else {
  count.passed += first.passed;
  count.failed += first.failed;
  count.skipped += first.skipped;
}

console.log(`\n${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`);
process.exitCode = count.failed === 0 ? 0 : 1;

/** Runs test files, and returns the numbers of their tests and the files with one that failed, relative to the root. */
async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-report-'));
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await run('vitest', ['run', ...args, ...reporters], 'inherit');
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    const failed = testResults.filter((file) => file.status === 'failed');
    // A file that cannot be loaded has no failed test, but counts as one.
    const broken = failed.filter((file) => file.assertionResults.length === 0).length;
    const isPassed = ({ status }) => status === 'passed';
    return {
      passed: numPassedTests,
      failed: Math.max(numFailedTests + broken, code === 0 ? 0 : 1),
      skipped: numPendingTests + numTodoTests,
      failedFiles: failed.map((file) => relative(process.cwd(), file.name)),
      passedOfFailed: failed.reduce((sum, file) => sum + file.assertionResults.filter(isPassed).length, 0),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failedFiles: [], passedOfFailed: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

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
