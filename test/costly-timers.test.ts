import { describe, expect, test } from 'vitest';
import { countLockWaits, otherProcess } from './support/processes.ts';
import { HOUR, type TimedTidings, useTimedTidings } from './support/timers.ts';

/** Waits and schedules of costly users: the CPU budget of the timers. */

const AMPLE = { perUser: 60_000, total: 60_000 };
const NOTHING = { perUser: -1, total: 60_000 };
const LITTLE_TOGETHER = { perUser: 60_000, total: -1 };

const start = useTimedTidings();

/** A process with these bounds, on the database of another. */
function strictProcess(tidings: TimedTidings, shared: typeof AMPLE, slow: typeof AMPLE) {
  const strict = otherProcess(tidings, { cpu: { shared, slow } }, tidings.catalogs);
  return strict.pipeline;
}

async function outcomes(tidings: TimedTidings) {
  const rows = await tidings.rows(
    `select user_id as user, status, decisions::text as decisions from waits order by user_id, due_at, wait_id`,
  );
  return rows.map(({ user, status, decisions }) => [user, status, /too_costly/.test(String(decisions))]);
}

describe.each([
  ['a user', NOTHING],
  ['many users together', LITTLE_TOGETHER],
])('waits of %s that take too long', (_, shared) => {
  test('are fired apart, each once, and a backtest agrees', async () => {
    const tidings = await start('R: { on: began, delay: 1h, do: { emit: reached, with: { n: 1 } } }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post(...['u', 'v', 'w'].flatMap((user) => [0, 1].map(() => ({ user, type: 'began' }))));
    clock.now += HOUR;
    const strict = strictProcess(tidings, shared, AMPLE);
    expect(await strict.fireDueWaits('default', ['u', 'v', 'w'])).toBe(0);
    await strict.drain();
    expect(await tidings.count('waits', `status = 'fired'`)).toBe(6);
    expect(await tidings.count('events', `event_type = 'reached'`)).toBe(6);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test('and too long alone are set aside with a reason, and never tried again', async () => {
    const tidings = await start('R: { on: began, delay: 1h }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post(...[0, 1, 2].map(() => ({ user: 'u', type: 'began' })), { user: 'v', type: 'began' });
    clock.now += HOUR;
    const strict = strictProcess(tidings, shared, NOTHING);
    await strict.fireDueWaits('default', ['u', 'v']);
    await strict.drain();
    expect(await outcomes(tidings)).toEqual([
      ['u', 'cancelled', true],
      ['u', 'cancelled', true],
      ['u', 'cancelled', true],
      ['v', 'cancelled', true],
    ]);
    expect(await tidings.count('notifications')).toBe(0);
    expect(await tidings.fireDueWaits(['u', 'v'])).toBe(0);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 8, different: 0 });
  });
});

test('the timers of no other user wait for those of a costly one', async () => {
  const tidings = await start('R: { on: began, delay: 1h }');
  const { clock } = tidings;
  await tidings.post({ user: 'costly', type: 'began' });
  clock.now += 30_000;
  await tidings.post({ user: 'costly', type: 'began' }, { user: 'other', type: 'began' });
  clock.now += HOUR - 30_000;
  // The limits are objects, so that the user is costly at first and no longer afterwards.
  const shared = { ...NOTHING };
  const strict = strictProcess(tidings, shared, AMPLE);
  await strict.fireDueWaits('default', ['costly']);
  await strict.drain();
  Object.assign(shared, AMPLE);
  clock.now += 30_000;
  // Another process holds the lock of the user, so firing the waits of this user takes long.
  const { release } = await tidings.holdUsers(['costly']);
  expect(await strict.fireDueWaits('default', ['costly', 'other'])).toBe(1);
  await expect.poll(() => countLockWaits(tidings)).toBe(1);
  expect(await tidings.sentTo('R')).toEqual(['costly', 'other']);
  await release();
  await strict.drain();
  expect(await tidings.sentTo('R')).toEqual(['costly', 'costly', 'other']);
});

describe('a schedule that takes too long', () => {
  test('leaves its occurrences to the timer, each user has one, and a backtest agrees', async () => {
    const tidings = await start('R: { every: day 12:00, for: user.level == "gold" }');
    const { clock } = tidings;
    const since = clock.now;
    for (const [user, level] of [
      ['u', 'gold'],
      ['v', 'gold'],
      ['w', 'tin'],
    ] as const) {
      await tidings.post({ user, type: 'began', traits: { level } });
    }
    clock.now += HOUR;
    const strict = strictProcess(tidings, NOTHING, AMPLE);
    const occurrence = {
      tenantId: 'default',
      rule: 'R',
      cron: '0 12 * * *',
      zone: 'UTC',
      due: clock.now,
      label: '2025-11-20T13:00',
    };
    let saved = 0;
    const save = async () => void saved++;
    expect(await strict.runSchedule(occurrence, ['u', 'v', 'w'], save)).toBe(2);
    expect(saved).toBe(2);
    expect(await tidings.countOpenWaits()).toBe(2);
    // The same occurrence again adds none.
    expect(await strict.runSchedule(occurrence, ['u', 'v', 'w'], save)).toBe(0);
    clock.now += 10;
    await strict.fireDueWaits('default', ['u', 'v', 'w']);
    await strict.drain();
    expect(await tidings.sentTo('R')).toEqual(['u', 'v']);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 2, different: 0 });
  });

  test('and too long for a user alone is set aside with a reason', async () => {
    const tidings = await start('R: { every: day 12:00, for: "true" }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'began' });
    clock.now += HOUR;
    const strict = strictProcess(tidings, NOTHING, NOTHING);
    const occurrence = {
      tenantId: 'default',
      rule: 'R',
      cron: '0 12 * * *',
      zone: 'UTC',
      due: clock.now,
      label: '2025-11-20T13:00',
    };
    expect(await strict.runSchedule(occurrence, ['u'], async () => {})).toBe(1);
    clock.now += 10;
    await strict.fireDueWaits('default', ['u']);
    await strict.drain();
    expect(await outcomes(tidings)).toEqual([['u', 'cancelled', true]]);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 1, different: 0 });
  });
});
