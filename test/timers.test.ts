import { describe, expect, test } from 'vitest';
import { silent } from './support/tidings.ts';
import { HOUR, MINUTE, userId, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

describe('an hour of downtime', () => {
  test('is caught up with oldest first, at the set pace, without sending what has expired', async () => {
    const tidings = await start('LATE: { on: began, delay: 10m, expires: 30m }');
    const { clock } = tidings;
    for (let n = 0; n < 60; n++) {
      await tidings.post({ user: userId(n), type: 'began' });
      clock.now += MINUTE;
    }
    // No timer has run since. The first wait was due 60 minutes ago, the last 1 minute ago.
    clock.now += 10 * MINUTE;
    const pace = { now: 0 };
    const worker = await tidings.timers({ rate: 10, elapsed: () => pace.now });
    for (let seconds = 1; seconds <= 6; seconds++) {
      const oldest = Array.from({ length: seconds * 10 }, (_, n) => userId(n));
      await expect.poll(async () => (await tidings.fired()).map(({ user }) => user)).toEqual(oldest);
      expect(worker.behind).toBe(60 * MINUTE - (seconds - 1) * 10 * MINUTE);
      pace.now += 1000;
    }
    const ends = (await tidings.fired()).map(({ decisions }) => decisions.map(({ reason_code }) => reason_code));
    expect(ends).toEqual(Array.from({ length: 60 }, (_, n) => [n < 30 ? 'expired' : 'matched']));
    expect(await tidings.sentTo('LATE')).toEqual(Array.from({ length: 30 }, (_, n) => userId(n + 30)));
  });
});

describe('several processes', () => {
  test('fire each timer once, while events cancel half of them', async () => {
    const tidings = await start('R: { on: began, delay: 1h, cancel_on: ended }');
    const { clock } = tidings;
    const all = Array.from({ length: 400 }, (_, n) => userId(n));
    await tidings.post(...all.map((user) => ({ user, type: 'began' })));
    clock.now += HOUR;
    for (const other of [tidings.startProcess(), tidings.startProcess()]) await other.timers();
    const half = all.filter((_, n) => n % 2 === 0);
    const results = await tidings.post(...half.map((user) => ({ user, type: 'ended' })));
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);

    const sent = await tidings.sentTo('R');
    expect(new Set(sent).size).toBe(sent.length);
    const late = new Map(half.map((user, n) => [user, results[n]?.map(({ reason_code }) => reason_code)]));
    for (const user of all) {
      const codes = late.get(user) ?? [];
      expect(codes, user).toEqual(!late.has(user) ? [] : sent.includes(user) ? ['too_late'] : ['cancelled_by_event']);
      if (!late.has(user)) expect(sent).toContain(user);
    }
  });

  test('run a scheduled rule once for each user', async () => {
    const tidings = await start('R: { every: hour, for: true }');
    const all = Array.from({ length: 1200 }, (_, n) => userId(n));
    await tidings.post(...all.slice(0, 600).map((user) => ({ user, type: 'began' })));
    await tidings.post(...all.slice(600).map((user) => ({ user, type: 'began' })));
    for (const one of [tidings, tidings.startProcess(), tidings.startProcess()]) await one.timers();
    await expect.poll(() => tidings.count('schedules')).toBe(1);
    tidings.clock.now += HOUR;
    await expect.poll(async () => (await tidings.sentTo('R')).length).toBe(1200);
    await expect.poll(() => tidings.count('schedules', 'claimed_until is null and cursor is null')).toBe(1);
    expect(await tidings.sentTo('R')).toEqual(all);
  });
});

describe('a user lock that is held for too long', () => {
  test('delays a schedule and a wait until it is released', async () => {
    const tidings = await start(`WAITED: { on: began, delay: 1h }
  TURN: { every: hour, for: true }`);
    const { clock } = tidings;
    await tidings.post({ user: 'a', type: 'began' }, { user: 'b', type: 'began' });
    const other = tidings.startProcess({ timeouts: { lock: 100 } });
    const warnings: string[] = [];
    // It also warns of being late, without an error.
    const warn = ({ err }: { err?: { code: string } }) => err && warnings.push(err.code);
    const log = { ...silent, warn, info: () => {} };
    await other.timers({ log: log as unknown as typeof silent });
    await expect.poll(() => tidings.count('schedules')).toBe(1);

    const { release } = await tidings.holdUsers(['b']);
    clock.now += HOUR;
    // One warning of the schedule, one of the wait.
    await expect.poll(() => warnings).toEqual(['55P03', '55P03']);
    expect(await tidings.notifications()).toEqual([]);
    await release();

    // Their claims expire.
    clock.now += MINUTE + 1;
    await expect.poll(() => tidings.sentTo('TURN')).toEqual(['a', 'b']);
    await expect.poll(() => tidings.sentTo('WAITED')).toEqual(['a', 'b']);
  });
});
