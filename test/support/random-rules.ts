import fc from 'fast-check';
import { contentUuid } from '../../src/events/content.ts';
import type { Absence, Action, After, At, Count, Digest, Limit, Rule } from '../../src/model/catalog.ts';
import type { Event, JsonObject, Millis } from '../../src/model/event.ts';
import { BASE, DAY, HOUR, plainRule, SECOND } from './random-catalog.ts';

/** Rules with patterns, waits, digests and actions, over the event types a to c, and e that only rules make. */

const TYPES = ['a', 'a', 'b', 'c'] as const;
const SPANS: readonly [Millis, string][] = [
  [SECOND, '1s'],
  [HOUR, '1h'],
  [DAY, '24h'],
];

/** An event before it has an ID. */
export interface DrawnEvent {
  readonly type: string;
  readonly time: Millis;
  /** Time in ms until it becomes known. */
  readonly late: Millis;
  /** The key, a number to count, and a point in time; null: absent. */
  readonly k: string | null;
  readonly n: number | null;
  readonly t: Millis | null;
  readonly plan: string | null;
}

/** Times around the ends of spans: exactly there, and off by a millisecond and a second. */
const times: fc.Arbitrary<Millis> = fc
  .tuple(
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom(0, SECOND, HOUR, DAY, 2 * HOUR, 30 * 60 * SECOND),
    fc.constantFrom(0, 0, 0, 1, -1, SECOND, -SECOND),
  )
  .map(([day, span, off]) => BASE + day * DAY + span + off);

export const drawnEvent: fc.Arbitrary<DrawnEvent> = fc.record({
  type: fc.constantFrom(...TYPES),
  time: times,
  late: fc.constantFrom(0, 0, 0, 1, SECOND, HOUR, DAY, 3 * DAY),
  k: fc.constantFrom('x', 'x', 'x', 'x', 'x', 'x', 'y', null),
  n: fc.constantFrom(null, 1, 2, 2, 3, 3),
  t: fc.option(times),
  plan: fc.constantFrom(null, null, 'free', 'pro'),
});

const span = fc.constantFrom(...SPANS);
const type = fc.constantFrom(...TYPES);
const types = fc.uniqueArray(type, { minLength: 1, maxLength: 2 });
const same = fc.constantFrom(null, null, 'event.n');
/** One in so many has it. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, oneIn = 2) =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const step: fc.Arbitrary<After> = fc
  .tuple(type, span, same)
  .map(([event, [within, withinText], same]) => ({ event, within, withinText, ...(same && { same }) }));

const window: fc.Arbitrary<Count['window']> = fc.oneof(
  span.map(([span, text]) => ({ kind: 'rolling' as const, span, text })),
  fc.constantFrom('UTC', 'Europe/Lisbon', 'user').map((zone) => ({ kind: 'day' as const, zone, text: 'day' })),
  type.map((event) => ({ kind: 'since' as const, event, text: `since ${event}` })),
);
const count: fc.Arbitrary<Count> = fc
  .tuple(types, fc.constantFrom('at_least', 'at_most', 'exactly'), fc.integer({ min: 1, max: 3 }), window, same)
  .map(([of, how, n, window, same]) => ({ of, how, n, window, ...(same && { same }) }));

const unless: fc.Arbitrary<Absence> = fc
  .tuple(types, fc.constantFrom(1, 1, 2), span, same)
  .map(([events, atLeast, [within, withinText], same]) => ({
    events,
    atLeast,
    within,
    withinText,
    ...(same && { same }),
  }));

const at: fc.Arbitrary<At> = fc.oneof(
  fc.tuple(fc.constantFrom(0, -HOUR, HOUR, DAY), fc.constantFrom(null, 540)).map(([offset, timeOfDay]) => ({
    text: 'event.t',
    field: 'event.t',
    offset,
    ...(timeOfDay !== null && { timeOfDay }),
  })),
  fc.constant({ text: 'user.until', field: 'user.until', offset: -HOUR }),
  fc
    .constantFrom(null, 1)
    .map((weekday) => ({ text: '09:00', offset: 0, timeOfDay: 540, ...(weekday !== null && { weekday }) })),
);

const digest: fc.Arbitrary<Digest> = fc.record({
  window: fc.oneof(
    span.map(([span, text]) => ({ kind: 'fixed' as const, span, text })),
    fc.constant({ kind: 'sliding' as const, span: HOUR, atMost: 3 * HOUR, text: '1h' }),
    fc.constant({
      kind: 'calendar' as const,
      recurrence: { text: 'day 18:00', cron: '0 18 * * *' },
      text: 'day 18:00',
    }),
  ),
  keep: fc.constantFrom(1, 2, 50),
  firstNow: fc.boolean(),
});

const limits: fc.Arbitrary<readonly Limit[]> = fc.constantFrom<readonly Limit[]>(
  [],
  [],
  [{ max: 1, period: { kind: 'ever' }, text: 'once' }],
  [{ max: 2, period: { kind: 'day', zone: 'user' }, text: '2 per day in user zone', perUser: true }],
  [{ max: 1, period: { kind: 'rolling', span: HOUR }, text: '1 per 1h' }],
);

const actions: fc.Arbitrary<readonly Action[]> = fc.constantFrom<readonly Action[]>(
  [],
  [],
  [],
  [{ kind: 'emit', event: 'e', properties: { k: 'event.k', n: 'event.n' } }],
  [{ kind: 'set', trait: 'plan', value: 'event.k' }],
  [{ kind: 'cancel', rule: 'R0' }],
);

/** The wait of a rule: no wait, or one of the kinds that can be combined. */
export const waits: fc.Arbitrary<Partial<Rule>> = fc.oneof(
  fc.constant({}),
  fc
    .record({
      delay: maybe(span.map(([span, text]) => ({ span, text }))),
      unless: maybe(unless),
      at: maybe(at, 4),
      again: fc.constantFrom('ignore', 'restart', 'beside'),
      ifPast: fc.constantFrom('skip', 'send_now', 'error'),
      ifMissing: fc.constantFrom('skip', 'send_now', 'error'),
      cancelOn: fc.oneof(fc.constant([]), types),
    })
    .map(present),
  fc
    .record({
      debounce: fc.constantFrom(
        { quiet: HOUR, text: '1h' },
        { quiet: HOUR, atMost: 2 * HOUR, text: '1h, at most 2h' },
        { quiet: SECOND, text: '1s' },
      ),
      unless: maybe(unless, 4),
      cancelOn: fc.oneof(fc.constant([]), types),
    })
    .map(present),
  fc.record({ digest, cancelOn: fc.oneof(fc.constant([]), types) }),
);

/** B after A and nothing else, of which less is loaded than of other patterns. */
const simple = fc.record({
  on: types,
  after: step.map(({ event, within, withinText }) => [{ event, within, withinText }]),
  limits,
  recheck: fc.constant(true),
  waits: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: waits }),
});

const anything = fc.record({
  on: fc.uniqueArray(fc.constantFrom(...TYPES, 'a', 'e'), { minLength: 1, maxLength: 2 }),
  changes: maybe(fc.constantFrom([{ trait: 'plan' }], [{ trait: 'plan', to: 'pro' }]), 5),
  key: maybe(fc.constant('event.k'), 2),
  when: maybe(fc.constantFrom('event.n >= 2', 'user.plan == "pro"', 'traits.plan == "pro"', 'has(matched["a"])'), 8),
  after: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(step, { minLength: 1, maxLength: 2 }) },
  ),
  count: maybe(count, 6),
  recheck: fc.boolean(),
  waits,
  limits,
  actions,
  choose: maybe(
    fc.constant([{ when: 'event.n == 1', notify: ['N1'] }, { when: 'event.n == 2', notify: [] }, { notify: ['N3'] }]),
    5,
  ),
  split: maybe(
    fc.constant([
      { name: 'control', share: 50, notify: [] },
      { name: 'N2', share: 50, notify: ['N2'] },
    ]),
    6,
  ),
  data: maybe(fc.constant({ twice: 'event.n * 2', from: 'matched["b"].n' }), 5),
  expires: maybe(fc.constantFrom(HOUR, 2 * DAY), 4),
  zone: fc.constantFrom('UTC', 'Europe/Lisbon', 'user'),
});

/** A change of a trait, and what must have happened before it, which may be known only later. */
const changing = fc
  .record({
    on: fc.oneof(fc.constant([]), types),
    changes: fc.constantFrom([{ trait: 'plan' }], [{ trait: 'plan', to: 'pro' }]),
    key: maybe(fc.constant('event.k'), 3),
    when: maybe(fc.constantFrom('user.plan == "pro"', 'event.n >= 2'), 4),
    pattern: fc.oneof(
      fc.array(step, { minLength: 1, maxLength: 2 }).map((after): Partial<Rule> => ({ after })),
      count.map((count): Partial<Rule> => ({ count })),
    ),
    recheck: fc.constant(true),
    waits: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: waits }),
    limits,
    actions,
  })
  .map(({ pattern, ...rule }) => ({ ...rule, ...pattern }));

/** Anything the language can say. */
export const someTimedRules: fc.Arbitrary<Rule[]> = fc
  .array(
    fc.oneof({ weight: 4, arbitrary: anything }, { weight: 1, arbitrary: simple }, { weight: 1, arbitrary: changing }),
    { minLength: 1, maxLength: 3 },
  )
  .map((rules) =>
    rules.map(({ waits, ...rule }, index) =>
      plainRule({ name: `R${index}`, ...(present(rule) as Partial<Rule> & Pick<Rule, 'on'>), ...waits }),
    ),
  );

const MINUTE = 60 * SECOND;
const short = fc.constantFrom<readonly [Millis, string]>([SECOND, '1s'], [10 * MINUTE, '10m'], [HOUR, '1h']);
const long = fc.constantFrom<readonly [Millis, string]>([2 * HOUR, '2h'], [DAY, '24h']);

/** Everything happens within an hour. */
export const withinAnHour: fc.Arbitrary<DrawnEvent> = fc
  .tuple(
    drawnEvent,
    fc.constantFrom(0, SECOND, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 50 * MINUTE, HOUR),
    fc.constantFrom(0, 0, 0, 1, -1),
    fc.constantFrom(null, 30 * MINUTE, 2 * HOUR, DAY, 3 * DAY),
  )
  .map(([one, after, off, t]) => ({
    ...one,
    time: Math.max(BASE + after + off, BASE),
    late: 0,
    t: t === null ? null : BASE + t,
  }));

/**
 * Rules for which the order of arrival must not matter, as long as nothing has fired: what they look at are events alone
 * (no profile, no actions, no limit but on what a wait ends in), what they count may only grow, nothing goes at once,
 * and nothing ends a wait for which others were ignored.
 */
export const someOrderlyRule: fc.Arbitrary<Rule> = fc
  .record({
    on: types,
    key: maybe(fc.constant('event.k'), 2),
    when: maybe(fc.constant('event.n >= 2'), 4),
    after: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: fc.array(
          fc.tuple(type, short, same).map(([event, [within, withinText], same]) => ({
            event,
            within,
            withinText,
            ...(same && { same }),
          })),
          { minLength: 1, maxLength: 2 },
        ),
      },
    ),
    count: maybe(
      fc.tuple(types, fc.integer({ min: 1, max: 3 }), short, same).map(([of, n, [span, text], same]) => ({
        of,
        how: 'at_least' as const,
        n,
        window: { kind: 'rolling' as const, span, text },
        ...(same && { same }),
      })),
      5,
    ),
    waits: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      {
        weight: 4,
        arbitrary: fc
          .tuple(
            fc.record({
              delay: maybe(long.map(([span, text]) => ({ span, text }))),
              unless: maybe(
                fc
                  .tuple(types, fc.constantFrom(1, 1, 2), short, same)
                  .map(([events, atLeast, [within, withinText], same]) => ({
                    events,
                    atLeast,
                    within,
                    withinText,
                    ...(same && { same }),
                  })),
              ),
              at: maybe(
                at.filter(({ field }) => !field?.startsWith('user.')),
                3,
              ),
              again: fc.constantFrom('restart', 'beside', 'ignore'),
              ifPast: fc.constantFrom('skip', 'error'),
              ifMissing: fc.constantFrom('skip', 'error'),
              cancelOn: fc.oneof(fc.constant([]), types),
            }),
            limits,
          )
          .filter(([{ again, unless, cancelOn }]) => again !== 'ignore' || (!unless && cancelOn.length === 0))
          .map(([rule, limits]) => ({
            ...present({ ...rule, ...(!rule.delay && !rule.at && { delay: { span: 2 * HOUR, text: '2h' } }) }),
            limits,
          })),
      },
      {
        weight: 2,
        arbitrary: fc
          .record({
            debounce: short.map(([quiet, text]) => ({ quiet, text })),
            unless: maybe(unless, 4),
            cancelOn: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: types }),
          })
          .map(present),
      },
      { weight: 2, arbitrary: fc.record({ digest }) },
    ),
  })
  .map(({ waits, ...rule }) =>
    plainRule({ name: 'R0', ...(present(rule) as Partial<Rule> & Pick<Rule, 'on'>), ...waits }),
  );

/** The event of user `u` as the rules see it, the one at `place` of its run. */
export function toEvent(one: DrawnEvent, place: number): Event {
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

function propertiesOf({ k, n, t }: DrawnEvent): JsonObject {
  return present({ k, n, t: t === null ? null : new Date(t).toISOString() }) as JsonObject;
}

function traitsOf({ plan, t }: DrawnEvent): JsonObject {
  return plan === null ? {} : { plan, ...(t !== null && { until: new Date(t).toISOString() }) };
}

function present(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
}
