import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { torture } from './torture/torture.ts';

/** Any number of kills: npm run torture -- --kills N. */
test('kill -9 at random loses nothing and doubles nothing', { timeout: 400_000 }, async () => {
  const seed = randomInt(2 ** 31);
  const report = await torture({ kills: 50, seed });
  const failures = report.findings.filter(({ failed }) => failed > 0);
  expect(failures, `npm run torture -- --kills 50 --seed ${seed}`).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(50);
  expect(report.restarts).toBeGreaterThan(0);
  expect(report.events).toBeGreaterThan(500);
  expect(report.mails).toBeGreaterThan(100);
  const looked = new Map(report.findings.map(({ check, checked }) => [check, checked]));
  for (const check of [
    'each delay ends once',
    'each burst is told once',
    'an absence is told when nothing came',
    'a reminder moves and is cancelled with its visit',
    'each item is in one digest, once',
    'what became of a notification is an event, once',
    'everybody has each minute that was taken, once',
  ]) {
    expect(looked.get(check), check).toBeGreaterThan(0);
  }
});
