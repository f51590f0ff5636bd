/**
 * Fast path for the most frequent pattern: B within T after A, and nothing else (`after` with one step).
 *
 * It is enough to know *when* A happened. So only the time of the latest A is loaded, not the whole events of a span, and
 * triggers that wait for an A are found by one look-up in the database, which leaves out those that have an A already.
 * Rules that need the content of A, or more than one event, take the general way: chain.ts and count.ts.
 *
 * The general way finds the triggers that a late event completes by evaluating their patterns without it and with it. Here
 * `UserState.completed` holds the triggers of the batch that have their A, and `KnownEvent.waitsFor` the patterns that a
 * stored trigger still waits for.
 */

import type { After, Rule } from '../../model/catalog.ts';
import type { Event, Millis } from '../../model/event.ts';
import { compareByTime } from '../event-order.ts';
import { type KnownEvent, patternKey, type Trigger, type UserState } from '../facts.ts';
import type { CompiledRule, RuleSet } from '../rule-set.ts';
import { isAbout } from '../triggers.ts';

/** A rule that takes the fast path. */
export type PriorEventRule = CompiledRule & { readonly priorEvent: After };

export function takesFastPath(compiled: CompiledRule): compiled is PriorEventRule {
  return compiled.priorEvent !== undefined;
}

/**
 * Returns the only step of a rule that can take the fast path; undefined for any other rule.
 * @param usesMatched whether its condition or a template shows the content of A
 * @param waits whether the rule waits between its trigger and its end
 */
export function findPriorEvent(rule: Rule, usesMatched: boolean, waits: boolean): After | undefined {
  const [step, ...others] = rule.after;
  const mayUseContent = [step?.same, rule.key, rule.count, rule.data, rule.choose, rule.at?.field].some(
    (part) => part !== undefined,
  );
  if (!step || others.length > 0 || mayUseContent || usesMatched || rule.actions.length > 0) return undefined;
  // That a trait changed stands in no event, so the database cannot find triggers of that kind.
  if (rule.changes) return undefined;
  // Whether a later trigger replaces an earlier one depends on the pattern of the later one.
  if (waits && rule.again === 'restart') return undefined;
  return step;
}

/** Returns the latest A with A.time ≤ B.time ≤ A.time + within, or undefined. B is the trigger. */
export function findLatestPriorEvent(
  { event, within }: After,
  user: UserState,
  { time, key }: Trigger,
): KnownEvent | undefined {
  let latest: KnownEvent | undefined;
  for (const known of user.events.get(event) ?? NO_EVENTS) {
    if (known.time > time || time > known.time + within || known.key === key) continue;
    if (!latest || known.time > latest.time || (known.time === latest.time && known.key > latest.key)) latest = known;
  }
  return latest;
}

/** Remembers that the trigger has its prior event, so that a later one does not complete it again. */
export function markCompleted({ rule }: PriorEventRule, user: UserState, { key }: Pick<Trigger, 'key'>): void {
  user.completed.add(`${rule.name} ${key}`);
}

/** Returns the triggers that this A completes: within T after it, and without an A so far. In order of event time. */
export function findCompletedTriggers({ rule, priorEvent }: PriorEventRule, user: UserState, prior: Event): Event[] {
  const { within, event } = priorEvent;
  const pattern = patternKey(event, within);
  const found: Event[] = [];
  for (const type of rule.on) {
    for (const { event: trigger, waitsFor } of user.events.get(type) ?? NO_EVENTS) {
      if (!trigger || trigger.key === prior.key || (waitsFor && !waitsFor.has(pattern))) continue;
      if (!isAbout(rule, trigger)) continue;
      if (trigger.time < prior.time || trigger.time > prior.time + within) continue;
      if (!user.completed.has(`${rule.name} ${trigger.key}`)) found.push(trigger);
    }
  }
  return found.sort(compareByTime);
}

/**
 * Rebuilds `user.completed` for these rules, from all events that are known. For a replay, when another catalog version
 * becomes active; production asks the database the same (`HistoryLookup` of the kind `waiting`).
 */
export function rebuildCompleted(rules: RuleSet, user: UserState): void {
  user.completed.clear();
  if (user.events.size === 0) return;
  for (const [type, listening] of rules.byPatternEvent) {
    const fast = listening.filter(takesFastPath);
    const prior = user.events.get(type);
    if (!prior || fast.length === 0) continue;
    const inOrder = [...prior].sort((a, b) => a.time - b.time);
    for (const compiled of fast) markAllCompleted(compiled, user, inOrder);
  }
}

/** @param prior all known events of the prior type, in order of time */
function markAllCompleted(compiled: PriorEventRule, user: UserState, prior: readonly KnownEvent[]): void {
  for (const type of compiled.rule.on) {
    for (const trigger of user.events.get(type) ?? NO_EVENTS) {
      const latest = findLatestUpTo(prior, trigger.time, trigger.key);
      if (latest && trigger.time - latest.time <= compiled.priorEvent.within) markCompleted(compiled, user, trigger);
    }
  }
}

/** @param events in order of time; one of them may have the key `excluded` */
function findLatestUpTo(events: readonly KnownEvent[], time: Millis, excluded: string): KnownEvent | undefined {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.time ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  const found = events[low - 1];
  return found?.key === excluded ? events[low - 2] : found;
}

const NO_EVENTS: readonly KnownEvent[] = [];
