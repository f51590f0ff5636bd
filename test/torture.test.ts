import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import type { TortureReport } from './torture/torture.ts';

/** The long form, of 200 kills or any number: npm run torture -- --kills N. */
test('kill -9, freezes, an absent database and a full disk lose nothing and send nothing twice', async () => {
  const args = ['--kills', '12', '--seed', String(randomInt(2 ** 31))];
  const { report, log } = await runTorture(args);
  const failures = report.findings.filter(({ failed }) => failed > 0);
  expect(failures, `npm run torture -- ${args.join(' ')}`).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(12);
  expect(report.restarts).toBeGreaterThan(0);
  expect(report.databaseFreezes).toBeGreaterThan(0);
  // It is not filled if a program may not mount a file system of its own.
  if (!log.includes('The disk is not filled')) expect(report.fullDisks).toBeGreaterThan(0);
  expect(report.events).toBeGreaterThan(200);
  expect(report.mails).toBeGreaterThan(20);
  const looked = new Map(report.findings.map(({ check, checked }) => [check, checked]));
  for (const check of [
    'each delay ends once',
    'each burst is sent once',
    'an absence fires when no event came',
    'a reminder moves and is cancelled with its visit',
    'each item is in one digest, once',
    'the outcome of a notification is one event',
    'a scheduled rule runs each minute once for each user',
  ]) {
    expect(looked.get(check), check).toBeGreaterThan(0);
  }
}, 400_000);

/** Runs the command, which mounts its disk for itself alone. */
function runTorture(args: readonly string[]): Promise<{ report: TortureReport; log: string }> {
  return new Promise((resolve, reject) => {
    const command = ['scripts/run.mjs', 'test/torture/main.ts', ...args, '--json'];
    execFile(process.execPath, command, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      try {
        resolve({ report: JSON.parse(stdout), log: stderr });
      } catch {
        reject(new Error(`${error?.message}\n${stdout}\n${stderr}`));
      }
    });
  });
}
