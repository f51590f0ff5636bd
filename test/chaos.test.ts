import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ChaosReport } from './torture/chaos/chaos.ts';

/** The long form, of 100,000 notifications: npm run torture -- --chaos. */
test('providers that fail, hang, throttle and lie, killed and frozen workers and a restarted database lose nothing and send nothing twice', async () => {
  const args = ['--chaos', '--notifications', '1200', '--seed', String(randomInt(2 ** 31))];
  const report = await runChaos(args);
  const failures = report.findings.filter(({ failed }) => failed > 0);
  expect(failures, `npm run torture -- ${args.join(' ')}`).toEqual([]);
  const looked = new Map(report.findings.map(({ check, checked }) => [check, checked]));
  for (const check of [
    'every delivery ends, in one final state',
    'nothing is sent twice but what was in doubt',
    'what is to be held when in doubt is sent at most once',
    'what is sent was accepted by the provider',
    'no open delivery is older than its due time and two leases',
  ]) {
    expect(looked.get(check), check).toBeGreaterThan(0);
  }
  expect(report.kills).toBeGreaterThan(1);
  expect(report.frozen).toBeGreaterThan(0);
  expect(report.databaseKills).toBeGreaterThan(0);
  expect(report.statuses.sent).toBeGreaterThan(600);
  // Something was in doubt, or there was nothing to hold against.
  expect(report.doubts).toBeGreaterThan(10);
}, 400_000);

function runChaos(args: readonly string[]): Promise<ChaosReport> {
  return new Promise((resolve, reject) => {
    const command = ['scripts/run.mjs', 'test/torture/main.ts', ...args, '--json'];
    execFile(process.execPath, command, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        reject(new Error(`${error?.message}\n${stdout}\n${stderr}`));
      }
    });
  });
}
