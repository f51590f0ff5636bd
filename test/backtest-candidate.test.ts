import { describe, expect, test } from 'vitest';
import type { Rule } from '../src/model/catalog.ts';
import { fireStep, postStep } from './support/history-steps.ts';
import { BASE, DAY, HOUR, plainRule } from './support/random-catalog.ts';
import { compareRules } from './support/replay.ts';

const once = { max: 1, period: { kind: 'ever' }, text: 'once' } as const;
const past = (rule: Partial<Rule>): Rule => plainRule({ name: 'R', on: ['a'], ...rule });

describe('a backtest of a candidate', () => {
  test('adds what a removed limit had suppressed, with the reason it was suppressed', () => {
    const { totals, types } = compareRules(past({ limits: [once] }), past({}), [
      postStep(HOUR, 'a'),
      postStep(HOUR, 'a'),
    ]);
    expect(totals).toEqual({ live: 1, new: 2, added: 1, removed: 0, moved: 0, replanned: 0, unchanged: 1 });
    expect(types).toMatchObject([
      {
        type: 'N1',
        days: [{ day: '2025-10-26', live: 1, new: 2 }],
        examples: [
          {
            change: 'added',
            user_id: 'u0',
            live: { outcome: 'suppressed', reason_code: 'limit_reached', event_ids: ['e2'] },
            new: { outcome: 'send', at: '2025-10-26T02:00:00.000Z' },
          },
        ],
      },
    ]);
  });

  test('removes what a new condition excludes', () => {
    const steps = [postStep(HOUR, 'a', 0, { n: 1 }), postStep(HOUR, 'a', 0, { n: 2 })];
    const { totals, types } = compareRules(past({}), past({ when: 'event.n >= 2' }), steps);
    expect(totals).toEqual({ live: 2, new: 1, added: 0, removed: 1, moved: 0, replanned: 0, unchanged: 1 });
    expect(types[0]?.examples).toMatchObject([
      { change: 'removed', live: { outcome: 'send' }, new: { reason_code: 'condition_false', event_ids: ['e1'] } },
    ]);
  });

  test('moves what a new delay sends at another time', () => {
    const delayed = past({ delay: { span: HOUR, text: '1h' } });
    const { totals, types } = compareRules(past({}), delayed, [postStep(HOUR, 'a'), fireStep(DAY)]);
    expect(totals).toEqual({ live: 1, new: 1, added: 0, removed: 0, moved: 1, replanned: 0, unchanged: 0 });
    expect(types[0]?.examples).toMatchObject([
      { change: 'moved', live: { at: '2025-10-26T01:00:00.000Z' }, new: { at: '2025-10-26T02:00:00.000Z' } },
    ]);
  });

  test('moves what a longer digest window sends, with more items', () => {
    const digest = (span: number, text: string): Partial<Rule> => {
      return { digest: { window: { kind: 'fixed', span, text }, keep: 10, firstNow: false } };
    };
    const steps = [postStep(HOUR, 'a'), fireStep(HOUR), postStep(HOUR, 'a'), fireStep(DAY)];
    const { totals, types } = compareRules(past(digest(HOUR, '1h')), past(digest(DAY, '24h')), steps);
    expect(totals).toEqual({ live: 2, new: 1, added: 0, removed: 1, moved: 1, replanned: 0, unchanged: 0 });
    expect(types[0]?.examples).toContainEqual(
      expect.objectContaining({
        change: 'moved',
        new: expect.objectContaining({ evidence: expect.objectContaining({ digest: { total: 2, kept: 2 } }) }),
      }),
    );
  });

  test('fires what is waiting at the start by the catalog it started with, at the time it did', () => {
    const before = past({ delay: { span: 2 * HOUR, text: '2h' } });
    const steps = [postStep(HOUR, 'a'), fireStep(3 * HOUR), postStep(HOUR, 'a'), fireStep(DAY)];
    const { totals, types } = compareRules(before, past({}), steps, BASE + 2 * HOUR);
    // The first wait fired an hour late, and does so again.
    expect(totals).toEqual({ live: 2, new: 2, added: 0, removed: 0, moved: 1, replanned: 0, unchanged: 1 });
    expect(types[0]?.examples).toMatchObject([{ change: 'moved', new: { at: '2025-10-26T05:00:00.000Z' } }]);
  });

  test('counts what was sent before the start in a limit', () => {
    const steps = [postStep(HOUR, 'a'), postStep(2 * HOUR, 'a')];
    const { totals } = compareRules(past({}), past({ limits: [once] }), steps, BASE + 2 * HOUR);
    // The rule had no limit then, so nothing was counted.
    expect(totals).toMatchObject({ live: 1, new: 1, unchanged: 1 });
    const limited = compareRules(
      past({ limits: [once] }),
      past({ limits: [once], when: 'true' }),
      steps,
      BASE + 2 * HOUR,
    );
    expect(limited.totals).toMatchObject({ live: 0, new: 0 });
  });

  test('runs a scheduled rule when it is due by the zone of each user, from when the user is known', () => {
    const every = { text: 'day 09:00', cron: '0 9 * * *' };
    const daily = plainRule({ name: 'T', on: [], zone: 'user', every, audience: 'true' });
    const lisbon = {
      user: 0,
      type: 'a',
      late: 0,
      properties: {},
      traits: { time_zone: 'Europe/Lisbon' },
      startsIn: null,
    };
    const steps = [{ gap: HOUR, kind: 'post' as const, events: [lisbon] }];
    const { totals, types } = compareRules(past({ notify: [] }), daily, steps, BASE - DAY, BASE + 3 * DAY);
    // 26 to 28 October; the clocks have gone back to UTC by 09:00 of the first of them.
    expect(totals).toMatchObject({ live: 0, new: 3, added: 3 });
    expect(types[0]?.examples.map((one) => one.new?.at)).toEqual([
      '2025-10-26T09:00:00.000Z',
      '2025-10-27T09:00:00.000Z',
      '2025-10-28T09:00:00.000Z',
    ]);
  });
});
