/**
 * Facts that the rules require before they can decide: which parts of a user's history, limit uses and waits must be loaded.
 * A test decides with exactly these facts and with all facts, and compares.
 */

import type { Channel } from '../../model/delivery.ts';
import { type Event, getAddressKind, type Millis, type Profile } from '../../model/event.ts';
import { CAP_LOOK_BACK_MS, DEDUPE_KEY, toCapKey } from '../../model/plan.ts';
import { NO_POLICY } from '../../model/preferences.ts';
import { toFixedIso } from '../../time/calendar.ts';
import { isSameValue } from '../../users/profile.ts';
import { surelyFails } from '../evaluate/evaluate-condition.ts';
import { evaluateKey, limitBucketKey } from '../evaluate/key.ts';
import { toLimitLookup } from '../evaluate/limits.ts';
import { findRulesReading, triggersSince } from '../evaluate/trait-triggers.ts';
import type { HistoryLookup, Ids, LimitLookup, Wait, WaitLookup } from '../facts.ts';
import {
  addPatternEventLookups,
  addPatternSpans,
  addSpan,
  addStoredTriggerLookups,
  addTriggerLookups,
} from '../patterns/pattern-lookups.ts';
import type { UserState } from '../user-state.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

type EventStub = Pick<Event, 'type' | 'time' | 'traits'>;

/** Returns the parts of the user's history that are required to decide an event of this type, time and traits. */
export function requiredHistory(rules: RuleSet, event: EventStub): HistoryLookup[] {
  const { type, time } = event;
  const lookups: HistoryLookup[] = [];
  for (const compiled of findMayTrigger(rules, event)) {
    addTriggerLookups(lookups, compiled, time);
    addWaitLookups(lookups, compiled, time, time);
  }
  for (const compiled of rules.byPatternEvent.get(type) ?? NO_RULES) {
    addPatternEventLookups(lookups, compiled, time);
    addWaitLookups(lookups, compiled, time, time + compiled.patternSpan);
  }
  return lookups;
}

const NO_RULES: readonly CompiledRule[] = [];
const FOREVER: Millis = Number.MAX_SAFE_INTEGER;

/**
 * Adds the events that may end a wait before it starts, or replace its trigger.
 * @param from, to the times between which the trigger may be
 */
function addWaitLookups(lookups: HistoryLookup[], compiled: CompiledRule, from: Millis, to: Millis): void {
  const { rule, hasWait } = compiled;
  if (!hasWait) return;
  if (rule.unless) for (const type of rule.unless.events) addSpan(lookups, type, from, to + rule.unless.within);
  for (const type of rule.cancelOn) addSpan(lookups, type, from, FOREVER);
  if (rule.again !== 'restart') return;
  // A later trigger that arrived earlier replaces this one, if its own pattern is complete.
  for (const type of rule.on) addSpan(lookups, type, from, FOREVER);
  addPatternSpans(lookups, compiled, from, FOREVER);
}

/**
 * Returns the further parts of the user's history that are required because these events may change traits: triggers after
 * them whose wait may start. Call it when the stored profile is known; it is empty for most events.
 * @param events those of the user in one batch: one of them may change back what another one changes
 */
export function requiredTraitHistory(rules: RuleSet, profile: Profile, events: readonly Event[]): HistoryLookup[] {
  const lookups: HistoryLookup[] = [];
  if (rules.startReading.length === 0) return lookups;
  const changed = new Set<string>();
  for (const { traits } of events) {
    for (const trait of Object.keys(traits)) {
      // A profile has masks for addresses, which may be the same for two of them.
      const isAddress = getAddressKind(trait) !== undefined;
      if (isAddress || !isSameValue(traits[trait] ?? null, profile.traits[trait] ?? null)) changed.add(trait);
    }
  }
  for (const { traits, time } of events) {
    const names = Object.keys(traits).filter((trait) => changed.has(trait));
    for (const compiled of findRulesReading(rules, names)) {
      for (const type of compiled.rule.on) addSpan(lookups, type, time, FOREVER);
      addPatternSpans(lookups, compiled, time, FOREVER);
      addWaitLookups(lookups, compiled, time, FOREVER);
    }
  }
  return lookups;
}

/** Returns the parts of the user's history that are required to migrate an open wait to a rule of another version. */
export function requiredHistoryOfWait(compiled: CompiledRule, { state: { trigger, first } }: Wait): HistoryLookup[] {
  const lookups: HistoryLookup[] = [];
  const { rule } = compiled;
  if (compiled.hasPattern) addStoredTriggerLookups(lookups, compiled, trigger);
  for (const type of rule.unless?.events ?? []) {
    addSpan(lookups, type, trigger.time, trigger.time + (rule.unless?.within ?? 0));
  }
  for (const type of rule.cancelOn) addSpan(lookups, type, Math.min(first ?? trigger.time, trigger.time), FOREVER);
  return lookups;
}

/**
 * Returns the limit uses that are required to decide an event.
 * @param now latest time of the decision: a wait that fires at once is counted at its due time, up to now
 */
export function requiredLimits(rules: RuleSet, event: Event, ids: Ids, now: Millis): LimitLookup[] {
  const { type, time } = event;
  const lookups: LimitLookup[] = [];
  for (const compiled of findMayTrigger(rules, event)) {
    // A look-up costs ten times as much as the condition, and an event that fails the condition is never counted.
    if (compiled.limits.length === 0 || surelyFails(compiled, event)) continue;
    addLimits(lookups, compiled, event, ids, compiled.hasWait ? Math.max(time, now) : time);
  }
  for (const compiled of rules.byPatternEvent.get(type) ?? NO_RULES) {
    if (compiled.limits.length === 0) continue;
    addLimits(lookups, compiled, event, ids, Math.max(time + compiled.patternSpan, compiled.hasWait ? now : 0));
  }
  return lookups;
}

/**
 * Returns the uses of caps, and the recent contents, that are required to plan messages to a user.
 * @param now latest time of the decision
 */
export function requiredForPlan({ policy, dedupeWindow }: RuleSet, now: Millis): LimitLookup[] {
  if (policy.caps === NO_POLICY.caps && dedupeWindow === 0) return NO_LOOKUPS;
  const since = (span: Millis, limitKey: string) => ({ limitKey, from: toFixedIso(now - span), to: 'ever' });
  const capped = Object.keys(policy.caps) as Channel[];
  return [
    ...capped.map((channel) => since(CAP_LOOK_BACK_MS, toCapKey(channel))),
    // The decision may be made some minutes before `now`.
    ...(dedupeWindow > 0 ? [since(dedupeWindow + HOUR_MS, DEDUPE_KEY)] : []),
  ];
}

const HOUR_MS: Millis = 3_600_000;

const NO_LOOKUPS: LimitLookup[] = [];

function addLimits(lookups: LimitLookup[], compiled: CompiledRule, event: Event, ids: Ids, to: Millis): void {
  const key = evaluateKey(compiled, event, ids);
  if (key === undefined) return;
  for (const bound of compiled.limits) {
    lookups.push(toLimitLookup(limitBucketKey(bound, key), bound.limit, event.time, to));
  }
}

type UserLimitLookup = { readonly userId: string; readonly need: LimitLookup };

/** Returns the limit uses that are required to fire a wait. @param rules of the catalog version that it began with */
export function requiredLimitsOfWait(rules: RuleSet, { rule, key, dueAt, userId }: Wait): UserLimitLookup[] {
  const { limits = [] } = rules.byName.get(rule) ?? {};
  return limits.map((bound) => ({
    userId,
    need: toLimitLookup(limitBucketKey(bound, key), bound.limit, dueAt, dueAt),
  }));
}

/** Returns the limit uses that are required to run an occurrence of a scheduled rule for a user. */
export function requiredLimitsOfOccurrence({ limits }: CompiledRule, due: Millis, userId: string): UserLimitLookup[] {
  return limits.map((bound) => ({ userId, need: toLimitLookup(limitBucketKey(bound, ''), bound.limit, due, due) }));
}

/** Returns the ended waits that the event may join or come too late for. Open waits are always loaded. */
export function requiredWaits(rules: RuleSet, event: Event, ids: Ids): WaitLookup[] {
  const lookups = new Map<string, WaitLookup>();
  const { type } = event;
  const listening = [rules.byCancelEvent, rules.byPatternEvent].flatMap((byType) => byType.get(type) ?? []);
  for (const compiled of [...findMayTrigger(rules, event), ...listening]) {
    if (!compiled.hasWait) continue;
    const { name: rule } = compiled.rule;
    const key = evaluateKey(compiled, event, ids);
    if (key !== undefined) lookups.set(`${rule} ${key}`, { rule, key });
  }
  return [...lookups.values()];
}

/** Like `requiredWaits`, for the triggers whose wait may start by a trait of the event. Call it when these are known. */
export function requiredTraitWaits(rules: RuleSet, user: UserState, event: Event, ids: Ids): WaitLookup[] {
  const lookups = new Map<string, WaitLookup>();
  for (const compiled of findRulesReading(rules, Object.keys(event.traits))) {
    const { name: rule } = compiled.rule;
    for (const trigger of triggersSince(compiled, user, event)) {
      const key = evaluateKey(compiled, trigger, ids);
      if (key !== undefined) lookups.set(`${rule} ${key}`, { rule, key });
    }
  }
  return [...lookups.values()];
}

/** Returns the rules that the event may trigger: by its type, or by a trait that it may change. */
function findMayTrigger(rules: RuleSet, { type, traits }: EventStub): Iterable<CompiledRule> {
  const listed = rules.byTrigger.get(type) ?? NO_RULES;
  if (rules.byTrait.size === 0) return listed;
  return new Set([...listed, ...Object.keys(traits).flatMap((trait) => rules.byTrait.get(trait) ?? [])]);
}
