import { describe, expect, test } from 'vitest';
import { HOUR, MINUTE, useTimedTidings } from './support/timers.ts';

const start = useTimedTidings();

describe('late events', () => {
  test('that make a rule emit what breaks an absence keep it from firing; a backtest decides the same', async () => {
    const tidings = await start(`R: { on: began, unless: { event: reached, within: 1h } }
  MAKER: { on: ended, delay: 10m, notify: none, do: { emit: reached } }`);
    const { clock } = tidings;
    const since = clock.now;
    clock.now += 1;
    const late = (user: string, type: string, minutes: number) => ({ user, type, ago: 5 * HOUR - minutes * MINUTE });
    const decided = await tidings.post(
      ...[late('u', 'began', 0), late('u', 'ended', 50), late('v', 'began', 0), late('v', 'ended', 51)],
    );
    const codes = decided.map((all) => all.map(({ rule, reason_code }) => `${rule} ${reason_code}`));
    expect(codes).toEqual([['R waiting'], ['MAKER acted'], ['R waiting'], ['MAKER acted']]);
    await tidings.timers();
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect(await tidings.sentTo('R')).toEqual(['v']);
    // Both waits are due before a timer runs: the first emits the event that ends the second.
    clock.now += HOUR;
    await tidings.post({ user: 'w', type: 'began' }, { user: 'w', type: 'ended' });
    clock.now += 2 * HOUR;
    await expect.poll(() => tidings.countOpenWaits()).toBe(0);
    expect(await tidings.sentTo('R')).toEqual(['v']);
    expect(await tidings.reproduced(since)).toMatchObject({ different: 0 });
  });

  test('that break an absence in the same request keep it from firing; a backtest decides the same', async () => {
    const tidings = await start(`R: { on: began, unless: { event: ended, within: 1h } }
  S: { on: began, delay: 1h, cancel_on: ended }
  T: { on: began, unless: { event: ended, within: 1h, at_least: 2 } }
  U: { on: reached, delay: 1h, again: restart, when: 'user.level != "low"', recheck: false }
  V: { on: began, digest: { window: 1h, first: now }, cancel_on: ended }`);
    const { clock } = tidings;
    const since = clock.now;
    clock.now += 1;
    const late = (user: string, type: string, minutes: number, level = 'high') => {
      return { user, type, ago: 5 * HOUR - minutes * MINUTE, traits: { level } };
    };
    const decided = await tidings.post(
      late('u', 'ended', 60),
      late('v', 'reached', 30, 'low'),
      late('u', 'began', 0),
      late('u', 'reached', 0),
      late('u', 'reached', 30),
      late('v', 'began', 0),
      late('v', 'reached', 0),
      late('v', 'ended', 61),
    );
    const codes = decided.map((all) => all.map(({ rule, reason_code }) => `${rule} ${reason_code}`));
    expect(codes).toEqual([
      [],
      ['U condition_false'],
      ['R unless_event_occurred', 'S cancelled_by_event', 'T matched', 'V cancelled_by_event'],
      ['U superseded'],
      ['U matched'],
      ['R matched', 'S matched', 'T matched', 'V matched'],
      ['U matched'],
      [],
    ]);
    const [began, ended] = [`u began ${clock.now} 2`, `u ended ${clock.now} 0`];
    expect(decided[2]?.[0]).toMatchObject({ outcome: 'not_matched', event_ids: [began, ended] });
    expect(decided[2]?.[0]?.reason).toContain('ended happened');
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 12, different: 0 });
  });

  test('that complete the pattern of a trait change fire the rule once', async () => {
    const tidings = await start(`R: { on: { trait: level, to: gold }, after: { event: began, within: 1h } }
  S: { on: [{ trait: level }, ended], count: { at_least: 2, of: began, within: 1h }, delay: 2h }
  T: { on: { trait: level, to: gold }, after: [{ event: reached, within: 1h }, { event: began, within: 1h }] }`);
    const { clock } = tidings;
    const base = clock.now;
    const times: number[] = [];
    /** Posts an event hours later, which happened this many minutes after the change. */
    const postLater = async (type: string, minutes: number, level?: string) => {
      clock.now += 3 * HOUR;
      times.push(clock.now);
      const ago = clock.now - base - minutes * MINUTE;
      const [decisions = []] = await tidings.post({ user: 'u', type, ago, traits: level ? { level } : {} });
      return decisions;
    };
    const codes = (decisions: Awaited<ReturnType<typeof postLater>>) =>
      decisions.map(({ rule, reason_code, evidence }) => `${rule} ${reason_code} ${evidence.change?.to ?? ''}`);

    await postLater('reached', -600, 'low');
    // S is triggered by the event itself.
    expect(codes(await postLater('ended', 0, 'gold'))).toEqual([
      'S count_not_met ',
      'R pattern_incomplete gold',
      'T pattern_incomplete gold',
    ]);
    expect(codes(await postLater('reached', 30, 'low'))).toEqual(['S count_not_met low']);
    expect(await postLater('began', -61)).toEqual([]);
    const [completed, ...others] = await postLater('began', -1);
    expect(others).toEqual([]);
    expect(completed).toMatchObject({
      rule: 'R',
      reason_code: 'matched',
      event_ids: [expect.stringContaining('ended'), expect.stringContaining('began')],
      evidence: { change: { trait: 'level', from: 'low', to: 'gold' }, pattern: { steps: [{ event: 'began' }] } },
    });
    expect(codes(await postLater('began', -2))).toEqual(['S matched ', 'S matched low']);
    expect(codes(await postLater('reached', -3))).toEqual(['T matched gold']);
    expect(await postLater('reached', -4)).toEqual([]);
    expect(await postLater('began', -3)).toEqual([]);
    expect((await tidings.notifications()).map(({ type }) => type)).toEqual(['R', 'S', 'S', 'T']);
    for (const time of times) expect(await tidings.reproduced(time)).toMatchObject({ different: 0 });
  });
});
