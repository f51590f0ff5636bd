import { expect, test } from 'vitest';
import { DAY, HOUR, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

test('a wait for a local time moves when the zone of its user does, fires by the new one, and a backtest agrees', async () => {
  const tidings = await start('R: { on: began, at: "20:00", zone: user }');
  const { clock } = tidings;
  const since = clock.now;
  await tidings.post({ user: 'u', type: 'began', traits: { time_zone: 'Europe/Lisbon' } });
  clock.now += HOUR;
  const [moved] = await tidings.post({ user: 'u', type: 'ended', traits: { time_zone: 'America/New_York' } });
  expect(moved).toMatchObject([
    {
      rule: 'R',
      outcome: 'scheduled',
      reason: 'Moved: R waits until 21 November 2025 at 01:00 UTC now; it was due on 20 November 2025 at 20:00 UTC.',
      evidence: { wait: { due_at: '2025-11-21T01:00:00.000Z', moved_from: { due_at: '2025-11-20T20:00:00.000Z' } } },
    },
  ]);
  // The same zone again moves nothing.
  expect(await tidings.post({ user: 'u', type: 'reached', traits: { time_zone: 'America/New_York' } })).toEqual([[]]);
  clock.now = Date.parse('2025-11-20T20:00:00Z');
  expect(await tidings.fireDueWaits(['u'])).toBe(0);
  clock.now = Date.parse('2025-11-21T01:00:00Z');
  expect(await tidings.fireDueWaits(['u'])).toBe(1);
  expect(await tidings.fired()).toMatchObject([{ user: 'u', due: clock.now, decisions: [{ outcome: 'send' }] }]);
  expect(await tidings.reproduced(since)).toMatchObject({ decisions: 3, different: 0 });
});

test('many waits of a user move with one event, and those of other rules stay', async () => {
  const tidings = await start('R: { on: began, at: "20:00", zone: user }\n  S: { on: began, at: "20:00" }');
  const { clock } = tidings;
  const since = clock.now;
  const traits = { time_zone: 'Europe/Lisbon' };
  await tidings.post(...Array.from({ length: 30 }, () => ({ user: 'u', type: 'began', traits })));
  clock.now += HOUR;
  await tidings.post({ user: 'u', type: 'ended', traits: { time_zone: 'Asia/Tokyo' } });
  const due = await tidings.rows('select rule, due_at, count(*)::int as n from waits group by 1, 2 order by 1');
  expect(due).toEqual([
    { rule: 'R', due_at: Date.parse('2025-11-21T11:00:00Z'), n: 30 },
    { rule: 'S', due_at: Date.parse('2025-11-20T20:00:00Z'), n: 30 },
  ]);
  clock.now += DAY;
  await tidings.fireDueWaits(['u']);
  expect(await tidings.count('notifications')).toBe(60);
  expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
});
