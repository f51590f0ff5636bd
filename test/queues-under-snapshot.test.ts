import { afterEach, describe, expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { QUEUES, QueueUnderTest } from './support/queues.ts';

/** As long as a snapshot is open, PostgreSQL keeps the index entries of everything that leaves a queue. */

const START = Date.parse('2026-01-10T12:00:00Z');
const ROWS = 3000;
const BATCH = 300;

const database = useDatabase();
let queue: QueueUnderTest | undefined;
afterEach(async () => {
  await queue?.close();
  queue = undefined;
});

test('claims in a row do not write the row of their lease again, whose versions a snapshot would keep', async () => {
  queue = new QueueUnderTest(database(), QUEUES.deliveries!);
  const lease = async () => (await database().pool.query(`select ctid from leases where worker = 'w'`)).rows;
  await queue.add(1, 20, START);
  expect(await queue.claim(START, 1)).toBe(1);
  const first = await lease();
  for (let claim = 1; claim < 20; claim++) expect(await queue.claim(START, 1)).toBe(1);
  expect(await lease()).toEqual(first);
  await queue.finish();
});

describe.each(Object.keys(QUEUES))('the queue of %s', (name) => {
  const open = () => {
    queue = new QueueUnderTest(database(), QUEUES[name]!);
    return queue;
  };

  test('stays cheap while a long snapshot is open: claims read what is due, not what is done', async ({ skip }) => {
    const { rows } = await database().pool.query(`select current_setting('server_version_num')::int as version`);
    skip(rows[0].version < 150_000, 'the counters can be flushed since PostgreSQL 15');
    const { floor } = open();
    await queue!.holdSnapshot();
    let claimed = 0;
    for (let round = 0; round < ROWS / BATCH; round++) {
      const now = START + round * 10_000;
      await queue!.add(round * BATCH + 1, (round + 1) * BATCH, now);
      claimed += await queue!.claim(now + 1, BATCH);
      await queue!.finish();
    }
    expect(claimed).toBe(ROWS);
    const end = START + (ROWS / BATCH) * 10_000;
    expect(await queue!.claim(end)).toBe(0);
    expect(await queue!.countRead(() => queue!.claim(end))).toBeLessThan(10);
    expect(await queue!.countRead(() => queue!.nextDue())).toBeLessThan(10);
    // Without the floor it reads them all: the snapshot is real.
    floor.reset();
    expect(await queue!.countRead(() => queue!.claim(end))).toBeGreaterThan(ROWS / 2);
  });

  test('finds what becomes due below the floor: at once if it is announced, or else after a second', async () => {
    const { floor } = open();
    await queue!.add(100_001, 100_001, START);
    expect(await queue!.claim(START + 3_600_000)).toBe(1);
    await queue!.finish();
    expect(await queue!.claim(START + 3_600_000)).toBe(0);
    await queue!.add(100_002, 100_002, START + 1000);
    floor.lower(START + 1000);
    expect(await queue!.claim(START + 3_600_000)).toBe(1);
    await queue!.finish();
    expect(await queue!.claim(START + 3_600_000)).toBe(0);
    await queue!.add(100_003, 100_003, START);
    await expect.poll(() => queue!.claim(START + 3_600_000), { timeout: 15_000, interval: 100 }).toBe(1);
    await queue!.finish();
  });

  test('is read from its start after the clock was ahead', async () => {
    open();
    await queue!.claim(START + 86_400_000 * 370);
    await queue!.claim(START + 86_400_000 * 370);
    await queue!.add(200_001, 200_001, START);
    expect(await queue!.claim(START + 1)).toBe(1);
    await queue!.finish();
  });
});
