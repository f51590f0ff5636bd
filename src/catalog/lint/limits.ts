import { isDeepStrictEqual } from 'node:util';
import { joinWords } from '../../lib/text/join-words.ts';
import type { CatalogData, Limit, Period, Rule } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import type { Report } from './findings.ts';

/** Reports limits that never bind, because a stricter limit is always reached first. */
export function checkLimits({ rules, groups }: CatalogData, report: Report): void {
  const groupLimits = new Map(groups.map((group) => [group.name, group.limits]));
  // A limit that never binds cannot keep another one from binding.
  const redundant = new Set<Limit>();
  for (const rule of rules) {
    const shared = groupLimits.get(rule.group ?? '') ?? [];
    const path = (index: number) =>
      rule.limits[index]?.throttle ? ['rules', rule.name, 'throttle'] : ['rules', rule.name, 'limit', index];
    reportRedundant(rule.limits, (limit, other) => countsAtLeast(rule, limit, other), shared, path);
  }
  for (const group of groups) {
    const path = (index: number) => ['groups', group.name, 'limit', index];
    reportRedundant(group.limits, () => true, [], path);
    const members = rules.filter((rule) => rule.group === group.name);
    for (const [index, limit] of group.limits.entries()) {
      const all = members.reduce((sum, rule) => sum + getMaxSends(rule, limit.period, redundant), 0);
      if (members.length === 0 || all > limit.max || redundant.has(limit)) continue;
      const names = joinWords(members.map(({ name }) => name));
      report('limit_never_binds', path(index), `"${limit.text}" never binds: the limits of ${names} are stricter`);
    }
  }

  /**
   * Reports each limit that another of the list, or one of `shared`, keeps from binding.
   *
   * @param isComparable whether the second limit counts all sends that the first one counts
   */
  function reportRedundant(
    limits: readonly Limit[],
    isComparable: (limit: Limit, other: Limit) => boolean,
    shared: readonly Limit[],
    path: (index: number) => (string | number)[],
  ): void {
    for (const [index, limit] of limits.entries()) {
      const isStricter = (other: Limit) =>
        other !== limit && !redundant.has(other) && getMaxAllowed(other, limit.period) <= limit.max;
      const own = limits.find((other) => isComparable(limit, other) && isStricter(other));
      const stricter = own ?? shared.find(isStricter);
      if (!stricter) continue;
      redundant.add(limit);
      const whose = own ? '' : ' of the group';
      report('limit_never_binds', path(index), `"${limit.text}" never binds: "${stricter.text}"${whose} is stricter`);
    }
  }
}

/** Whether `other` counts all sends that `limit` counts. A limit for each key does not bound the sends over all keys. */
function countsAtLeast({ key }: Rule, limit: Limit, other: Limit): boolean {
  return key === undefined || other.perUser === true || !limit.perUser;
}

/** Returns how often a rule can send to one user in any period of this kind; infinite if its limits do not bound it. */
function getMaxSends(rule: Rule, period: Period, redundant: ReadonlySet<Limit>): number {
  const perUser = rule.limits.filter((limit) => !redundant.has(limit) && (rule.key === undefined || limit.perUser));
  return Math.min(...perUser.map((limit) => getMaxAllowed(limit, period)), Number.POSITIVE_INFINITY);
}

/** Returns how many sends a limit allows in any period of another kind; infinite if no bound follows from it. */
function getMaxAllowed({ max, period }: Limit, over: Period): number {
  if (period.kind === 'ever' || isDeepStrictEqual(period, over)) return max;
  const span = getSpan(over);
  if (span === undefined) return Number.POSITIVE_INFINITY;
  // Times are whole milliseconds, and both ends of a span are included.
  if (period.kind === 'rolling') return max * (Math.floor(span / (period.span + 1)) + 1);
  // A day of another zone does not always have 24 hours.
  if (period.zone !== 'UTC') return Number.POSITIVE_INFINITY;
  return max * (Math.floor((span + DAY_MS - 1) / DAY_MS) + 1);
}

/** Returns the time (ms) from the first to the last millisecond of a period, if it is fixed. */
function getSpan(period: Period): Millis | undefined {
  if (period.kind === 'rolling') return period.span;
  return period.kind === 'day' && period.zone === 'UTC' ? DAY_MS - 1 : undefined;
}
