import { beforeEach, describe, expect, test } from 'vitest';
import { Announcer } from '../src/store/pg/announcer.ts';
import { TIMERS_CHANNEL } from '../src/store/waits/waits.ts';
import { useDatabase } from './support/database.ts';
import { useTimerWorkers } from './support/timer-workers.ts';
import { createWait, DAY, HOUR, NOW, WaitStore } from './support/waits.ts';

const database = useDatabase();
const store = new WaitStore(() => database().pool);
const setUp = useTimerWorkers(database);

beforeEach(async () => {
  await store.pool.query('truncate waits');
});

describe('the timer worker', () => {
  test('fires due waits in order of due time, and no others', async () => {
    const users = ['c', 'a', 'b'];
    await store.save(
      ...users.map((userId, n) => createWait({ userId, dueAt: NOW - n })),
      createWait({ userId: 'later', dueAt: NOW + HOUR }),
    );
    const { pipeline, clock, run } = setUp();
    await run();
    await pipeline.until(() => pipeline.fired.length === 3);
    expect(pipeline.fired).toEqual(['b', 'a', 'c']);
    clock.now += HOUR;
    await pipeline.until(() => pipeline.fired.length === 4);
    expect(pipeline.fired.at(-1)).toBe('later');
  });

  test('is notified of a new wait, without polling', async () => {
    const { pipeline, run, clock } = setUp({ poll: 3_600_000 });
    await run();
    const announcer = new Announcer(store.pool);
    const startedAt = performance.now();
    for (const userId of ['soon', 'other']) {
      await store.save(createWait({ userId, dueAt: clock.now + 1 }));
      clock.now += 10;
      // As a pipeline does after its commit.
      announcer.announce(TIMERS_CHANNEL, clock.now - 9);
      await pipeline.until(() => pipeline.fired.includes(userId));
    }
    // The loop looks by itself after 30 s, whatever its poll.
    expect(performance.now() - startedAt).toBeLessThan(25_000);
    await announcer.flush();
  });

  test('fires each wait once, with several workers', async () => {
    await store.fill(600, 200, -DAY);
    const { pipeline, run } = setUp();
    await Promise.all([run(), run(), run()]);
    await pipeline.until(() => pipeline.fired.length >= 600);
    const { rows } = await store.pool.query(`select status, count(*) as n from waits group by status`);
    expect(rows).toEqual([{ status: 'fired', n: 600 }]);
    expect(pipeline.fired).toHaveLength(600);
  });

  test('fires the other waits when one fails, and retries that one when its claim has expired', async () => {
    const users = ['a', 'b', 'bad', 'c', 'd'];
    await store.save(...users.map((userId, n) => createWait({ userId, dueAt: NOW - 100 + n })));
    const { pipeline, clock, run } = setUp();
    pipeline.fails = (userId) => userId === 'bad';
    await run();
    await pipeline.until(() => pipeline.fired.length === 4);
    expect(pipeline.fired).toEqual(['a', 'b', 'c', 'd']);
    pipeline.fails = () => false;
    clock.now += 60_001;
    await pipeline.until(() => pipeline.fired.length === 5);
  });

  test('fires overdue waits at the set pace after a long downtime', async () => {
    await store.fill(30, 30, -DAY);
    const pace = { now: 0 };
    const { pipeline, run } = setUp({ rate: 10, elapsed: () => pace.now });
    const worker = await run();
    await pipeline.until(() => pipeline.fired.length === 10);
    expect(worker.behind).toBe(DAY);
    // No more in the same second, however often it polls.
    await pipeline.polls(3);
    expect(pipeline.fired).toHaveLength(10);
    pace.now += 500;
    await pipeline.until(() => pipeline.fired.length === 15);
    pace.now += 60_000;
    await pipeline.until(() => pipeline.fired.length === 25);
    // The oldest first.
    expect(pipeline.fired).toEqual(Array.from({ length: 25 }, (_, n) => `p ${n}`));
  });

  test('finishes what it has claimed when it stops', async () => {
    await store.fill(20, 20, -DAY);
    const { pipeline, run, stop } = setUp();
    let go: () => void = () => {};
    const began = new Promise<void>((resolve) => {
      pipeline.hold = new Promise<void>((release) => {
        go = release;
      });
      pipeline.onHold = resolve;
    });
    await run();
    await began;
    const stopped = stop();
    go();
    await stopped;
    expect(pipeline.fired).toHaveLength(20);
  });
});
