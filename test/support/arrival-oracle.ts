import fc from 'fast-check';
import { expect } from 'vitest';
import type { Limit, Rule } from '../../src/model/catalog.ts';
import type { Millis } from '../../src/model/event.ts';
import {
  CONDITIONS,
  daily,
  ever,
  type Given,
  NOW,
  once,
  someEvents,
  someRequests,
  someRules,
} from './random-catalog.ts';

/**
 * Arrival order does not matter: for any order and split into requests, the same users are sent the same types, in the same
 * limit windows, as often. Which of several eligible events leads to the send may differ.
 */

// At most one limit, so that the windows that are used are determined. Of a day and ever together, only the number is.
const limits: fc.Arbitrary<Limit[]> = fc.oneof(
  fc.constant<Limit[]>([]),
  once.map((limit) => [limit]),
  ever.map((limit) => [limit]),
  daily.map((limit) => [limit]),
  fc.tuple(daily, ever).map(([day, total]) => [day, total]),
);
const someLimitedRules = someRules(limits);

/** Rules, up to `maxEvents` events, and an order and split of them. */
export function arrivalScenario(maxEvents: number): fc.Arbitrary<[Rule[], Given[], number[][]]> {
  return fc
    .tuple(someLimitedRules, someEvents(maxEvents))
    .chain(([rules, events]) => fc.tuple(fc.constant(rules), fc.constant(events), someRequests(events.length)));
}

/** The number of sends by `user rule type window`. */
export type Sends = Map<string, number>;

export function totalOf(sends: Sends): number {
  return [...sends.values()].reduce((sum, count) => sum + count, 0);
}

/** An event of user 0 that no condition looks at. */
export function plainEvent(type: string, time: Millis): Given {
  return { user: 0, type, time, n: null, vip: null };
}

/** Returns the expected sends by definition, over all events at once, without any notion of arrival. */
export function expectedSends(rules: readonly Rule[], events: readonly Given[]): Sends {
  const sends: Sends = new Map();
  for (const rule of rules) {
    const eligible = events.filter((event) => isEligible(rule, event, events));
    for (const user of new Set(eligible.map((event) => event.user))) {
      const own = eligible.filter((event) => event.user === user);
      for (const [window, count] of allowed(rule.limits, own)) {
        for (const type of rule.notify) sends.set(`${user} ${rule.name} ${type} ${window}`, count);
      }
    }
  }
  return sends;
}

function isEligible(rule: Rule, event: Given, events: readonly Given[]): boolean {
  if (!rule.on.includes(event.type)) return false;
  if (rule.when !== undefined && !CONDITIONS[rule.when]?.(event)) return false;
  if (rule.expires !== undefined && NOW - event.time > rule.expires) return false;
  const [after] = rule.after;
  if (!after) return true;
  return events.some(
    (a) =>
      a !== event &&
      a.user === event.user &&
      a.type === after.event &&
      a.time <= event.time &&
      event.time <= a.time + after.within,
  );
}

function allowed(limits: readonly Limit[], eligible: readonly Given[]): Map<string, number> {
  const perWindow = new Map<string, number>();
  const [first, second] = limits;
  for (const { time } of eligible) {
    const window = windowOf(first, time);
    perWindow.set(window, Math.min((perWindow.get(window) ?? 0) + 1, first?.max ?? Infinity));
  }
  if (!second) return perWindow;
  const all = [...perWindow.values()].reduce((sum, count) => sum + count, 0);
  return new Map([['in all', Math.min(all, second.max)]]);
}

function windowOf(limit: Limit | undefined, time: Millis): string {
  if (limit?.period.kind !== 'day') return 'ever';
  const { zone } = limit.period;
  // Canadian dates are year-month-day.
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(time);
}

/** Counts sends by window; where a limit per day meets another, by user only, with no day above its own limit. */
export function countSends(
  rules: readonly Rule[],
  sent: readonly { user: string; rule: string; type: string; time: Millis }[],
): Sends {
  const sends: Sends = new Map();
  const days: Sends = new Map();
  for (const { user, rule, type, time } of sent) {
    const [first, second] = rules.find(({ name }) => name === rule)?.limits ?? [];
    const window = windowOf(first, time);
    const day = `${user} ${rule} ${type} ${window}`;
    days.set(day, (days.get(day) ?? 0) + 1);
    expect(days.get(day)).toBeLessThanOrEqual(first?.max ?? Infinity);
    const key = second ? `${user} ${rule} ${type} in all` : day;
    sends.set(key, (sends.get(key) ?? 0) + 1);
  }
  return sends;
}
