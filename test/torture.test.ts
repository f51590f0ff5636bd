import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { torture } from './torture/torture.ts';

/** Any number of kills: npm run torture -- --kills N. */
test('kill -9 at random loses nothing and doubles nothing', { timeout: 300_000 }, async () => {
  const seed = randomInt(2 ** 31);
  const report = await torture({ kills: 50, seed });
  const failures = report.findings.filter(({ failed }) => failed > 0);
  expect(failures, `npm run torture -- --kills 50 --seed ${seed}`).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(50);
  expect(report.restarts).toBeGreaterThan(0);
  expect(report.events).toBeGreaterThan(500);
  expect(report.mails).toBeGreaterThan(100);
});
