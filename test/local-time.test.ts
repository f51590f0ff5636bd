import { describe, expect, test } from 'vitest';
import { formatLocalTimeKey, nextOccurrence } from '../src/time/calendar.ts';
import { DAY, MINUTE, userId, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

describe('local time', () => {
  test('stores one name per zone, however it is spelled', async () => {
    const tidings = await start('R: { every: day 18:00, zone: user, for: true }');
    const spelt = ['Europe/Lisbon', 'EUROPE/LISBON', 'europe/lisbon', 'utc', 'nowhere'];
    for (const [n, time_zone] of spelt.entries())
      await tidings.post({ user: userId(n), type: 'began', traits: { time_zone } });
    const rows = await tidings.rows('select zone from users order by user_id');
    const [lisbon] = rows;
    expect(lisbon?.zone).toMatch(/^[A-Z][a-z]+\/[A-Z][a-z]+$/);
    expect(rows).toEqual([lisbon, lisbon, lisbon, { zone: 'UTC' }, { zone: 'UTC' }]);
  });

  test('runs a daily rule once per local day for a user who moves between zones', async () => {
    const tidings = await start('R: { every: day 18:00, zone: user, for: true }');
    const { clock } = tidings;
    clock.now = Date.parse('2025-11-20T12:00:00Z');
    const zone = async (time_zone: string) => tidings.post({ user: 'u', type: 'began', traits: { time_zone } });
    const pace = { now: 0 };
    await tidings.timers({ elapsed: () => pace.now });
    const firedAt = async () => (await tidings.fired()).map(({ due }) => new Date(due).toISOString().slice(0, 16));
    /** Moves the clock, until all that is due by then has run. */
    const at = async (time: string) => {
      clock.now = Date.parse(time);
      await expect
        .poll(() => tidings.count('schedules', `next_at > '${time}' and claimed_until is null`))
        .toBe(await tidings.count('schedules'));
    };
    const zones = async () => (await tidings.rows('select zone from schedules order by 1')).map((row) => row.zone);
    /** Moves the user to a zone; zones of users are looked up every minute. */
    const moved = async (to: string) => {
      await zone(to);
      pace.now += MINUTE;
      await expect.poll(zones).toEqual([to, 'UTC'].sort());
    };
    await moved('Europe/Lisbon');
    await at('2025-11-20T18:00:00Z');
    expect(await firedAt()).toEqual(['2025-11-20T18:00']);
    await moved('America/New_York');
    // 18:00 of the same local day, which has fired already.
    await at('2025-11-20T23:00:01Z');
    expect(await firedAt()).toEqual(['2025-11-20T18:00']);
    await at('2025-11-21T23:00:01Z');
    expect(await firedAt()).toEqual(['2025-11-20T18:00', '2025-11-21T23:00']);
    // Moving east makes the day shorter: the next local evening comes sooner.
    await moved('Asia/Tokyo');
    await at('2025-11-22T09:00:01Z');
    expect(await firedAt()).toEqual(['2025-11-20T18:00', '2025-11-21T23:00', '2025-11-22T09:00']);
  });

  test('runs an occurrence once, however many occurrences ago that was', async () => {
    const tidings = await start('R: { every: cron * * * * *, zone: user, for: true }');
    const { clock } = tidings;
    await tidings.post({ user: 'u', type: 'began' });
    const run = (label: string) => {
      clock.now += MINUTE;
      return tidings.runSchedule('R', label, ['u']);
    };
    const minutes = Array.from({ length: 60 }, (_, n) => `2025-11-20T18:${String(n).padStart(2, '0')}`);
    for (const label of minutes) expect(await run(label)).toBe(1);
    // The same local times again, as after a move one hour west.
    for (const label of minutes) expect(await run(label)).toBe(0);
    expect(await run('2025-11-20T19:00')).toBe(1);
    expect(await tidings.count('notifications')).toBe(61);
  });

  test('runs a daily 02:30 once each day, over two clock changes in three zones', async () => {
    const changes = [
      // In spring 02:30 is skipped and runs as 03:30; in autumn 02:30 comes twice, and the first one counts.
      ['Europe/Berlin', '2025-03-30', '2025-03-30T01:30Z', '2025-10-26', '2025-10-26T00:30Z'],
      // Here 01:30 is the time that comes twice.
      ['America/New_York', '2025-03-09', '2025-03-09T07:30Z', '2025-11-02', '2025-11-02T07:30Z'],
      // In the southern hemisphere autumn comes first.
      ['Australia/Sydney', '2025-10-05', '2025-10-04T16:30Z', '2025-04-06', '2025-04-05T15:30Z'],
    ] as const;
    const tidings = await start('R: { every: day 02:30, zone: user, for: true }');
    const { clock } = tidings;
    await tidings.post(...changes.map(([zone]) => ({ user: zone, type: 'began', traits: { time_zone: zone } })));
    for (const [zone, spring, springAt, autumn, autumnAt] of changes) {
      for (const [day, at] of [
        [spring, springAt],
        [autumn, autumnAt],
      ] as const) {
        const noon = Date.parse(`${day}T12:00Z`);
        const due: number[] = [];
        const end = noon + 3 * DAY;
        for (let next = noon - 4 * DAY; ; ) {
          next = nextOccurrence('30 2 * * *', zone, next) ?? end;
          if (next >= end) break;
          clock.now = next;
          const label = formatLocalTimeKey(next, zone);
          expect(await tidings.runSchedule('R', label, [zone]), `${zone} ${label}`).toBe(1);
          due.push(next);
        }
        const days = due.map((time) => formatLocalTimeKey(time, zone).slice(0, 10));
        const around = [-3, -2, -1, 0, 1, 2, 3].map((n) => new Date(noon + n * DAY).toISOString().slice(0, 10));
        expect(new Set(days).size, zone).toBe(days.length);
        expect(around.filter((one) => !days.includes(one)).slice(0, -1), zone).toEqual([]);
        expect(due).toContain(Date.parse(at));
      }
    }
  });
});
