/**
 * Prevents a rule from firing twice for the same trigger. A late event can cause a stored trigger to be evaluated again: by
 * a newer version of the rule, or by a count that was met, not met, and met again. Then the stored decisions on the trigger
 * and on later events of its pattern say whether the rule has fired; a wait that the trigger started is found by its id.
 */

import type { Event } from '../model/event.ts';
import { clampToEventYears } from '../time/calendar.ts';
import type { FiredLookup, Ids, Trigger, UserState } from './facts.ts';
import { isStoredAndOpen } from './patterns/match-pattern.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';
import { findLaterChanges } from './trait-changes.ts';
import { toWaitId } from './waits/wait.ts';

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
 * Returns where the decisions stand on stored triggers that this event may cause to be evaluated again. Call it when the
 * history that `requiredHistory` asks for is in the user's state.
 */
export function requiredFired(rules: RuleSet, user: UserState, event: Event): FiredLookup[] {
  return findReevaluated(rules, user, event).map(({ compiled, triggers }) => {
    const times = triggers.map(({ time }) => time);
    const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    return { from: clampToEventYears(from - compiled.patternSpan), to };
  });
}

/** Returns the ids of the waits that these triggers started, if they did, under whatever version of the rule. */
export function startedWaitIds(rules: RuleSet, user: UserState, event: Event, ids: Ids): string[] {
  return findReevaluated(rules, user, event).flatMap(({ compiled: { rule, hasWait: waits }, triggers }) =>
    waits ? triggers.map(({ key }) => toWaitId({ user, ids }, rule.name, key)) : [],
  );
}

type StoredTrigger = Pick<Trigger, 'key' | 'time'>;

interface Reevaluated {
  readonly compiled: CompiledRule;
  /** At least one. */
  readonly triggers: readonly StoredTrigger[];
}

/** Returns the rules that may evaluate stored triggers again because of this event, with these triggers. */
function findReevaluated(rules: RuleSet, user: UserState, event: Event): Reevaluated[] {
  const found: Reevaluated[] = [];
  for (const compiled of rules.byPatternEvent.get(event.type) ?? []) {
    const to = event.time + compiled.patternSpan;
    const triggers = findStoredTriggers(compiled, user, event).filter(({ time }) => time <= to);
    if (triggers.length > 0) found.push({ compiled, triggers });
  }
  return found;
}

/** Returns the stored triggers of the rule that do not come before the event, and may be completed by it. */
function findStoredTriggers(compiled: CompiledRule, user: UserState, event: Event): StoredTrigger[] {
  const { rule } = compiled;
  const found: StoredTrigger[] = findLaterChanges(rule, user, event).map(({ trigger }) => trigger);
  for (const type of rule.on) {
    for (const known of user.events.get(type) ?? []) {
      if (known.time < event.time || known.key === event.key) continue;
      if (isStoredAndOpen(compiled, known)) found.push(known);
    }
  }
  return found;
}
