import { beforeEach, describe, expect, test } from 'vitest';
import { claimSchedule, saveSchedule } from '../src/store/waits/schedules.ts';
import { useDatabase } from './support/database.ts';
import {
  addUsers,
  applyFirstCatalog,
  listSchedules,
  syncTestSchedules,
  useTimerWorkers,
} from './support/timer-workers.ts';
import { DAY, HOUR, NOW } from './support/waits.ts';

const database = useDatabase();
const setUp = useTimerWorkers(database);

beforeEach(async () => {
  await database().pool.query('truncate schedules, users, active_catalogs, catalogs, audit_log cascade');
});

describe('schedules', () => {
  test('follow the active catalog and the zones of the users', async () => {
    await addUsers(
      database().pool,
      ['a', null],
      ['b', 'Europe/Lisbon'],
      ['c', 'Europe/Lisbon'],
      ['d', 'America/New_York'],
    );
    await applyFirstCatalog(database().pool);
    const sync = (rules: Parameters<typeof syncTestSchedules>[1], version = 1, now = NOW) =>
      syncTestSchedules(database().pool, rules, { version, now });
    const summary = { name: 'SUMMARY', cron: '0 * * * *', zone: 'user' };
    const report = { name: 'REPORT', cron: '0 * * * *', zone: 'Asia/Tokyo' };
    expect(await sync([summary, report])).toBe(true);
    expect(await listSchedules(database().pool)).toEqual([
      ['REPORT', 'Asia/Tokyo', NOW + HOUR],
      ['SUMMARY', 'America/New_York', NOW + HOUR],
      ['SUMMARY', 'Europe/Lisbon', NOW + HOUR],
      ['SUMMARY', 'UTC', NOW + HOUR],
    ]);
    // The same again changes nothing, though time has passed.
    await sync([summary, report], 1, NOW + 5 * HOUR);
    expect((await listSchedules(database().pool)).every(([, , next]) => next === NOW + HOUR)).toBe(true);
    // Not the active version: another process has a newer one.
    expect(await sync([], 2)).toBe(false);
    expect(await listSchedules(database().pool)).toHaveLength(4);
    // Another cron pattern starts again, also in the zone of a new user; the schedules of a removed rule are deleted.
    await addUsers(database().pool, ['e', 'Asia/Kolkata']);
    await sync([{ ...summary, cron: '30 * * * *' }], 1, NOW + 5 * HOUR);
    expect(await listSchedules(database().pool)).toEqual([
      ['SUMMARY', 'America/New_York', NOW + 5 * HOUR + HOUR / 2],
      ['SUMMARY', 'Asia/Kolkata', NOW + 5 * HOUR + HOUR / 2],
      ['SUMMARY', 'Europe/Lisbon', NOW + 5 * HOUR + HOUR / 2],
      ['SUMMARY', 'UTC', NOW + 5 * HOUR + HOUR / 2],
    ]);
    // A pattern that never occurs has no schedule.
    await syncTestSchedules(database().pool, [summary], { next: () => null });
    expect(await listSchedules(database().pool)).toEqual([]);
  });

  test('run for each user at their local time, in portions', async () => {
    const many = Array.from({ length: 1203 }, (_, n): [string, string | null] => [
      `u ${String(n).padStart(4, '0')}`,
      null,
    ]);
    await addUsers(database().pool, ...many, ['x', 'UTC'], ['y', 'Europe/Lisbon'], ['z', 'Asia/Tokyo']);
    await applyFirstCatalog(database().pool);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'SUMMARY', cron: '0 * * * *', zone: 'user' }];
    await run();
    await pipeline.until(async () => (await listSchedules(database().pool)).length > 0);
    clock.now += HOUR;
    await pipeline.until(() => pipeline.occurrences.length === 1206);
    const ran = pipeline.occurrences.map(({ userId }) => userId).sort();
    expect(ran).toEqual([...many.map(([userId]) => userId), 'x', 'y', 'z'].sort());
    expect(new Set(pipeline.occurrences.map(({ due }) => due))).toEqual(new Set([NOW + HOUR]));
    expect(pipeline.occurrences.find(({ userId }) => userId === 'z')?.label).toBe(`${NOW + HOUR} Asia/Tokyo`);
    await pipeline.until(async () =>
      (await listSchedules(database().pool)).every(([, , next]) => next === NOW + 2 * HOUR),
    );
  });

  test('run for all users at once if the rule has its own zone', async () => {
    await addUsers(database().pool, ['a', null], ['b', 'Europe/Lisbon']);
    await applyFirstCatalog(database().pool);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'REPORT', cron: '0 * * * *', zone: 'Asia/Tokyo' }];
    await run();
    await pipeline.until(async () => (await listSchedules(database().pool)).length > 0);
    clock.now += HOUR;
    await pipeline.until(() => pipeline.occurrences.length === 2);
    expect(pipeline.occurrences.map(({ userId, label }) => [userId, label])).toEqual([
      ['a', `${NOW + HOUR} Asia/Tokyo`],
      ['b', `${NOW + HOUR} Asia/Tokyo`],
    ]);
  });

  test('run the latest of several missed occurrences, once', async () => {
    await addUsers(database().pool, ['a', null]);
    await applyFirstCatalog(database().pool);
    const rule = { name: 'R', cron: '0 * * * *', zone: 'UTC' };
    await syncTestSchedules(database().pool, [rule]);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [rule];
    clock.now = NOW + 30 * DAY + 5;
    await run();
    await pipeline.until(() => pipeline.occurrences.length > 0);
    await pipeline.until(async () => (await listSchedules(database().pool))[0]?.[2] === NOW + 30 * DAY + HOUR);
    expect(pipeline.occurrences).toEqual([
      { userId: 'a', rule: 'R', due: NOW + 30 * DAY, label: `${NOW + 30 * DAY} UTC` },
    ]);
  });

  test('continue after a crash from the saved progress', async () => {
    await addUsers(database().pool, ['a', null], ['b', null], ['c', null]);
    await applyFirstCatalog(database().pool);
    const rule = { name: 'R', cron: '0 * * * *', zone: 'UTC' };
    await syncTestSchedules(database().pool, [rule]);
    const due = NOW + HOUR;
    const held = (await claimSchedule(database().pool, due, due + 60_000))!;
    await saveSchedule(database().pool, held, { nextAt: due, cursor: 'b', claimedUntil: due + 60_000 });
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [rule];
    // Two more occurrences were missed meanwhile: the unfinished one comes first, then the latest.
    clock.now = due + 2 * HOUR;
    await run();
    await pipeline.until(() => pipeline.occurrences.length === 4);
    expect(pipeline.occurrences.map(({ userId, due: at }) => [userId, at])).toEqual([
      ['c', due],
      ['a', due + 2 * HOUR],
      ['b', due + 2 * HOUR],
      ['c', due + 2 * HOUR],
    ]);
  });

  test('skip a user whose run fails', async () => {
    await addUsers(database().pool, ['a', null], ['bad', null], ['c', null]);
    await applyFirstCatalog(database().pool);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'R', cron: '0 * * * *', zone: 'UTC' }];
    pipeline.fails = (userId) => userId === 'bad';
    await run();
    await pipeline.until(async () => (await listSchedules(database().pool)).length > 0);
    clock.now += HOUR;
    await pipeline.until(async () => (await listSchedules(database().pool))[0]?.[2] === NOW + 2 * HOUR);
    expect(pipeline.occurrences.map(({ userId }) => userId)).toEqual(['a', 'c']);
  });

  test('run once for each user, with several workers', async () => {
    await addUsers(database().pool, ...Array.from({ length: 2600 }, (_, n): [string, null] => [`u ${n}`, null]));
    await applyFirstCatalog(database().pool);
    const { pipeline, clock, run } = setUp();
    pipeline.rules = [{ name: 'R', cron: '0 * * * *', zone: 'UTC' }];
    await Promise.all([run(), run(), run()]);
    await pipeline.until(async () => (await listSchedules(database().pool)).length > 0);
    clock.now += HOUR;
    await pipeline.until(async () => (await listSchedules(database().pool))[0]?.[2] === NOW + 2 * HOUR);
    expect(pipeline.occurrences).toHaveLength(2600);
    expect(new Set(pipeline.occurrences.map(({ userId }) => userId)).size).toBe(2600);
  });
});
