import fc from 'fast-check';
import type { Action, Count, Rule } from '../../src/model/catalog.ts';
import type { JsonObject, Millis } from '../../src/model/event.ts';
import { toLimitKey } from '../../src/rules/evaluate/limits.ts';
import {
  DAY,
  daily,
  EVENT_TYPES,
  ever,
  HOUR,
  NOTIFICATION_TYPES,
  once,
  plainRule,
  rolling,
  SECOND,
} from './random-catalog.ts';

/** Rules of every kind that the language has, with waits and schedules, and histories of users under them. */

const SPANS: readonly (readonly [Millis, string])[] = [
  [SECOND, '1s'],
  [HOUR, '1h'],
  [DAY, '24h'],
  [3 * DAY, '3d'],
];
const span = fc.constantFrom(...SPANS);
const type = fc.constantFrom(...EVENT_TYPES);
const types = fc.uniqueArray(type, { minLength: 1, maxLength: 2 });
const same = fc.constantFrom(undefined, undefined, 'event.k');

type Part = Partial<Rule>;
const none: fc.Arbitrary<Part> = fc.constant({});

const conditions = fc.constantFrom<Part>(
  {},
  {},
  { when: 'event.n >= 2' },
  { when: 'traits.vip == true' },
  { when: 'user.vip == true' },
  { when: 'user.plan == "pro" || event.n == 3' },
);

const steps: fc.Arbitrary<Part> = fc.array(fc.tuple(type, span, same), { minLength: 1, maxLength: 2 }).map((all) => ({
  after: all.map(([event, [within, withinText], alike]) => ({
    event,
    within,
    withinText,
    ...(alike && { same: alike }),
  })),
}));

const counting: fc.Arbitrary<Part> = fc
  .record({
    of: types,
    how: fc.constantFrom('at_least', 'at_most', 'exactly'),
    n: fc.integer({ min: 1, max: 3 }),
    window: fc.oneof(
      span.map(([ms, text]) => ({ kind: 'rolling', span: ms, text })),
      fc.constant({ kind: 'day', zone: 'Europe/Lisbon', text: 'day' }),
      type.map((event) => ({ kind: 'since', event, text: event })),
    ),
  })
  .map((count) => ({ count: count as Count }));

const absence: fc.Arbitrary<Part> = fc
  .tuple(types, fc.integer({ min: 1, max: 2 }), span, same)
  .map(([events, atLeast, [within, withinText], alike]) => ({
    unless: { events, atLeast, within, withinText, ...(alike && { same: alike }) },
  }));

const again = fc.constantFrom('ignore', 'restart', 'beside');
const policy = fc.constantFrom('skip', 'send_now', 'error');
const moments: fc.Arbitrary<Part> = fc
  .tuple(
    fc.constantFrom(
      { text: 'event.starts_at - 1h', field: 'event.starts_at', offset: -HOUR },
      { text: 'event.starts_at 09:00', field: 'event.starts_at', offset: 0, timeOfDay: 540 },
      { text: 'user.ends_at - 1h', field: 'user.ends_at', offset: -HOUR },
      { text: '09:00', offset: 0, timeOfDay: 540 },
      { text: 'monday 09:00', offset: 0, timeOfDay: 540, weekday: 1 },
    ),
    policy,
    policy,
  )
  .map(([at, ifPast, ifMissing]) => ({ at, ifPast, ifMissing }));

const waits: fc.Arbitrary<Part> = fc
  .tuple(
    fc.oneof(
      span.map(([ms, text]): Part => ({ delay: { span: ms, text } })),
      moments,
      absence,
      fc.tuple(absence, span).map(([one, [ms, text]]): Part => ({ ...one, delay: { span: ms, text } })),
    ),
    again,
    fc.boolean(),
  )
  .map(([wait, how, recheck]) => ({ ...wait, again: how, recheck }));

const bursts: fc.Arbitrary<Part> = fc
  .tuple(span, fc.option(span), fc.option(absence))
  .map(([[quiet, text], most, unless]) => ({
    debounce: { quiet, text, ...(most && most[0] > quiet && { atMost: most[0] }) },
    ...unless,
  }));

const digests: fc.Arbitrary<Part> = fc
  .tuple(
    fc.oneof(
      span.map(([ms, text]) => ({ kind: 'fixed' as const, span: ms, text })),
      span.map(([ms, text]) => ({ kind: 'sliding' as const, span: ms, atMost: 2 * ms, text })),
      fc.constant({
        kind: 'calendar' as const,
        recurrence: { text: 'day 18:00', cron: '0 18 * * *' },
        text: 'day 18:00',
      }),
    ),
    fc.integer({ min: 1, max: 3 }),
    fc.boolean(),
  )
  .map(([window, keep, firstNow]) => ({ digest: { window, keep, firstNow } }));

/** Each limit has another maximum, as the catalog requires. */
const limits = fc.uniqueArray(fc.oneof(once, ever, daily, rolling), {
  maxLength: 2,
  selector: (limit) => toLimitKey('', limit),
});

const outcomes: fc.Arbitrary<Part> = fc.constantFrom<Part>(
  {},
  {},
  { notify: ['N1', 'N2'] },
  { notify: [], choose: [{ when: 'event.n >= 2', notify: ['N1'] }, { notify: ['N2'] }] },
  {
    split: [
      { name: 'control', share: 30, notify: [] },
      { name: 'N3', share: 70, notify: ['N3'] },
    ],
  },
);

const actions: fc.Arbitrary<readonly Action[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<readonly Action[]>(
      [{ kind: 'set', trait: 'plan', value: '"pro"' }],
      [{ kind: 'emit', event: 'd', properties: { n: 'event.n', k: 'event.k', twice: 'event.n * 2' } }],
      [{ kind: 'cancel', rule: 'R0' }],
      [{ kind: 'cancel', rule: 'R1' }],
    ),
  },
);

const listening: fc.Arbitrary<Rule> = fc
  .record({
    on: types,
    change: fc.constantFrom<Part>(
      {},
      {},
      {},
      { on: [], changes: [{ trait: 'plan' }] },
      { changes: [{ trait: 'plan', to: 'pro' }] },
    ),
    condition: conditions,
    pattern: fc.oneof(
      { weight: 3, arbitrary: none },
      { weight: 2, arbitrary: steps },
      { weight: 1, arbitrary: counting },
    ),
    wait: fc.oneof(
      { weight: 3, arbitrary: none },
      { weight: 5, arbitrary: waits },
      { weight: 2, arbitrary: bursts },
      { weight: 2, arbitrary: digests },
    ),
    ends: fc.oneof(
      none,
      types.map((cancelOn): Part => ({ cancelOn })),
    ),
    key: fc.constantFrom<Part>({}, {}, { key: 'event.k' }),
    zone: fc.constantFrom<Part>({}, { zone: 'user' }, { zone: 'Europe/Lisbon' }),
    limits: fc.oneof(fc.constant([]), limits),
    expires: fc.constantFrom<Part>({}, {}, { expires: HOUR }, { expires: 2 * DAY }),
    outcome: outcomes,
    actions,
  })
  .map(({ on, change, condition, pattern, wait, ends, key, zone, limits, expires, outcome, actions: does }) =>
    plainRule({
      name: '',
      on,
      limits,
      actions: does,
      ...change,
      ...condition,
      ...pattern,
      ...wait,
      ...(Object.keys(wait).length > 0 && ends),
      ...key,
      ...zone,
      ...expires,
      ...outcome,
    }),
  );

const scheduled: fc.Arbitrary<Rule> = fc
  .record({ zone: fc.constantFrom('UTC', 'user'), limits: fc.array(fc.oneof(once, daily), { maxLength: 1 }) })
  .map(({ zone, limits }) =>
    plainRule({
      name: '',
      on: [],
      zone,
      limits,
      every: { text: 'day 09:00', cron: '0 9 * * *' },
      audience: 'user.vip == true',
    }),
  );

/** Rules R0, R1 … */
export function anyRules(withTurns: boolean): fc.Arbitrary<Rule[]> {
  const one = withTurns
    ? fc.oneof({ weight: 8, arbitrary: listening }, { weight: 1, arbitrary: scheduled })
    : listening;
  return fc.array(one, { minLength: 1, maxLength: 5 }).map((rules) => {
    // Two rules that trigger each other run to the depth bound of loops each time.
    let emitting = 0;
    return rules.map((rule, index) => {
      const emits = rule.actions.some(({ kind }) => kind === 'emit') && ++emitting > 1;
      return {
        ...rule,
        name: `R${index}`,
        notify: rule.notify.length > 0 || rule.choose ? rule.notify : NOTIFICATION_TYPES.slice(0, 1),
        actions: emits ? [] : rule.actions,
      };
    });
  });
}

/** A step of a history, `gap` ms after the step before. */
export type Step =
  | { readonly gap: Millis; readonly kind: 'post'; readonly events: readonly HistoryEvent[] }
  /** Due waits fire. */
  | { readonly gap: Millis; readonly kind: 'end' }
  /** The other catalog becomes the active one. */
  | { readonly gap: Millis; readonly kind: 'apply' };

export interface HistoryEvent {
  readonly user: number;
  readonly type: string;
  /** Age in ms when it is posted. */
  readonly late: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  /** Offset in ms from the event time to the time that it names, of type `c` also as a trait; null: it names no time. */
  readonly startsIn: Millis | null;
}

const happened: fc.Arbitrary<HistoryEvent> = fc.record({
  user: fc.integer({ min: 0, max: 1 }),
  type,
  late: fc.constantFrom(0, 0, 0, 0, 1, SECOND, HOUR, HOUR + 1, DAY, 2 * DAY),
  properties: fc.record({ n: fc.integer({ min: 1, max: 3 }), k: fc.constantFrom('x', 'y') }, { requiredKeys: [] }),
  traits: fc.record(
    {
      vip: fc.boolean(),
      plan: fc.constantFrom('free', 'pro'),
      time_zone: fc.constantFrom('Europe/Lisbon', 'Asia/Tokyo', 'America/New_York'),
    },
    { requiredKeys: [] },
  ),
  startsIn: fc.constantFrom(null, -HOUR, HOUR, HOUR + SECOND, 2 * HOUR, DAY, 2 * DAY),
});

const gap = fc.constantFrom(1, SECOND, HOUR - 1, HOUR, HOUR, DAY, DAY, 2 * DAY);

/** Two posts are never in the same millisecond; waits may fire in the millisecond of a post. */
export function someHistory(maxLength: number): fc.Arbitrary<Step[]> {
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        gap,
        kind: fc.constant('post' as const),
        events: fc
          .tuple(fc.array(happened, { minLength: 1, maxLength: 4 }), fc.constantFrom(0, 0, 0, 2 * HOUR, 3 * DAY))
          // A whole request may be late.
          .map(([events, more]) => events.map((event) => ({ ...event, late: event.late + more }))),
      }),
    },
    { weight: 4, arbitrary: fc.record({ gap: fc.oneof(gap, fc.constant(0)), kind: fc.constant('end' as const) }) },
    { weight: 1, arbitrary: fc.record({ gap, kind: fc.constant('apply' as const) }) },
  );
  return fc.array(step, { minLength: 3, maxLength });
}
