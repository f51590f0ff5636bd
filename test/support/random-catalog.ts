import fc from 'fast-check';
import { compileEmittedSchemas } from '../../src/catalog/schemas/validate-event.ts';
import type { CatalogData, Limit, Rule } from '../../src/model/catalog.ts';
import type { JsonObject, Millis } from '../../src/model/event.ts';
import { compileRules } from '../../src/rules/compile/compile-rules.ts';
import type { RuleSet } from '../../src/rules/compile/rule-set.ts';

/** The time of all decisions: after all events of the tests. */
export const NOW = Date.parse('2025-11-20T12:00:00Z');
/** Midnight of a day on which Lisbon's clocks go back: its 25 hours begin an hour before this day of UTC. */
export const BASE = Date.parse('2025-10-26T00:00:00Z');
export const SECOND = 1000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

export const EVENT_TYPES = ['a', 'b', 'c', 'd'] as const;
export const NOTIFICATION_TYPES = ['N1', 'N2', 'N3'] as const;
const SPANS: readonly [Millis, string][] = [
  [SECOND, '1s'],
  [HOUR, '1h'],
  [DAY, '24h'],
];

/** An event before it has an ID: user, type, time, and what the conditions look at (null: absent). */
export interface Given {
  readonly user: number;
  readonly type: string;
  readonly time: Millis;
  readonly n: number | null;
  readonly vip: boolean | null;
}

/** Times around the bounds: midnights and the ends of each span, exactly there, and off by 1 ms and by 1 s. */
const times: fc.Arbitrary<Millis> = fc
  .tuple(
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom(0, ...SPANS.map(([span]) => span)),
    fc.constantFrom(0, 0, 0, 1, -1, SECOND, -SECOND, HOUR),
  )
  .map(([day, span, off]) => BASE + day * DAY + span + off);

const given: fc.Arbitrary<Given> = fc.record({
  user: fc.integer({ min: 0, max: 2 }),
  type: fc.constantFrom(...EVENT_TYPES),
  time: times,
  n: fc.constantFrom(null, 1, 2, 3, 3),
  vip: fc.constantFrom(null, true, true, false),
});

export function someEvents(maxLength: number): fc.Arbitrary<Given[]> {
  return fc.array(given, { minLength: 2, maxLength });
}

/** Conditions, each with a second implementation for the oracles of the tests. */
export const CONDITIONS: { readonly [expression: string]: (event: Given) => boolean } = {
  'event.n >= 2': ({ n }) => n !== null && n >= 2,
  'traits.vip == true': ({ vip }) => vip === true,
  'event.n >= 2 && traits.vip == true': ({ n, vip }) => n !== null && n >= 2 && vip === true,
  'event.n == 3 || traits.vip == true': ({ n, vip }) => n === 3 || vip === true,
};

const counts = fc.integer({ min: 1, max: 3 });
export const once: fc.Arbitrary<Limit> = fc.constant({ max: 1, period: { kind: 'ever' }, text: 'once' });
export const ever: fc.Arbitrary<Limit> = counts.map((max) => ({ max, period: { kind: 'ever' }, text: `${max} ever` }));
export const daily: fc.Arbitrary<Limit> = fc
  .tuple(counts, fc.constantFrom('UTC', 'Europe/Lisbon'))
  .map(([max, zone]) => ({ max, period: { kind: 'day', zone }, text: `${max} per day in ${zone}` }));
export const userDaily: fc.Arbitrary<Limit> = counts.map((max) => ({
  max,
  period: { kind: 'day', zone: 'user' },
  text: `${max} per day in user zone`,
}));
export const rolling: fc.Arbitrary<Limit> = fc
  .tuple(counts, fc.constantFrom(...SPANS))
  .map(([max, [span, text]]) => ({ max, period: { kind: 'rolling', span }, text: `${max} per ${text}` }));

/** Rules R0, R1 … over the event types, under one of these lists of limits each. */
export function someRules(limits: fc.Arbitrary<Limit[]>): fc.Arbitrary<Rule[]> {
  const rule = fc.record({
    on: fc.uniqueArray(fc.constantFrom(...EVENT_TYPES), { minLength: 1, maxLength: 2 }),
    when: fc.option(fc.constantFrom(...Object.keys(CONDITIONS))),
    after: fc.option(fc.tuple(fc.constantFrom(...EVENT_TYPES), fc.constantFrom(...SPANS))),
    limits,
    notify: fc.uniqueArray(fc.constantFrom(...NOTIFICATION_TYPES), { minLength: 1, maxLength: 2 }),
    // An event exactly a day after BASE is still sent, one a millisecond earlier has expired.
    expires: fc.constantFrom(null, null, null, NOW - BASE - DAY),
  });
  return fc.array(rule, { minLength: 1, maxLength: 4 }).map((rules) =>
    rules.map(({ on, when, after, limits, notify, expires }, index) =>
      plainRule({
        name: `R${index}`,
        on,
        ...(when === null ? {} : { when }),
        ...(after === null ? {} : { after: [{ event: after[0], within: after[1][0], withinText: after[1][1] }] }),
        limits,
        notify,
        ...(expires === null ? {} : { expires }),
      }),
    ),
  );
}

/** A rule with the given keys, and the defaults of the others. */
export function plainRule(rule: Partial<Rule> & Pick<Rule, 'name' | 'on'>): Rule {
  return {
    zone: 'UTC',
    after: [],
    ifPast: 'skip',
    ifMissing: 'skip',
    recheck: true,
    cancelOn: [],
    again: 'beside',
    limits: [],
    notify: ['N1'],
    actions: [],
    ...rule,
  };
}

/**
 * A catalog whose schemas accept all posted events. They reject some that rules emit: a `d` whose `twice` is over `most`, an
 * `e` whose `n` is 3, and a plan named y.
 */
export function catalogOf(rules: readonly Rule[], most = 4): CatalogData {
  const upTo = (name: string, maximum: number) => ({ properties: { [name]: { type: 'number', maximum } } });
  return {
    events: [
      { name: 'd', properties: upTo('twice', most) },
      { name: 'e', properties: upTo('n', 2) },
    ],
    traits: { properties: { plan: { not: { const: 'y' } } } },
    notifications: NOTIFICATION_TYPES.map((name) => ({
      name,
      category: 'OPERATIONAL',
      channels: ['internal'],
      priority: 'MEDIUM',
      inDoubt: 'resend',
      maxAge: DAY,
    })),
    rules,
    groups: [],
    templates: [],
  };
}

export function propertiesOf({ n }: Given): JsonObject {
  return n === null ? {} : { n };
}

export function traitsOf({ vip }: Given): JsonObject {
  return vip === null ? {} : { vip };
}

/** The compiled rules. The schemas of emitted events are compiled once for all. */
export function rulesOf(rules: readonly Rule[], version = 1): RuleSet {
  return compileRules(version, catalogOf(rules), validateEmitted);
}

const validateEmitted = compileEmittedSchemas(
  catalogOf([
    plainRule({
      name: 'R0',
      on: [],
      actions: [
        { kind: 'emit', event: 'd', properties: {} },
        { kind: 'emit', event: 'e', properties: {} },
        { kind: 'set', trait: 'plan', value: '' },
      ],
    }),
  ]),
);

/** An order and a split of `length` items: lists of places, each with at least one. */
export function someRequests(length: number): fc.Arbitrary<number[][]> {
  const places = Array.from({ length }, (_, index) => index);
  return fc
    .tuple(
      fc.shuffledSubarray(places, { minLength: length }),
      fc.array(fc.boolean(), { minLength: length, maxLength: length }),
    )
    .map(([order, cuts]) => {
      const requests: number[][] = [];
      order.forEach((place, index) => {
        const last = requests.at(-1);
        if (last && !cuts[index]) last.push(place);
        else requests.push([place]);
      });
      return requests;
    });
}
