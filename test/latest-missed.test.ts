import { expect, test } from 'vitest';
import { latestMissed } from '../src/timers/latest-missed.ts';
import { nextFullHour } from './support/timer-workers.ts';
import { DAY, HOUR, NOW } from './support/waits.ts';

test('finds the latest missed occurrence in few steps, however long ago the first one was', () => {
  let asked = 0;
  const counting = (...args: Parameters<typeof nextFullHour>) => {
    asked++;
    return nextFullHour(...args);
  };
  for (const [missed, now, latest] of [
    [NOW, NOW, NOW],
    [NOW, NOW + HOUR - 1, NOW],
    [NOW, NOW + HOUR, NOW + HOUR],
    [NOW, NOW + 50 * HOUR + 1, NOW + 50 * HOUR],
    [NOW - 100 * 365 * DAY, NOW, NOW],
  ] as const) {
    expect(latestMissed(counting, { cron: '0 * * * *', zone: 'UTC', nextAt: missed }, now)).toBe(latest);
  }
  expect(asked).toBeLessThan(100);
  const yearly = (_cron: string, _zone: string, after: number) =>
    Date.UTC(
      new Date(after + 1).getUTCFullYear() + (after + 1 > Date.UTC(new Date(after + 1).getUTCFullYear(), 0) ? 1 : 0),
      0,
    );
  const first = Date.UTC(2000, 0);
  expect(latestMissed(yearly, { cron: '', zone: 'UTC', nextAt: first }, NOW)).toBe(Date.UTC(2025, 0));
});
