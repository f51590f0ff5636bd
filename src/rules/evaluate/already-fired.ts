/**
 * Prevents a rule from firing twice for the same trigger. A late event can cause a stored trigger to be evaluated again: by
 * a newer version of the rule, or by a count that was met, not met, and met again. Then the stored decisions on the trigger
 * and on later events of its pattern say whether the rule has fired; a wait that the trigger started is found by its id.
 */

import { appendTo } from '../../lib/group-by.ts';
import type { Event } from '../../model/event.ts';
import { clampToEventYears } from '../../time/calendar.ts';
import type { CompiledRule, RuleSet } from '../compile/rule-set.ts';
import { compareByTime } from '../event-order.ts';
import type { FiredLookup, Ids, KnownEvent, Trigger } from '../facts.ts';
import { countBefore, countUpTo } from '../known/in-order.ts';
import { isStoredAndOpen } from '../patterns/match-pattern.ts';
import type { UserState } from '../user-state.ts';
import { toWaitId } from '../waits/wait.ts';
import { knownChanges } from './trait-changes.ts';
import { findRulesReading, triggersSince } from './trait-triggers.ts';

/**
 * Returns whether the rule has fired for this trigger.
 *
 * Only decisions within the span of the rule's pattern count: a replay knows older ones as well, which production does not
 * load, and they must not change the verdict.
 */
export function hasFired(compiled: CompiledRule, { firedAt }: UserState, { eventId, time }: Trigger): boolean {
  const at = firedAt?.get(`${compiled.rule.name} ${eventId}`);
  return at !== undefined && at >= time - compiled.patternSpan;
}

/**
 * Returns whether the rule may have fired for this trigger by a decision that a bound left out. Of a trigger of this batch all
 * decisions are known.
 */
export function mayHaveFired(compiled: CompiledRule, user: UserState, { type, key, time }: Trigger): boolean {
  const { firedKnownFrom } = user;
  if (firedKnownFrom === undefined || time - compiled.patternSpan >= firedKnownFrom) return false;
  const known = user.events.get(type)?.find(key);
  return known === undefined || known.waitsFor !== undefined;
}

/**
 * Returns where the decisions stand on stored triggers that this event may cause to be evaluated again. Call it when the
 * history that `requiredHistory` asks for is in the user's state.
 */
export function requiredFired(rules: RuleSet, user: UserState, event: Event): FiredLookup[] {
  const lookups: FiredLookup[] = [];
  for (const compiled of rules.byPatternEvent.get(event.type) ?? []) {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const { known, isChange } of listTriggers(compiled, user)) {
      const from = countBefore(known, event.time);
      const to = countUpTo(known, event.time + compiled.patternSpan);
      const isOpen = (one: KnownEvent) => one.key !== event.key && (isChange || isStoredAndOpen(compiled, one));
      for (let index = from; index < to; index++) {
        const one = known[index] as KnownEvent;
        if (!isOpen(one)) continue;
        first = Math.min(first, one.time);
        break;
      }
      for (let index = to - 1; index >= from; index--) {
        const one = known[index] as KnownEvent;
        if (!isOpen(one)) continue;
        last = Math.max(last, one.time);
        break;
      }
    }
    if (first <= last) lookups.push({ from: clampToEventYears(first - compiled.patternSpan), to: last });
  }
  for (const compiled of findRulesReading(rules, Object.keys(event.traits))) {
    const times = [...triggersSince(compiled, user, event)].map(({ time }) => time);
    if (times.length === 0) continue;
    const from = clampToEventYears(Math.min(...times) - compiled.patternSpan);
    lookups.push({ from, to: Math.max(...times) });
  }
  return lookups;
}

/**
 * Returns the ids of the waits that stored triggers started, if they did, under whatever version of the rule: of the
 * triggers that these events of one user may cause to be evaluated again. Each once.
 */
export function startedWaitIds(rules: RuleSet, user: UserState, events: readonly Event[], ids: Ids): string[] {
  const byRule = new Map<CompiledRule, Event[]>();
  for (const event of events) {
    for (const compiled of rules.byPatternEvent.get(event.type) ?? []) {
      if (!compiled.hasWait) continue;
      appendTo(byRule, compiled, event);
    }
  }
  const found = new Set<string>();
  for (const [compiled, own] of byRule) {
    const inOrder = own.length > 1 ? [...own].sort(compareByTime) : own;
    for (const { known, isChange } of listTriggers(compiled, user)) {
      let next = 0;
      for (const { time } of inOrder) {
        // Skips the triggers that an earlier event found.
        next = Math.max(next, countBefore(known, time));
        for (; next < known.length; next++) {
          const one = known[next] as KnownEvent;
          if (one.time > time + compiled.patternSpan) break;
          if (isChange || isStoredAndOpen(compiled, one))
            found.add(toWaitId({ user, ids }, compiled.rule.name, one.key));
        }
      }
    }
  }
  for (const event of events) {
    for (const compiled of findRulesReading(rules, Object.keys(event.traits))) {
      for (const { key } of triggersSince(compiled, user, event)) {
        found.add(toWaitId({ user, ids }, compiled.rule.name, key));
      }
    }
  }
  return [...found];
}

interface StoredTriggers {
  /** In order of time. */
  readonly known: readonly KnownEvent[];
  /** Whether they are triggers by a change of a trait. */
  readonly isChange: boolean;
}

/** Returns the known triggers of the rule: of each type, and those by a trait change. */
function listTriggers(compiled: CompiledRule, user: UserState): StoredTriggers[] {
  const lists: StoredTriggers[] = [];
  for (const type of compiled.rule.on) {
    const known = user.events.get(type);
    if (known) lists.push({ known: known.items, isChange: false });
  }
  if (compiled.rule.changes) lists.push({ known: knownChanges(compiled, user).items, isChange: true });
  return lists;
}
