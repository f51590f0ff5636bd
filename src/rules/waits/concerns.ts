import { DIRECT_RULE, NOTIFICATION_REQUESTED, NOTIFICATION_RESCHEDULED } from '../../model/direct.ts';
import type { Event } from '../../model/event.ts';
import { toFrequencyRule } from '../../model/frequency.ts';
import { PREFERENCE_UPDATED } from '../../model/terms.ts';
import { requiredWaits } from '../compile/required-facts.ts';
import type { CompiledRule, RuleSet } from '../compile/rule-set.ts';
import { readsTrait } from '../compile/trait-reads.ts';
import type { Ids } from '../facts.ts';

/** A rule and key whose open waits an event may end, move, replace or join. */
export interface WaitConcern {
  readonly rule: string;
  /** Null: waits of any key. */
  readonly key: string | null;
}

/**
 * Returns whose open waits the event may change by the rules of one catalog version: that of the waits, or the active one. May name
 * too much, and nothing is missing.
 */
export function listConcerns(rules: RuleSet, event: Event, ids: Ids): WaitConcern[] {
  const traits = Object.keys(event.traits);
  const concerns: WaitConcern[] = requiredWaits(rules, event, ids);
  if (event.type === NOTIFICATION_RESCHEDULED) concerns.push({ rule: DIRECT_RULE, key: null });
  for (const { rule, dueReads } of rules.byName.values()) {
    // Its waits move with a trait.
    if (dueReads && traits.some((trait) => readsTrait(dueReads, trait))) concerns.push({ rule: rule.name, key: null });
  }
  if (event.type === NOTIFICATION_REQUESTED) concerns.push(...toDigests([String(event.properties.notification_type)]));
  // Each digest that the user asked for may move with what they want, and with their zone.
  if (event.type === PREFERENCE_UPDATED || traits.includes('time_zone')) {
    concerns.push(...toDigests(rules.digestChannels.keys()));
  }
  // Any rule may fire because of the event, for a trigger that was stored before as well.
  return [...concerns, ...listTouched(rules.byName.values())];
}

function toDigests(types: Iterable<string>): WaitConcern[] {
  return [...types].map((type) => ({ rule: toFrequencyRule(type), key: null }));
}

/** Returns the rules whose waits these rules cancel when they fire, or add their messages to. */
export function listTouched(rules: Iterable<CompiledRule>): WaitConcern[] {
  const names = new Set<string>();
  const all = [...rules];
  for (const { rule } of all) {
    for (const action of rule.actions) if (action.kind === 'cancel') names.add(action.rule);
  }
  for (const { types } of all) for (const type of types) names.add(toFrequencyRule(type));
  return [...names].map((rule) => ({ rule, key: null }));
}
