import type { Event } from '../model/event.ts';
import { clampToEventYears } from '../time/calendar.ts';
import { type FiredLookup, type Ids, patternKey, type Trigger, type UserState } from './facts.ts';
import { getPatternSpan } from './required-facts.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';
import { findLaterChanges } from './trait-changes.ts';
import { toWaitId } from './wait.ts';

/** Only decisions within the rule's reach count; a replay knows older ones, and they must not change the verdict. */
export function hasFired(compiled: CompiledRule, { firedAt: told }: UserState, { eventId, time }: Trigger): boolean {
  const at = told?.get(`${compiled.rule.name} ${eventId}`);
  return at !== undefined && at >= time - getPatternSpan(compiled);
}

/** What must be known of stored triggers which this event may let be judged again. Asked when the history is known. */
export function requiredFired(rules: RuleSet, user: UserState, event: Event): FiredLookup[] {
  return judgedAgain(rules, user, event).map(({ compiled, triggers }) => {
    const times = triggers.map(({ time }) => time);
    const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    return { from: clampToEventYears(from - getPatternSpan(compiled)), to };
  });
}

/** The waits that these triggers would have begun: each begins one of a rule, whichever version it is of. */
export function startedWaitIds(rules: RuleSet, user: UserState, event: Event, ids: Ids): string[] {
  return judgedAgain(rules, user, event).flatMap(({ compiled: { rule, waits }, triggers }) =>
    waits ? triggers.map(({ key }) => toWaitId({ user, ids }, rule.name, key)) : [],
  );
}

interface JudgedAgain {
  readonly compiled: CompiledRule;
  /** One at least. */
  readonly triggers: readonly Pick<Trigger, 'key' | 'time'>[];
}

/** Rules that may judge stored triggers again because of this event, and which. */
function judgedAgain(rules: RuleSet, user: UserState, event: Event): JudgedAgain[] {
  const found: JudgedAgain[] = [];
  for (const by of [rules.byPriorEvent, rules.byPatternEvent]) {
    for (const compiled of by.get(event.type) ?? []) {
      const to = event.time + getPatternSpan(compiled);
      const triggers = storedTriggers(compiled, user, event).filter(({ time }) => time <= to);
      if (triggers.length > 0) found.push({ compiled, triggers });
    }
  }
  return found;
}

/** What was decided of one of this batch is known, and one that has its pattern is not judged again. */
function storedTriggers(
  { rule, priorEvent: simple }: CompiledRule,
  user: UserState,
  event: Event,
): Pick<Trigger, 'key' | 'time'>[] {
  const found: Pick<Trigger, 'key' | 'time'>[] = findLaterChanges(rule, user, event).map(({ trigger }) => trigger);
  const pattern = simple && patternKey(simple.event, simple.within);
  for (const type of rule.on) {
    for (const known of user.events.get(type) ?? []) {
      const { key, time, waitsFor } = known;
      if (time < event.time || key === event.key || !waitsFor) continue;
      if (pattern === undefined || waitsFor.has(pattern)) found.push(known);
    }
  }
  return found;
}
