import { afterAll, expect, test } from 'vitest';
import { boundState, countTokens, getWait, takeTokens } from '../src/lib/concurrency/gcra.ts';
import { type RateUse, takeForSends } from '../src/store/deliveries/rate-limits.ts';
import { useDatabase } from './support/database.ts';
import { openPools } from './support/pools.ts';

/** Tokens of rate limits: a bucket alone, and one that four processes share. */

const database = useDatabase();
const pools = openPools(4);
afterAll(() => pools.close());

const BUCKET = { interval: 100, capacity: 16 };

test('a bucket gives its capacity at once, then one token per interval, and is full again after a while', () => {
  let state = 0;
  const now = 1_000_000;
  expect(countTokens(BUCKET, state, now, true)).toBe(16);
  state = takeTokens(BUCKET, state, now, 16);
  expect(countTokens(BUCKET, state, now, true)).toBe(0);
  expect(getWait(BUCKET, state, now, true)).toBeCloseTo(100, 1);
  expect(countTokens(BUCKET, state, now + 99, true)).toBe(0);
  expect(countTokens(BUCKET, state, now + 250, true)).toBe(2);
  expect(countTokens(BUCKET, state, now + 86_400_000, true)).toBe(16);
});

test('an eighth of a bucket is kept for urgent messages', () => {
  const now = 1_000_000;
  expect(countTokens(BUCKET, 0, now, false)).toBe(14);
  const state = takeTokens(BUCKET, 0, now, 14);
  expect(countTokens(BUCKET, state, now, false)).toBe(0);
  expect(countTokens(BUCKET, state, now, true)).toBe(2);
});

test('a bucket for a single token keeps none back', () => {
  expect(countTokens({ interval: 1000, capacity: 1 }, 0, 5000, false)).toBe(1);
});

test('a clock that was set back, or a limit that was lowered, stops nothing for longer than the bucket takes to fill', () => {
  const now = 1_000_000;
  const state = boundState(BUCKET, now + 3_600_000, now);
  expect(getWait(BUCKET, state, now, true)).toBeLessThanOrEqual(100);
  expect(countTokens(BUCKET, state, now + 1600, true)).toBe(16);
});

test('four processes together never take more than burst + rate × time, over any window, by the clock of the database', async () => {
  const perSecond = 20;
  const burst = 6;
  const windows = [
    { id: 'shared per_second', interval: 1000 / perSecond, capacity: burst },
    { id: 'shared per_hour', interval: 3_600_000 / 1_000_000, capacity: 1_000_000 },
  ];
  const [one] = pools.open(database().url);
  const read = async () =>
    Number((await one!.query('select extract(epoch from clock_timestamp()) * 1000 as t')).rows[0].t);
  const taken: { from: number; to: number }[] = [];
  const end = (await read()) + 3000;
  await Promise.all(
    pools.open(database().url).flatMap((pool, process) =>
      [0, 1].map(async (loop) => {
        for (let n = 0; ; n++) {
          const uses: RateUse[] = Array.from({ length: ((n * 7 + process + loop) % 5) + 1 }, () => ({
            windows,
            isUrgent: true,
          }));
          const from = await read();
          if (from > end) return;
          const waits = await takeForSends(pool, uses);
          const to = await read();
          for (const { window } of waits) if (window === null) taken.push({ from, to });
        }
      }),
    ),
  );
  // Each was taken at some time between `from` and `to`: those that were surely in a window are not more than it allows.
  expect(taken.length).toBeGreaterThan(burst);
  const starts = taken.map(({ from }) => from).sort((a, b) => a - b);
  const ends = taken.map(({ to }) => to).sort((a, b) => a - b);
  for (const start of starts) {
    for (const stop of ends) {
      if (stop < start) continue;
      const count = taken.filter(({ from, to }) => from >= start && to <= stop).length;
      expect(count).toBeLessThanOrEqual(burst + ((stop - start) / 1000) * perSecond + 1);
    }
    // The number of windows grows with the square.
    if (starts.indexOf(start) > 60) break;
  }
  const total = taken.length;
  const span = Math.max(...ends) - Math.min(...starts);
  expect(total).toBeLessThanOrEqual(burst + (span / 1000) * perSecond + 1);
}, 60_000);

test('a state that no bucket can have is corrected in the database: the limit goes on', async () => {
  const [pool] = pools.open(database().url);
  const window = { id: 'ahead', interval: 50, capacity: 2 };
  await pool!.query(`insert into rate_limits values ('ahead', (extract(epoch from clock_timestamp()) + 86400) * 1000)`);
  const take = async () => (await takeForSends(pool!, [{ windows: [window], isUrgent: true }]))[0];
  expect(await take()).toMatchObject({ window: { id: 'ahead' } });
  await expect.poll(take, { timeout: 5000 }).toEqual({ wait: 0, window: null });
});

test('a use takes a token of each of its limits, or of none', async () => {
  const [pool] = pools.open(database().url);
  const wide = { id: 'wide', interval: 3_600_000, capacity: 3 };
  const narrow = { id: 'narrow', interval: 3_600_000, capacity: 1 };
  const use = (...windows: (typeof wide)[]): RateUse => ({ windows, isUrgent: true });
  const waits = await takeForSends(pool!, [use(wide, narrow), use(wide, narrow), use(wide), use(wide), use(wide)]);
  expect(waits.map(({ window }) => window?.id ?? null)).toEqual([null, 'narrow', null, null, 'wide']);
});
