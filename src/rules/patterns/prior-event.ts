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
import type { Event } from '../../model/event.ts';
import type { CompiledRule, RuleSet } from '../compile/rule-set.ts';
import { isAbout } from '../evaluate/triggers.ts';
import { compareByTime } from '../event-order.ts';
import { type Ids, type KnownEvent, patternKey, type Trigger } from '../facts.ts';
import { getGrouping } from '../known/groupings.ts';
import { countUpTo } from '../known/in-order.ts';
import { type FullEvent, MAX_SCANNED_EVENTS } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { sweep } from './trigger-list.ts';

/** A rule that takes the fast path. */
export type PriorEventRule = CompiledRule & { readonly priorEvent: After };

export function takesFastPath(compiled: CompiledRule): compiled is PriorEventRule {
  return compiled.priorEvent !== undefined;
}

/**
 * Returns the only step of a rule that can take the fast path; undefined for any other rule.
 * @param usesMatched whether its condition or a template shows the content of A
 * @param hasWait whether the rule waits between its trigger and its end
 */
export function findPriorEvent(rule: Rule, usesMatched: boolean, hasWait: boolean): After | undefined {
  const [step, ...others] = rule.after;
  const mayUseContent = [step?.same, rule.key, rule.count, rule.data, rule.variables, rule.choose, rule.at?.field].some(
    (part) => part !== undefined,
  );
  if (!step || others.length > 0 || mayUseContent || usesMatched || rule.actions.length > 0) return undefined;
  // That a trait changed stands in no event, so the database cannot find triggers of that kind.
  if (rule.changes) return undefined;
  // Whether a later trigger replaces an earlier one depends on the pattern of the later one.
  if (hasWait && rule.again === 'restart') return undefined;
  return step;
}

/** Returns the latest A with A.time ≤ B.time ≤ A.time + within, or undefined. B is the trigger. */
export function findLatestPriorEvent(
  { event, within }: After,
  user: UserState,
  { time, key }: Trigger,
): KnownEvent | undefined {
  const items = user.events.get(event)?.items ?? NO_EVENTS;
  const upTo = countUpTo(items, time);
  const latest = items[upTo - 1]?.key === key ? items[upTo - 2] : items[upTo - 1];
  return latest && time <= latest.time + within ? latest : undefined;
}

/** Remembers that the trigger has its prior event, so that a later one does not complete it again. */
export function markCompleted({ rule }: PriorEventRule, user: UserState, { key }: Pick<Trigger, 'key'>): void {
  user.completed.add(`${rule.name} ${key}`);
}

/** Returns the triggers that this A completes: within T after it, and without an A so far. In order of event time. */
export function findCompletedTriggers(compiled: PriorEventRule, user: UserState, prior: Event, ids: Ids): Event[] {
  const { rule, priorEvent } = compiled;
  const { within, event } = priorEvent;
  const pattern = patternKey(event, within);
  const found: Event[] = [];
  const to = prior.time + within;
  /** Returns whether the trigger has its A. */
  const visit = ({ event: trigger, waitsFor }: FullEvent): boolean => {
    if (user.completed.has(`${rule.name} ${trigger.key}`)) return true;
    if (trigger.key !== prior.key && !(waitsFor && !waitsFor.has(pattern))) found.push(trigger);
    return false;
  };
  for (const type of rule.on) {
    const known = user.events.get(type);
    const later = known?.countFrom(prior.time) ?? 0;
    if (!known || later === 0) continue;
    if (later > MAX_SCANNED_EVENTS) {
      const grouping = getGrouping(compiled, { purpose: 'open prior', same: [], about: true });
      sweep(known.groupBy(grouping, ids).get('')?.events ?? [], prior.time, to, visit);
      continue;
    }
    for (let index = known.length - later; index < known.length; index++) {
      const one = known.items[index] as KnownEvent;
      if (one.time > to) break;
      if (one.event && isAbout(rule, one.event)) visit(one as FullEvent);
    }
  }
  return found.length > 1 ? found.sort(compareByTime) : found;
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
    for (const compiled of fast) markAllCompleted(compiled, user, prior.items);
  }
}

/** @param prior all known events of the prior type, in order of time */
function markAllCompleted(compiled: PriorEventRule, user: UserState, prior: readonly KnownEvent[]): void {
  for (const type of compiled.rule.on) {
    for (const trigger of user.events.get(type) ?? NO_EVENTS) {
      const upTo = countUpTo(prior, trigger.time);
      const latest = prior[upTo - 1]?.key === trigger.key ? prior[upTo - 2] : prior[upTo - 1];
      if (latest && trigger.time - latest.time <= compiled.priorEvent.within) markCompleted(compiled, user, trigger);
    }
  }
}

const NO_EVENTS: readonly KnownEvent[] = [];
