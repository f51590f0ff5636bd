import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { soakBatches } from './torture/batch.ts';

/** Longer, with more recipients: npm run torture -- batch --minutes N. */
test('pauses, resumes and kill -9 lose no line of a batch and send no mail twice', async () => {
  const seed = randomInt(2 ** 31);
  const report = await soakBatches({ minutes: 0.3, recipients: 1500, every: 2, seed, directory: undefined });
  expect(
    report.findings.filter(({ failed }) => failed > 0),
    `npm run torture -- batch --minutes 0.3 --recipients 1500 --every 2 --seed ${seed}`,
  ).toEqual([]);
  expect(report.kills + report.pauses).toBeGreaterThan(2);
  expect(report.lines).toBeGreaterThanOrEqual(1500);
  expect(report.mails).toBeGreaterThan(0);
}, 600_000);
