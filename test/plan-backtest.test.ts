import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../src/model/event.ts';
import { NO_POLICY, type Policy } from '../src/model/preferences.ts';
import { runs } from './support/properties.ts';
import { BASE } from './support/random-catalog.ts';
import { anyRules, type Step, someHistory } from './support/random-history.ts';
import { recordHistory, replayHistories } from './support/replay.ts';

/** Histories in which users say what they want, at any time and in any order, replayed. */

const HOUR = 3_600_000;
const onOff = fc.constantFrom(true, false, null);
const frequency = fc.constantFrom('IMMEDIATE', 'HOURLY', 'DAILY', 'WEEKLY', 'NEVER', null);
const change: fc.Arbitrary<JsonObject> = fc.record(
  {
    all: fc.constantFrom(true, false, 'only_listed', null),
    types: fc.dictionary(
      fc.constantFrom('N1', 'N2'),
      fc.record({ enabled: onOff, sms: onOff, frequency }, { requiredKeys: [] }),
    ),
    categories: fc.dictionary(
      fc.constant('OPERATIONAL'),
      fc.record({ enabled: onOff, email: onOff }, { requiredKeys: [] }),
    ),
    channels: fc.dictionary(fc.constantFrom('email', 'sms'), onOff),
    digest_time: fc.constantFrom(null, { at: '18:00' }, { at: '02:30', day: 'friday' }),
    quiet_hours: fc.constantFrom(null, { enabled: false }, { start: '20:00', end: '10:00' }),
    replace: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;
const consent: fc.Arbitrary<JsonObject> = fc.record({
  purpose: fc.constant('OPERATIONAL'),
  channel: fc.constantFrom('email', 'sms'),
  state: fc.constantFrom('granted', 'withdrawn'),
}) as fc.Arbitrary<JsonObject>;

const saying: fc.Arbitrary<Step> = fc
  .record({
    gap: fc.integer({ min: 0, max: 12 * HOUR }),
    user: fc.integer({ min: 0, max: 1 }),
    late: fc.integer({ min: 0, max: 24 * HOUR }),
    said: fc.oneof(
      change.map((properties) => ({ type: 'preference.updated', properties })),
      consent.map((properties) => ({ type: 'consent.recorded', properties })),
    ),
  })
  .map(({ gap, user, late, said }) => ({
    gap,
    kind: 'post' as const,
    events: [{ user, late, traits: {}, startsIn: null, ...said }],
  }));

/** A history with what users say in between. */
const history: fc.Arbitrary<readonly Step[]> = fc
  .tuple(someHistory(15), fc.array(fc.tuple(saying, fc.nat(15)), { minLength: 1, maxLength: 8 }))
  .map(([steps, said]) => {
    const all = steps.filter(({ kind }) => kind !== 'apply');
    for (const [step, place] of said) all.splice(place % (all.length + 1), 0, step);
    return all;
  });

const switches = fc.dictionary(fc.constantFrom('t:N1', 't:N2/sms', 'c:OPERATIONAL', 'ch:email'), fc.boolean());
const policy: fc.Arbitrary<Policy> = fc.oneof(
  fc.constant(NO_POLICY),
  fc
    .record({
      defaults: switches,
      locks: switches,
      consent: fc.constantFrom<Policy['consent']>({}, { OPERATIONAL: ['record', { trait: 'vip' }] }),
      quietHours: fc.constantFrom({ start: 1320, end: 480 }, { start: 0, end: 1 }),
      holdSpread: fc.constantFrom(0, 600_000),
      caps: fc.constantFrom<Policy['caps']>(
        {},
        { email: { perHour: 1, perDay: 2 } },
        { email: { perMinute: 1 }, sms: { perDay: 1 } },
        { sms: { perHour: 3, burst: 1 } },
      ),
      frequency: fc.dictionary(
        fc.constantFrom('t:N1', 'c:OPERATIONAL'),
        fc.constantFrom('HOURLY' as const, 'DAILY' as const, 'WEEKLY' as const),
      ),
    })
    .map((some) => ({ ...NO_POLICY, ...some })),
);

test('a backtest repeats every decision on terms that change, from any start', () => {
  let withPlan = 0;
  let digests = 0;
  fc.assert(
    fc.property(
      anyRules(false),
      history,
      policy,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (rules, steps, ofTenant, from) => {
        const { histories, end } = recordHistory(rules, steps, ofTenant);
        for (const { events, waits } of histories) {
          digests += waits.filter(
            ({ rule, decisions }) => rule.startsWith('@frequency/') && decisions.length > 0,
          ).length;
          for (const event of events) withPlan += event.decisions().filter(({ evidence }) => evidence.plan).length;
        }
        const since = BASE + Math.floor((end - BASE) * from);
        const { reproduced } = replayHistories(rules, histories, since, end + 1, undefined, ofTenant);
        expect(reproduced).toEqual({ decisions: reproduced?.decisions, different: 0, examples: [] });
      },
    ),
    runs(200),
  );
  expect(withPlan).toBeGreaterThan(20);
  expect(digests).toBeGreaterThan(20);
});
