import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentUuid } from '../src/events/content.ts';
import { compareForDecision } from '../src/events/emitted.ts';
import type { Rule } from '../src/model/catalog.ts';
import type { Decision } from '../src/model/decision.ts';
import type { Event } from '../src/model/event.ts';
import { countingIds } from '../src/simulate/counting-ids.ts';
import { type SimulationStep, Simulator } from '../src/simulate/simulator.ts';
import { Memory, only } from './support/memory.ts';
import { runs } from './support/properties.ts';
import { BASE, DAY, HOUR, plainRule, rulesOf, SECOND, someRequests } from './support/random-catalog.ts';
import {
  propertiesOf,
  someOrderlyRule,
  someTimedRules,
  type Told,
  told,
  traitsOf,
  withinAnHour,
} from './support/random-rules.ts';

test('who knows only what the rules say they need decides as who knows everything', () => {
  fc.assert(
    fc.property(someTimedRules, fc.array(told, { minLength: 2, maxLength: 8 }), (rules, events) => {
      const sets = only(rulesOf(rules));
      const whole = live(new Simulator(sets, countingIds()), events);
      expect(live(new Memory(sets, countingIds()), events)).toEqual(whole);
    }),
    runs(3000),
  );
});

/**
 * It must hold while nothing has fired: what has been sent cannot be taken back. Of a digest whose first item goes at once,
 * or whose windows are shorter than the disorder, how many items are told is the same, and not which one begins a window.
 * Which of several earlier events completes a pattern may differ, too.
 */
test('in whatever order events arrive, before anything fires, the same is sent at the same times', () => {
  const scenario = fc.array(withinAnHour, { minLength: 2, maxLength: 7 }).chain((events) =>
    fc.record({
      // What is emitted is the same event, too.
      rule: fc
        .tuple(someOrderlyRule, fc.boolean())
        .map(([rule, emits]) => (emits ? { ...rule, actions: EMITS } : rule)),
      events: fc.constant(events),
      requests: someRequests(events.length),
    }),
  );
  fc.assert(
    fc.property(scenario, ({ rule, events, requests }) => {
      expectSame(Simulator, rule, events, requests);
    }),
    runs(4000),
  );
});

test('a trait that changes, and the parts of its pattern in whatever order: the same is sent at the same times', () => {
  const scenario = fc
    .tuple(
      someOrderlyRule.filter(({ after, count }) => after.length > 0 || count !== undefined),
      fc.array(withinAnHour, { minLength: 2, maxLength: 7 }),
    )
    .chain(([rule, events]) =>
      fc.record({
        rule: fc.constant({ ...rule, on: [], changes: [{ trait: 'plan', to: 'pro' }] }),
        // What is a change goes by what is known: here one event makes it, whenever it comes.
        events: fc
          .nat(events.length - 1)
          .map((one) => events.map((event, place) => ({ ...event, plan: place === one ? 'pro' : null }))),
        requests: someRequests(events.length),
      }),
    );
  fc.assert(
    fc.property(scenario, ({ rule, events, requests }) => {
      expectSame(Memory, rule, events, requests);
    }),
    runs(4000),
  );
});

/** What comes in one request is known together: nothing fires for which something in it stands in its way. */
test('all of it in one request, long after everything was due: the same is sent as if each had come in time', () => {
  const scenario = fc.record({
    rule: fc
      .tuple(someOrderlyRule, fc.boolean(), fc.constantFrom({}, { on: [], changes: [{ trait: 'plan' }] }))
      // A point in time that was named and is past is skipped.
      .filter(([{ at }]) => at?.field === undefined)
      // What was ignored stays so when the wait it was ignored for is ended: here the same event would have ended both.
      // And of two of one moment either may be known to be complete first.
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
      const late = new Simulator(sets, countingIds());
      const long = BASE + 10 * DAY;
      const happened = [...late.ingest(events.map(eventOf), long), ...late.advance(long + 40 * DAY)];
      // Of two that are due in one moment, either may use up a limit.
      const told = ({ sends }: SimulationStep) =>
        sends.map(({ trigger, items, total }) =>
          rule.limits.length > 0 ? 'one' : JSON.stringify({ trigger: trigger.eventId, items, total }),
        );
      expect(happened.flatMap(told).sort()).toEqual(
        inTime(new Simulator(sets, countingIds()), events.map(eventOf)).flatMap(told).sort(),
      );
      expect(happened.flatMap(({ decisions }) => decisions).filter(isTooLate)).toEqual([]);
    }),
    runs(4000),
  );
});

/** Nor for which something stands in its way that another rule makes of it, at once or when its own wait ends. */
test('what rules make of one request, long after everything was due: the same is sent as if each had come in time', () => {
  const scenario = fc.record({
    rule: someOrderlyRule
      // The ends of bursts and windows go by which of their items are known.
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
      // Not in the millisecond in which something else is due.
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
        // What is cancelled by a wait that is over is what is known by then.
        ...(making.delay !== null && ending !== 'cancel' && { delay: { span: making.delay, text: 'a while' } }),
      });
      const sets = only(rulesOf([{ ...rule, ...ended[ending] }, maker]));
      const told = ({ sends }: SimulationStep) =>
        sends.map(({ trigger: { eventId } }) => (rule.limits.length > 0 ? 'one' : eventId));
      const late = new Simulator(sets, countingIds());
      const long = BASE + 10 * DAY;
      const happened = [...late.ingest(events.map(eventOf), long), ...late.advance(long + 40 * DAY)];
      expect(happened.flatMap(told).sort()).toEqual(
        inTime(new Simulator(sets, countingIds()), events.map(eventOf)).flatMap(told).sort(),
      );
    }),
    runs(4000),
  );
});

const MINUTE = 60 * SECOND;
const EMITS: Rule['actions'] = [{ kind: 'emit', event: 'e', properties: { k: 'event.k' } }];

/** Each event arrives when it happens, and every wait ends when it is due. */
function inTime(world: Simulator, events: readonly Event[]): SimulationStep[] {
  const inOrder = [...events].sort(compareForDecision);
  return [
    ...inOrder.flatMap((event) => [...world.advance(event.time - 1), ...world.ingest([event], event.time)]),
    ...world.advance(BASE + 50 * DAY),
  ];
}

function isTooLate({ reason_code }: Decision): boolean {
  return reason_code === 'too_late';
}

/** One by one in order, all in one request, and in these requests. @param Player what plays the last of them */
function expectSame(
  Player: typeof Simulator,
  rule: Rule,
  events: readonly Told[],
  requests: readonly number[][],
): void {
  const sets = only(rulesOf([rule]));
  const inOrder = [...events.keys()].sort((a, b) => events[a]!.time - events[b]!.time || a - b);
  const want = sent(
    new Simulator(sets, countingIds()),
    rule,
    events,
    inOrder.map((place) => [place]),
  );
  expect(sent(new Simulator(sets, countingIds()), rule, events, [inOrder]), 'together').toEqual(want);
  expect(sent(new Player(sets, countingIds()), rule, events, requests), 'in any order').toEqual(want);
}

/** Everything arrives in the hour's last moment, and then time goes on. */
function sent(world: Simulator, rule: Rule, events: readonly Told[], requests: readonly number[][]): unknown {
  const all = events.map(eventOf);
  const now = BASE + HOUR + 2;
  const happened = [
    ...requests.flatMap((places) =>
      world.ingest(
        places.map((place) => all[place]!),
        now,
      ),
    ),
    ...world.advance(now + 40 * DAY),
  ];
  const sends = happened.flatMap((one) => one.sends.map((send) => ({ ...send, at: one.at })));
  if (rule.digest?.firstNow || (rule.digest && rule.digest.window.kind !== 'calendar')) {
    return sends.reduce((sum, { total = 0 }) => sum + total, 0);
  }
  const emitted = happened.flatMap(({ cause }) =>
    cause.kind === 'event' && cause.event.type === 'e' ? [cause.event] : [],
  );
  return [
    ...emitted.map(({ eventId, time }) => JSON.stringify({ eventId, time })),
    ...sends.map(({ at, trigger, items, total }) => JSON.stringify({ at, trigger: trigger.eventId, items, total })),
  ].sort();
}

/** Everything arrives as late as it says, and time goes on until nothing is left. */
function live(world: Simulator, events: readonly Told[]): unknown[] {
  const all = events.map((one, place) => ({ event: eventOf(one, place), at: one.time + one.late }));
  const happened: SimulationStep[] = [];
  for (const at of [...new Set(all.map((one) => one.at))].sort((a, b) => a - b)) {
    happened.push(...world.advance(at - 1));
    happened.push(
      ...world.ingest(
        all.filter((one) => one.at === at).map(({ event }) => event),
        at,
      ),
    );
  }
  happened.push(...world.advance(Math.max(...all.map(({ at }) => at)) + 40 * DAY));
  return happened.map(({ at, decisions, sends }) => ({
    at,
    decisions,
    sends: sends.map(({ rule: _, ...send }) => send),
  }));
}

function eventOf(one: Told, place: number): Event {
  return {
    tenantId: '',
    userId: 'u',
    eventId: `event ${place}`,
    key: contentUuid(String(place)),
    type: one.type,
    time: one.time,
    properties: propertiesOf(one),
    traits: traitsOf(one),
  };
}
