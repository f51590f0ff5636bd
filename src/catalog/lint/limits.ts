import { isDeepStrictEqual } from 'node:util';
import type { CatalogData, Limit, Period, Rule } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import type { Report } from './findings.ts';

/** Limits that can never bind, because a stricter one always does before. */
export function checkLimits({ rules, groups }: CatalogData, tell: Report): void {
  const limitsOf = new Map(groups.map((group) => [group.name, group.limits]));
  // One that never binds itself is no reason for another.
  const idle = new Set<Limit>();
  for (const rule of rules) {
    const shared = limitsOf.get(rule.group ?? '') ?? [];
    tellIdle(
      rule.limits,
      (limit, other) => covers(rule, limit, other),
      shared,
      (index) => {
        const path = ['rules', rule.name];
        return rule.limits[index]?.throttle ? [...path, 'throttle'] : [...path, 'limit', index];
      },
    );
  }
  for (const group of groups) {
    const path = (index: number) => ['groups', group.name, 'limit', index];
    tellIdle(group.limits, () => true, [], path);
    const members = rules.filter((rule) => rule.group === group.name);
    for (const [index, limit] of group.limits.entries()) {
      const all = members.reduce((sum, rule) => sum + mostOf(rule, limit.period, idle), 0);
      if (members.length === 0 || all > limit.max || idle.has(limit)) continue;
      const names = members.map(({ name }) => name).join(' and ');
      tell('limit_never_binds', path(index), `"${limit.text}" never binds: the limits of ${names} are stricter`);
    }
  }

  function tellIdle(
    limits: readonly Limit[],
    comparable: (limit: Limit, other: Limit) => boolean,
    shared: readonly Limit[],
    path: (index: number) => (string | number)[],
  ): void {
    for (const [index, limit] of limits.entries()) {
      const binds = (other: Limit) => other !== limit && !idle.has(other) && most(other, limit.period) <= limit.max;
      const own = limits.find((other) => comparable(limit, other) && binds(other));
      const stricter = own ?? shared.find(binds);
      if (!stricter) continue;
      idle.add(limit);
      const whose = own ? '' : ' of the group';
      tell('limit_never_binds', path(index), `"${limit.text}" never binds: "${stricter.text}"${whose} is stricter`);
    }
  }
}

/** The other counts at least what this one counts: a limit of each key says nothing about all of them. */
function covers({ key }: Rule, limit: Limit, other: Limit): boolean {
  return key === undefined || other.perUser === true || !limit.perUser;
}

/** How often a rule can send to one person in any such period. */
function mostOf(rule: Rule, period: Period, idle: ReadonlySet<Limit>): number {
  const wide = rule.limits.filter((limit) => !idle.has(limit) && (rule.key === undefined || limit.perUser));
  return Math.min(...wide.map((limit) => most(limit, period)), Number.POSITIVE_INFINITY);
}

/** How many sends a limit allows at most in any period of another kind; infinite where that cannot be said. */
function most({ max, period }: Limit, over: Period): number {
  if (period.kind === 'ever' || isDeepStrictEqual(period, over)) return max;
  const span = spanOf(over);
  if (span === undefined) return Number.POSITIVE_INFINITY;
  // Times are whole milliseconds, and both ends of a span count.
  if (period.kind === 'rolling') return max * (Math.floor(span / (period.span + 1)) + 1);
  // Days of other zones have not always 24 hours.
  if (period.zone !== 'UTC') return Number.POSITIVE_INFINITY;
  return max * (Math.floor((span + DAY_MS - 1) / DAY_MS) + 1);
}

/** From the first moment of a period to the last. */
function spanOf(period: Period): Millis | undefined {
  if (period.kind === 'rolling') return period.span;
  return period.kind === 'day' && period.zone === 'UTC' ? DAY_MS - 1 : undefined;
}
