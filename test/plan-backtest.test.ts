import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_POLICY, type Policy } from '../src/model/preferences.ts';
import { postStep } from './support/history-steps.ts';
import { runs } from './support/properties.ts';
import { BASE, plainRule } from './support/random-catalog.ts';
import { anyRules, type HistoryEvent } from './support/random-history.ts';
import { someHistoryOnTerms, someTerms } from './support/random-terms.ts';
import { recordHistory, replayHistories, seal } from './support/replay.ts';

/** Histories in which users say what they want, at any time and in any order, replayed. */

test('a backtest repeats every decision on terms that change, from any start', () => {
  const seen = { plan: 0, digests: 0, duplicates: 0, consent: 0, direct: 0 };
  fc.assert(
    fc.property(
      anyRules(false),
      someHistoryOnTerms,
      someTerms,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rules, steps, terms, from) => {
        const { histories, end } = recordHistory(rules, steps, terms);
        for (const { events, waits } of histories) {
          seen.digests += waits.filter(
            ({ rule, decisions }) => rule.startsWith('@frequency/') && decisions.length > 0,
          ).length;
          for (const { type, decisions } of events) {
            const verdicts = decisions().flatMap(({ evidence }) => evidence.plan ?? []);
            if (verdicts.length > 0) seen.plan++;
            if (verdicts.some(({ code }) => code === 'duplicate_content')) seen.duplicates++;
            if (verdicts.some(({ code }) => code === 'consent_missing')) seen.consent++;
            if (type === 'notification.requested' && decisions().length > 0) seen.direct++;
          }
        }
        const since = BASE + Math.floor((end - BASE) * from);
        const { reproduced } = replayHistories(rules, histories, since, end + 1, undefined, terms);
        expect(reproduced).toEqual({ decisions: reproduced?.decisions, different: 0, examples: [] });
      },
    ),
    runs(200),
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(5);
});

const RULE = plainRule({ name: 'R0', on: ['a'] });
const [ANN, ABE] = ['ann@example.com', 'abe@example.com'];

function post(gap: number, event: Partial<HistoryEvent> & Pick<HistoryEvent, 'type'>) {
  const whole: HistoryEvent = { user: 0, late: 0, properties: {}, traits: {}, startsIn: null, ...event };
  return { gap, kind: 'post' as const, events: [whole] };
}

test('consent for an address does not count for another with the same mask, live and replayed', () => {
  const terms = { policy: { ...NO_POLICY, consent: { 'OPERATIONAL/email': ['record' as const] } } };
  const granted = { purpose: 'OPERATIONAL', channel: 'email', state: 'granted', address: 'a…@example.com' };
  const steps = [
    post(1000, { type: 'b', traits: { email: ANN } }),
    post(1000, { type: 'consent.recorded', properties: { ...granted, address_hash: seal.hash(ANN) } }),
    post(1000, { type: 'a', traits: { email: ANN } }),
    post(1000, { type: 'a', traits: { email: ABE } }),
    post(1000, { type: 'a', traits: { email: ABE } }),
    post(1000, { type: 'a', traits: { email: ANN } }),
    // Late: the address stays that of the event before.
    post(1000, { type: 'a', late: 1500, traits: { email: ABE } }),
  ];
  const { histories, end } = recordHistory([RULE], steps, terms);
  const events = [...(histories[0]?.events ?? [])].sort((a, b) => a.receivedAt - b.receivedAt);
  const codes = events.flatMap(({ decisions }) => decisions().map(({ evidence }) => evidence.plan?.[0]?.code ?? 'go'));
  expect(codes).toEqual(['go', 'consent_missing', 'consent_missing', 'go', 'go']);
  // An event that repeats an address is stored with its mask alone.
  expect(events.map(({ traits }) => traits.email)).toEqual([
    ANN,
    undefined,
    'a…@example.com',
    ABE,
    'a…@example.com',
    ANN,
    'a…@example.com',
  ]);
  for (const since of [BASE, BASE + 4500, BASE + 6500]) {
    const { reproduced } = replayHistories([RULE], histories, since, end + 1, undefined, terms);
    expect(reproduced).toMatchObject({ different: 0 });
  }
});

test('a late change of preferences that arrives right after an event is decided after it', () => {
  const terms = { policy: { ...NO_POLICY, quietHours: { start: 0, end: 600 } } };
  const steps = [
    postStep(1000, 'a'),
    post(1, { type: 'preference.updated', late: 500, properties: { types: { N1: { enabled: false } } } }),
  ];
  const { histories, end } = recordHistory([RULE], steps, terms);
  const { reproduced } = replayHistories([RULE], histories, BASE, end + 1, undefined, terms);
  expect(reproduced).toEqual({ decisions: 1, different: 0, examples: [] });
});

test('a policy that takes a channel of what is sent all the same is shown as another plan, with both sides', () => {
  const { histories, end } = recordHistory([RULE], [post(1000, { type: 'a' }), post(1000, { type: 'a' })], {
    policy: NO_POLICY,
  });
  const compare = (policy: Partial<Policy>) =>
    replayHistories(
      [RULE],
      histories,
      BASE,
      end + 1,
      [RULE],
      { policy: NO_POLICY },
      { policy: { ...NO_POLICY, ...policy } },
    );
  const same = { live: 2, new: 2, added: 0, removed: 0, moved: 0, replanned: 0, unchanged: 2 };
  expect(compare({}).totals).toEqual(same);
  const muted = compare({ defaults: { 'ch:sms': false } });
  expect(muted.totals).toEqual({ ...same, replanned: 2, unchanged: 0 });
  expect(muted.types[0]?.examples[0]).toMatchObject({
    change: 'replanned',
    live: { evidence: {} },
    new: {
      evidence: {
        plan: [
          { channel: 'email', verdict: 'go' },
          { channel: 'sms', verdict: 'drop', code: 'not_subscribed' },
        ],
      },
    },
  });
  // Another reason alone is no difference: both go.
  expect(compare({ defaults: { 'ch:sms': true } }).totals).toEqual(same);
});
