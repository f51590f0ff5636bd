import type { Pool } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { DatabaseClock } from '../src/store/pg/database-clock.ts';
import { useDatabase } from './support/database.ts';

const DAY = 86_400_000;

const database = useDatabase();
const clocks: DatabaseClock[] = [];
afterEach(async () => {
  for (const clock of clocks.splice(0)) await clock.stop();
});

async function startClock(offset: { ms: number }, changes: (string | null)[] = []): Promise<DatabaseClock> {
  const onChange = (change: string | null) => changes.push(change);
  const clock = new DatabaseClock(database().pool, { wallClock: () => Date.now() + offset.ms, interval: 20, onChange });
  clocks.push(clock);
  await clock.start();
  return clock;
}

async function readDatabase(): Promise<number> {
  const { rows } = await database().pool.query('select clock_timestamp() as now');
  return rows[0].now;
}

test('the time is that of the database, whatever the clock of the process', async () => {
  for (const ms of [0, 370 * DAY, -90_000]) {
    const clock = await startClock({ ms });
    const before = await readDatabase();
    const now = clock.now();
    expect(Math.abs(now - before)).toBeLessThan(1000);
  }
});

test('a clock that is off by more than seconds is reported once, and once when it is right again', async () => {
  const offset = { ms: 0 };
  const changes: (string | null)[] = [];
  const clock = await startClock(offset, changes);
  expect(clock.describe()).toBe('ok');
  offset.ms = 370 * DAY;
  for (let look = 0; look < 5; look++) expect(clock.isRight()).toBe(false);
  expect(clock.describe()).toBe('370 d ahead of the database');
  offset.ms = -3_600_000 * 5;
  expect(clock.describe()).toBe('5 h behind the database');
  offset.ms = 1000;
  for (let look = 0; look < 5; look++) expect(clock.isRight()).toBe(true);
  expect(changes).toEqual(['370 d ahead of the database', null]);
});

test('the time never goes back and does not jump, while the clock of the process is set', async () => {
  const offset = { ms: 0 };
  const clock = await startClock(offset);
  let last = clock.now();
  const started = last;
  for (let step = 0; step < 200; step++) {
    offset.ms = (step % 3) * DAY;
    const now = clock.now();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
    if (step % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(last - started).toBeLessThan(60_000);
});

test('a slow response does not make the time less exact', async () => {
  const start = Date.parse('2025-11-20T12:00:00Z');
  let elapsed = 0;
  let roundTrip = 2;
  const query = async () => {
    const now = start + elapsed;
    elapsed += roundTrip;
    return { rows: [{ now }] };
  };
  const pool = { connect: async () => ({ query, release: () => {} }) } as unknown as Pool;
  const clock = new DatabaseClock(pool, { wallClock: () => start, elapsed: () => elapsed, interval: 5 });
  clocks.push(clock);
  await clock.start();
  roundTrip = 600_000;
  await expect.poll(() => elapsed).toBeGreaterThan(2_000_000);
  expect(Math.abs(clock.now() - (start + elapsed))).toBeLessThan(10);
});
