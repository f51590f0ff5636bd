import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from './support/properties.ts';
import { BASE, DAY, HOUR, plainRule, SECOND, someRequests } from './support/random-catalog.ts';
import { type DrawnEvent, toEvent } from './support/random-rules.ts';
import { memoryOf, simulatorOf } from './support/simulation.ts';
import { useTimedTidings } from './support/timers.ts';

/**
 * Traits that happened before the triggers of a rule that waits, and actions of rules: as long as nothing was sent, one
 * outcome in every order of arrival. The exceptions are listed in docs/rules.md.
 */

const traitEvent = fc.record({
  type: fc.constant('c'),
  time: fc.integer({ min: 0, max: 9 }).map((after) => BASE + after * SECOND),
  plan: fc.constantFrom('free', 'pro', null),
  t: fc.constantFrom(null, BASE + 3 * DAY, BASE + 4 * DAY),
});
const trigger = fc.record({
  type: fc.constantFrom('a', 'a', 'b'),
  time: fc.integer({ min: 10, max: 20 }).map((after) => BASE + after * SECOND),
  plan: fc.constant(null),
  t: fc.constant(null),
});
const drawn = (part: fc.Arbitrary<Pick<DrawnEvent, 'type' | 'time' | 'plan' | 't'>>): fc.Arbitrary<DrawnEvent> =>
  fc.tuple(part, fc.constantFrom('x', 'y'), fc.constantFrom(1, 2)).map(([one, k, n]) => ({ ...one, k, n, late: 0 }));

const rule = fc
  .record({
    when: fc.constantFrom('user.plan == "pro"', 'user.plan == "pro" && event.n == 1', 'user.plan != "free"'),
    key: fc.constantFrom({}, { key: 'event.k' }),
    wait: fc.constantFrom(
      { delay: { span: 2 * HOUR, text: '2h' } },
      { at: { text: 'user.until', field: 'user.until', offset: -HOUR } },
      { unless: { events: ['b'], atLeast: 1, within: 2 * HOUR, withinText: '2h' } },
    ),
    again: fc.constantFrom<'beside' | 'restart'>('beside', 'restart'),
    pattern: fc.constantFrom({}, { after: [{ event: 'b', within: HOUR, withinText: '1h' }] }),
  })
  .map(({ when, key, wait, again, pattern }) =>
    plainRule({ name: 'R0', on: ['a'], when, again, ...key, ...wait, ...pattern }),
  );

test('any order of arrival of triggers and of traits that happened before them leads to the same sends', () => {
  const scenario = fc
    .tuple(
      fc.array(drawn(traitEvent), { minLength: 1, maxLength: 3 }),
      fc.array(drawn(trigger), { minLength: 1, maxLength: 4 }),
    )
    .chain(([traits, triggers]) => {
      const events = [...traits, ...triggers];
      return fc.record({ rule, events: fc.constant(events), requests: someRequests(events.length) });
    });
  fc.assert(
    fc.property(scenario, ({ rule, events, requests }) => {
      const all = events.map(toEvent);
      const inOrder = [...all.keys()].sort(
        (a, b) => all[a]!.time - all[b]!.time || (all[a]!.key < all[b]!.key ? -1 : 1),
      );
      const sent = (player: typeof simulatorOf, order: readonly (readonly number[])[]) => {
        const simulator = player([rule]);
        for (const places of order)
          simulator.ingest(
            places.map((place) => all[place]!),
            BASE + HOUR,
          );
        return simulator
          .advance(BASE + 40 * DAY)
          .flatMap(({ at, sends }) => sends.map((send) => `${at} ${send.trigger.eventId}`))
          .sort();
      };
      const want = sent(
        simulatorOf,
        inOrder.map((place) => [place]),
      );
      expect(sent(simulatorOf, requests), 'in any order').toEqual(want);
      expect(sent(memoryOf, requests), 'with what is loaded').toEqual(want);
    }),
    runs(1000),
  );
});

test('any order of arrival of a rule that cancels and of what starts after it leads to the same sends', () => {
  const cancelling = plainRule({ name: 'R1', on: ['b'], notify: [], actions: [{ kind: 'cancel', rule: 'R0' }] });
  const scenario = fc
    .tuple(
      fc.constantFrom(
        { delay: { span: 2 * HOUR, text: '2h' } },
        { digest: { window: { kind: 'fixed' as const, span: 2 * HOUR, text: '2h' }, keep: 50, firstNow: false } },
      ),
      fc.array(drawn(traitEvent.map((one) => ({ ...one, type: 'b', plan: null, t: null }))), { maxLength: 3 }),
      fc.array(drawn(trigger.map((one) => ({ ...one, type: 'a' }))), { minLength: 1, maxLength: 4 }),
    )
    .chain(([wait, cancels, triggers]) => {
      const events = [...cancels, ...triggers];
      return fc.record({ wait: fc.constant(wait), events: fc.constant(events), requests: someRequests(events.length) });
    });
  fc.assert(
    fc.property(scenario, ({ wait, events, requests }) => {
      const simulator = memoryOf([plainRule({ name: 'R0', on: ['a'], ...wait }), cancelling]);
      for (const places of requests) {
        simulator.ingest(
          places.map((place) => toEvent(events[place]!, place)),
          BASE + HOUR,
        );
      }
      const sends = simulator.advance(BASE + 40 * DAY).flatMap((step) => step.sends);
      const total = sends.reduce((sum, one) => sum + (one.total ?? 1), 0);
      expect(total).toBe(events.filter(({ type }) => type === 'a').length);
    }),
    runs(500),
  );
});

describe('through the pipeline and a database', () => {
  const start = useTimedTidings();

  test('a late trait starts the wait of the triggers after it, once, and a backtest agrees', async () => {
    const tidings = await start('R: { on: began, delay: 1h, when: user.level == "gold" }');
    const { clock } = tidings;
    const since = clock.now;
    await tidings.post({ user: 'u', type: 'ended', ago: 60 * SECOND, traits: { level: 'tin' } });
    const [missed] = await tidings.post({ user: 'u', type: 'began' });
    expect(missed).toMatchObject([{ reason_code: 'condition_false' }]);
    clock.now += SECOND;
    const [started] = await tidings.post({ user: 'u', type: 'ended', ago: 10 * SECOND, traits: { level: 'gold' } });
    expect(started).toMatchObject([{ reason_code: 'waiting', event_ids: [`u began ${since} 0`] }]);
    // The same again starts nothing, neither does a change after the trigger.
    clock.now += SECOND;
    expect(await tidings.post({ user: 'u', type: 'reached', ago: 10 * SECOND, traits: { level: 'gold' } })).toEqual([
      [],
    ]);
    await tidings.post({ user: 'u', type: 'ended', traits: { level: 'tin' } });
    clock.now += SECOND;
    await tidings.post({ user: 'u', type: 'ended', traits: { level: 'gold' } });
    expect(await tidings.rows('select due_at, status from waits')).toEqual([
      { due_at: since + HOUR, status: 'waiting' },
    ]);
    clock.now = since + HOUR;
    await tidings.fireDueWaits(['u']);
    expect(await tidings.count('notifications')).toBe(1);
    clock.now += HOUR;
    expect(await tidings.reproduced(since)).toMatchObject({ decisions: 3, different: 0 });
  });
});
