import fc from 'fast-check';
import { expect } from 'vitest';
import type { Limit, Rule } from '../../src/model/catalog.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { Millis } from '../../src/model/event.ts';
import type { ProcessPair } from './process-pair.ts';
import {
  daily,
  ever,
  type Given,
  once,
  plainRule,
  rolling,
  someEvents,
  someRequests,
  someRules,
  userDaily,
} from './random-catalog.ts';

/** Limits checked by definition, over all that was sent. */

const limits = fc.uniqueArray(fc.oneof(once, ever, daily, userDaily, rolling, rolling), {
  maxLength: 3,
  selector: ({ period }) => JSON.stringify(period),
});
/** Rules, events, and their split into requests. */
export const limitScenario = fc
  .tuple(someRules(limits), someEvents(14))
  .chain(([rules, events]) => fc.tuple(fc.constant(rules), fc.constant(events), someRequests(events.length)));

/** Zones of the users: half-hour shifts, a day that was skipped, the far ends of the day. */
export const ZONES = ['Australia/Lord_Howe', 'Pacific/Kiritimati', 'America/Sao_Paulo'] as const;

/** A rule that fired for a user, whatever the number of its notifications. */
export interface Firing {
  readonly user: string;
  readonly rule: string;
  readonly time: Millis;
}

/** Rule R0 on events of type `a`, with these limits. */
export function limitedRule(...limits: Limit[]): Rule {
  return plainRule({ name: 'R0', on: ['a'], limits });
}

/** Each rule that the event triggers has one decision per notification; other decisions are of triggers that it completes. */
export function expectCandidatesDecided(
  rules: readonly Rule[],
  type: string,
  eventId: string,
  decisions: readonly Decision[],
): void {
  const own = decisions.filter((decision) => decision.event_ids[0] === eventId);
  const have = own.map(({ rule, notification_type }) => `${rule} ${notification_type}`);
  const want = rules
    .filter(({ on }) => on.includes(type))
    .flatMap(({ name, notify }) => notify.map((notification) => `${name} ${notification}`));
  expect(have.sort()).toEqual(want.sort());
  // The others are of earlier triggers that this event completes.
  for (const decision of decisions) {
    if (!own.includes(decision)) expect(decision.event_ids[1]).toBe(eventId);
  }
}

/** The evidence of the decision supports its outcome. */
export function expectConsistent(rules: readonly Rule[], decision: Decision): void {
  const { outcome, reason_code, evidence, notification_id, reason } = decision;
  const rule = rules.find(({ name }) => name === decision.rule) as Rule;
  expect(reason).toMatch(outcome === 'send' ? /^To be sent: .+\.$/s : /^Not sent: .+\.$/s);
  expect(notification_id !== null).toBe(outcome === 'send');
  const isEvaluated = outcome === 'send' || reason_code === 'limit_reached';
  expect(evidence.limits?.length ?? 0).toBe(isEvaluated ? rule.limits.length : 0);
  for (const [index, limit] of (evidence.limits ?? []).entries()) {
    expect(limit.max).toBe(rule.limits[index]?.max);
    expect(limit.used).toBeLessThanOrEqual(limit.max);
    expect(limit.uses).toHaveLength(Math.min(limit.used, 5));
    for (const use of limit.uses) expect(use.notification_id).not.toBe(notification_id);
  }
  const full = (evidence.limits ?? []).some(({ used, max }) => used >= max);
  if (isEvaluated) expect(full).toBe(reason_code === 'limit_reached');
  if (evidence.pattern && isEvaluated) expect(evidence.pattern.matched?.event_id).toBe(decision.event_ids[1]);
  if (evidence.condition && isEvaluated) expect(evidence.condition.result).toBe(true);
}

/** No window of any limit holds more sends than its maximum. */
export function expectWithinLimits(rules: readonly Rule[], firings: readonly Firing[]): void {
  for (const { user, rule: name, time } of firings) {
    const rule = rules.find((one) => one.name === name) as Rule;
    const own = firings.filter((one) => one.user === user && one.rule === name);
    for (const { max, period } of rule.limits) {
      const inWindow = own.filter((one) => {
        if (period.kind === 'ever') return true;
        if (period.kind === 'rolling') return time <= one.time && one.time <= time + period.span;
        const zone = period.zone === 'user' ? zoneOf(user) : period.zone;
        return dayIn(one.time, zone) === dayIn(time, zone);
      });
      expect(inWindow.length).toBeLessThanOrEqual(max);
    }
  }
}

/** The time zone of user number `user`. */
export function zoneOf(user: string): string {
  return ZONES[Number(user)] as string;
}

/** The local date, `2025-10-26`. */
export function dayIn(time: Millis, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(time);
}

/** The rules that fired for the events of a run. */
export async function findFirings(
  { tidings }: ProcessPair,
  run: string,
  given: readonly Given[],
  timeOf = (eventId: string) => (given[Number(eventId.slice(run.length + 1))] as Given).time,
): Promise<Firing[]> {
  const { rows } = await tidings.database.pool.query<{ user_id: string; rule: string; event_id: string }>(
    'select distinct user_id, rule, event_id from notifications where starts_with(user_id, $1)',
    [`${run} `],
  );
  return rows.map(({ user_id, rule, event_id }) => ({
    user: user_id.slice(run.length + 1),
    rule,
    time: timeOf(event_id),
  }));
}

/** The number of rows of every table that an event may touch, and a hash of the users. */
export async function countRows({ tidings }: ProcessPair): Promise<object> {
  const { rows } = await tidings.database.pool.query(
    `select (select count(*) from events) as events, (select count(*) from event_ids) as keys,
            (select count(*) from notifications) as notifications, (select count(*) from deliveries) as deliveries,
            (select count(*) from limit_uses) as uses, (select count(*) from users) as users,
            (select md5(string_agg(u::text, ';' order by user_id)) from users u) as profiles`,
  );
  return rows[0] as object;
}
