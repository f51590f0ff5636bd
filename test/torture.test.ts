import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { torture } from './torture/torture.ts';

/** Any number of kills: npm run torture -- --kills N. */
test('kill -9 at random times loses nothing and sends nothing twice', { timeout: 400_000 }, async () => {
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
    'each burst is sent once',
    'an absence fires when no event came',
    'a reminder moves and is cancelled with its visit',
    'each item is in one digest, once',
    'the outcome of a notification is one event',
    'a scheduled rule runs each minute once for each user',
  ]) {
    expect(looked.get(check), check).toBeGreaterThan(0);
  }
});
