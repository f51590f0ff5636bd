/**
 * The pattern of a rule (`after` and `count`): what must have happened before its trigger.
 *
 * A trigger is matched against the events that are known. What is known grows, because events arrive in any order: a pattern
 * that is incomplete now may be complete when a late event arrives. So each arriving event is looked at twice: as a trigger,
 * and as a part of the pattern of triggers that came before it.
 *
 * There are two ways to match, and nothing outside this folder depends on which one a rule takes: the fast path for a single
 * earlier event (prior-event.ts), and the general way (chain.ts for `after`, count.ts for `count`).
 */

import type { Evidence } from '../../model/decision.ts';
import type { Event, JsonObject } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { CompiledRule, RuleSet } from '../compile/rule-set.ts';
import type { RuleDecision, Writable } from '../context.ts';
import { type Ids, type KnownEvent, patternKey, type Trigger } from '../facts.ts';
import { countReason, patternReason, stepsReason } from '../reasons.ts';
import type { UserState } from '../user-state.ts';
import { findChain } from './chain.ts';
import { type Counted, countEvents } from './count.ts';
import { findCandidates } from './open-triggers.ts';
import { findCompletedTriggers, findLatestPriorEvent, markCompleted, takesFastPath } from './prior-event.ts';

export interface PatternMatch {
  /** An event for each step of `after`, the earliest first; empty without `after`. Undefined: a step is missing. */
  readonly steps: readonly KnownEvent[] | undefined;
  /** Undefined without `count`. */
  readonly count: Counted | undefined;
  readonly isComplete: boolean;
}

const NO_PATTERN: PatternMatch = { steps: [], count: undefined, isComplete: true };

/** Matches the rule's pattern against the known events, for this trigger. Complete for a rule without a pattern. */
export function matchPattern(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): PatternMatch {
  if (takesFastPath(compiled)) {
    const prior = findLatestPriorEvent(compiled.priorEvent, user, trigger);
    return { steps: prior && [prior], count: undefined, isComplete: prior !== undefined };
  }
  const { after, count } = compiled.rule;
  if (after.length === 0 && !count) return NO_PATTERN;
  const steps = after.length === 0 ? [] : findChain(compiled, user, trigger, ids);
  const counted = count && countEvents(compiled, count, user, trigger, ids);
  return { steps, count: counted, isComplete: steps !== undefined && (counted?.isEnough ?? true) };
}

/** Remembers a complete match, where the rule's later evaluations need to know of it. */
export function rememberMatch(compiled: CompiledRule, user: UserState, trigger: Trigger): void {
  if (takesFastPath(compiled)) markCompleted(compiled, user, trigger);
}

/** Returns the properties of the matched events by type, as conditions and templates see them; undefined without any. */
export function toMatched(compiled: CompiledRule, { steps }: PatternMatch): JsonObject | undefined {
  // On the fast path the content is known only by chance, and the rule does not look at it.
  if (!steps || steps.length === 0 || takesFastPath(compiled)) return undefined;
  return Object.fromEntries(steps.flatMap(({ event }) => (event ? [[event.type, event.properties]] : [])));
}

/** Adds to the evidence what was looked for and what was found. */
export function addPatternEvidence(
  compiled: CompiledRule,
  trigger: Trigger,
  { steps, count }: PatternMatch,
  evidence: Writable<Evidence>,
): void {
  const { after, count: wanted } = compiled.rule;
  if (after.length > 0) {
    const searched = {
      after: after.map(({ event }) => event).join(', then '),
      within: after.map(({ withinText }) => withinText).join(', then '),
      from: isoTime(trigger.time - after.reduce((sum, { within }) => sum + within, 0)),
      to: isoTime(trigger.time),
    };
    evidence.pattern = steps ? { ...searched, ...stepsEvidence(compiled, steps) } : searched;
  }
  if (count && wanted) {
    const { of, how, n } = wanted;
    evidence.count = { of, needed: `${how.replace('_', ' ')} ${n}`, window: count.window, counted: count.counted };
  }
}

function stepsEvidence(
  compiled: CompiledRule,
  steps: readonly KnownEvent[],
): Pick<NonNullable<Evidence['pattern']>, 'matched' | 'steps'> {
  const found = steps.map(({ eventId, time }) => ({ event_id: eventId, at: isoTime(time) }));
  if (takesFastPath(compiled)) return { matched: found[0]! };
  return { steps: found.map((step, index) => ({ event: compiled.rule.after[index]!.event, ...step })) };
}

/** Returns the code and sentence for an incomplete pattern; undefined for a complete one. @param evidence of this match */
export function explainPattern(
  compiled: CompiledRule,
  { steps, count }: PatternMatch,
  evidence: Evidence,
): Pick<RuleDecision, 'code' | 'reason'> | undefined {
  const { rule } = compiled;
  if (!steps) {
    const reason = takesFastPath(compiled) ? patternReason(rule, evidence.pattern!) : stepsReason(rule);
    return { code: 'pattern_incomplete', reason };
  }
  if (count && !count.isEnough) return { code: 'count_not_met', reason: countReason(evidence.count!) };
  return undefined;
}

/** A trigger that arrived earlier, with a pattern that was incomplete. */
export interface OpenTrigger {
  readonly compiled: CompiledRule;
  readonly trigger: Event;
  /** The trait change that triggered the rule. */
  readonly change?: Evidence['change'];
}

/**
 * Returns the earlier triggers whose pattern is incomplete without this event and may be complete with it. In the order in
 * which rules are evaluated, of each rule in order of event time.
 *
 * Call it before the event is added to the known events, and `hasBecomeComplete` afterwards.
 */
export function findOpenTriggers(rules: RuleSet, user: UserState, event: Event, ids: Ids): readonly OpenTrigger[] {
  const listening = rules.byPatternEvent.get(event.type);
  if (!listening) return NO_TRIGGERS;
  let open: OpenTrigger[] | undefined;
  for (const compiled of listening) {
    if (takesFastPath(compiled)) {
      for (const trigger of findCompletedTriggers(compiled, user, event, ids)) {
        open ??= [];
        open.push({ compiled, trigger });
      }
      continue;
    }
    for (const candidate of findCandidates(compiled, user, event, ids)) {
      if (matchPattern(compiled, user, candidate.trigger, ids).isComplete) continue;
      open ??= [];
      open.push({ compiled, ...candidate });
    }
  }
  return open ?? NO_TRIGGERS;
}

const NO_TRIGGERS: readonly OpenTrigger[] = [];

/** Returns whether the pattern of an open trigger is complete, now that the event is known. */
export function hasBecomeComplete({ compiled, trigger }: OpenTrigger, user: UserState, ids: Ids): boolean {
  return takesFastPath(compiled) || matchPattern(compiled, user, trigger, ids).isComplete;
}

/**
 * Returns whether a known trigger may be evaluated again, because a late event may complete its pattern, and comes from the
 * database. Of a trigger of this batch it is known what was decided; one that was loaded with its pattern complete is done.
 */
export function isStoredAndOpen({ priorEvent }: CompiledRule, { waitsFor }: KnownEvent): boolean {
  if (!waitsFor) return false;
  return !priorEvent || waitsFor.has(patternKey(priorEvent.event, priorEvent.within));
}
