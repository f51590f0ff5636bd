import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareForDecision } from '../src/events/emitted.ts';
import type { Rule } from '../src/model/catalog.ts';
import { only } from './support/memory.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY, HOUR, plainRule, rulesOf, SECOND, someRequests } from './support/random-catalog.ts';
import { type DrawnEvent, someOrderlyRule, toEvent, withinAnHour } from './support/random-rules.ts';
import { memoryOf, simulatorOf } from './support/simulation.ts';

type Player = ReturnType<typeof simulatorOf>;
type Step = ReturnType<Player['advance']>[number];

/**
 * Holds while nothing has fired, because a send cannot be undone. For a digest whose first item is sent at once, or whose
 * windows are shorter than the disorder, only the number of items is the same, not the item that starts a window. Which of
 * several earlier events completes a pattern may differ as well.
 */
test('any order of arrival before anything fires leads to the same sends at the same times', () => {
  const scenario = fc.array(withinAnHour, { minLength: 2, maxLength: 7 }).chain((events) =>
    fc.record({
      // An emitted event is the same as well.
      rule: fc
        .tuple(someOrderlyRule, fc.boolean())
        .map(([rule, emits]) => (emits ? { ...rule, actions: EMITS } : rule)),
      events: fc.constant(events),
      requests: someRequests(events.length),
    }),
  );
  fc.assert(
    fc.property(scenario, ({ rule, events, requests }) => {
      expectSame(simulatorOf, rule, events, requests);
    }),
    runs(1500),
  );
});

test('any order of a trait change and the events of its pattern leads to the same sends at the same times', () => {
  const scenario = fc
    .tuple(
      someOrderlyRule.filter(({ after, count }) => after.length > 0 || count !== undefined),
      fc.array(withinAnHour, { minLength: 2, maxLength: 7 }),
    )
    .chain(([rule, events]) =>
      fc.record({
        rule: fc.constant({ ...rule, on: [], changes: [{ trait: 'plan', to: 'pro' }] }),
        // Whether a trait changes depends on what is known: here one event changes it, whenever it arrives.
        events: fc
          .nat(events.length - 1)
          .map((one) => events.map((event, place) => ({ ...event, plan: place === one ? 'pro' : null }))),
        requests: someRequests(events.length),
      }),
    );
  fc.assert(
    fc.property(scenario, ({ rule, events, requests }) => {
      expectSame(memoryOf, rule, events, requests);
    }),
    runs(1500),
  );
});

/** The events of one request are known together: nothing fires that another event of the request prevents. */
test('one late request with all events leads to the same sends as if each event had arrived in time', () => {
  const scenario = fc.record({
    rule: fc
      .tuple(someOrderlyRule, fc.boolean(), fc.constantFrom({}, { on: [], changes: [{ trait: 'plan' }] }))
      // A point in time that an event names is skipped once it is past.
      .filter(([{ at }]) => at?.field === undefined)
      // An event that was ignored stays ignored when the wait it was ignored for ends: here the same event would have ended
      // both. And of two triggers of the same time either may be known to be complete first.
      .map(([made, ignores, trigger]): Rule => {
        const rule = { ...made, ...trigger };
        const { same, atLeast = 1 } = rule.unless ?? {};
        const mayIgnore = !same && atLeast === 1 && rule.after.length === 0 && !rule.count;
        if (mayIgnore && ignores) return { ...rule, again: 'ignore' as const };
        return rule.again === 'ignore' ? { ...rule, again: 'beside' as const } : rule;
      }),
    events: fc.array(withinAnHour, { minLength: 2, maxLength: 7 }),
  });
  fc.assert(
    fc.property(scenario, ({ rule, events }) => {
      const sets = only(rulesOf([rule]));
      const late = simulatorOf(sets);
      const muchLater = BASE + 10 * DAY;
      const steps = [...late.ingest(events.map(toEvent), muchLater), ...late.advance(muchLater + 40 * DAY)];
      // Either of two waits that are due at the same time may use up a limit.
      const sentOf = ({ sends }: Step) =>
        sends.map(({ trigger, items, total }) =>
          rule.limits.length > 0 ? 'one' : JSON.stringify({ trigger: trigger.eventId, items, total }),
        );
      expect(steps.flatMap(sentOf).sort()).toEqual(
        inTime(simulatorOf(sets), events.map(toEvent)).flatMap(sentOf).sort(),
      );
      expect(steps.flatMap(({ decisions }) => decisions).filter(isTooLate)).toEqual([]);
    }),
    runs(1500),
  );
});

/** Nothing fires that an event emitted by another rule prevents, at once or when the wait of that rule fires. */
test('one late request whose events make other rules act leads to the same sends as if each had arrived in time', () => {
  const scenario = fc.record({
    rule: someOrderlyRule
      // When bursts and windows end depends on which of their items are known.
      .filter(
        ({ at, debounce, digest, delay }) => at?.field === undefined && !debounce && !digest && delay !== undefined,
      )
      .map((rule): Rule => {
        const again = rule.again === 'ignore' ? 'beside' : rule.again;
        return { ...rule, again, recheck: false };
      }),
    ending: fc.constantFrom('unless', 'cancel_on', 'on', 'cancel'),
    making: fc.record({
      on: fc.constantFrom('a', 'b', 'c'),
      // Not in the millisecond in which another wait is due.
      delay: fc.constantFrom(null, 10 * MINUTE + 7, 40 * MINUTE + 7),
      key: fc.boolean(),
    }),
    events: fc.array(withinAnHour, { minLength: 2, maxLength: 7 }),
  });
  fc.assert(
    fc.property(scenario, ({ rule, ending, making, events }) => {
      const { unless = { atLeast: 1, within: HOUR, withinText: '1h', events: [] }, cancelOn, on } = rule;
      const ended: { [how in typeof ending]: Partial<Rule> } = {
        unless: { unless: { ...unless, events: [...unless.events, 'e'] } },
        cancel_on: { cancelOn: [...cancelOn, 'e'] },
        on: { on: [...on, 'e'], again: 'restart' },
        cancel: {},
      };
      const does: Rule['actions'] =
        ending === 'cancel'
          ? [{ kind: 'cancel', rule: 'R0' }]
          : [{ kind: 'emit', event: 'e', properties: { k: 'event.k', n: 'event.n' } }];
      const maker = plainRule({
        name: 'R1',
        on: [making.on],
        notify: [],
        actions: does,
        ...(making.key && { key: 'event.k' }),
        // A wait that fires late cancels what is known by then.
        ...(making.delay !== null && ending !== 'cancel' && { delay: { span: making.delay, text: 'a while' } }),
      });
      const sets = only(rulesOf([{ ...rule, ...ended[ending] }, maker]));
      const sentOf = ({ sends }: Step) =>
        sends.map(({ trigger: { eventId } }) => (rule.limits.length > 0 ? 'one' : eventId));
      const late = simulatorOf(sets);
      const muchLater = BASE + 10 * DAY;
      const steps = [...late.ingest(events.map(toEvent), muchLater), ...late.advance(muchLater + 40 * DAY)];
      expect(steps.flatMap(sentOf).sort()).toEqual(
        inTime(simulatorOf(sets), events.map(toEvent)).flatMap(sentOf).sort(),
      );
    }),
    runs(1500),
  );
});

const MINUTE = 60 * SECOND;
const EMITS: Rule['actions'] = [{ kind: 'emit', event: 'e', properties: { k: 'event.k' } }];

/** Each event arrives when it happens, and every wait fires when it is due. */
function inTime(simulator: Player, events: readonly ReturnType<typeof toEvent>[]): Step[] {
  const inOrder = [...events].sort(compareForDecision);
  return [
    ...inOrder.flatMap((event) => [...simulator.advance(event.time - 1), ...simulator.ingest([event], event.time)]),
    ...simulator.advance(BASE + 50 * DAY),
  ];
}

function isTooLate({ reason_code }: { reason_code: string }): boolean {
  return reason_code === 'too_late';
}

/** Compares the sends of events that arrive one by one in order, all in one request, and in these requests. */
function expectSame(
  player: typeof simulatorOf,
  rule: Rule,
  events: readonly DrawnEvent[],
  requests: readonly number[][],
): void {
  const sets = only(rulesOf([rule]));
  const inOrder = [...events.keys()].sort((a, b) => events[a]!.time - events[b]!.time || a - b);
  const want = sent(
    simulatorOf(sets),
    rule,
    events,
    inOrder.map((place) => [place]),
  );
  expect(sent(simulatorOf(sets), rule, events, [inOrder]), 'together').toEqual(want);
  expect(sent(player(sets), rule, events, requests), 'in any order').toEqual(want);
}

/** All events arrive in the last moment of the hour, and then time goes on. */
function sent(simulator: Player, rule: Rule, events: readonly DrawnEvent[], requests: readonly number[][]): unknown {
  const all = events.map(toEvent);
  const now = BASE + HOUR + 2;
  const steps = [
    ...requests.flatMap((places) =>
      simulator.ingest(
        places.map((place) => all[place]!),
        now,
      ),
    ),
    ...simulator.advance(now + 40 * DAY),
  ];
  const sends = steps.flatMap((one) => one.sends.map((send) => ({ ...send, at: one.at })));
  if (rule.digest?.firstNow || (rule.digest && rule.digest.window.kind !== 'calendar')) {
    return sends.reduce((sum, { total = 0 }) => sum + total, 0);
  }
  const emitted = steps.flatMap(({ cause }) =>
    cause.kind === 'event' && cause.event.type === 'e' ? [cause.event] : [],
  );
  return [
    ...emitted.map(({ eventId, time }) => JSON.stringify({ eventId, time })),
    ...sends.map(({ at, trigger, items, total }) => JSON.stringify({ at, trigger: trigger.eventId, items, total })),
  ].sort();
}
