import type { Event } from '../../model/event.ts';
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
  for (const { rule, dueReads } of rules.byName.values()) {
    // Its waits move with a trait.
    if (dueReads && traits.some((trait) => readsTrait(dueReads, trait))) concerns.push({ rule: rule.name, key: null });
  }
  // Any rule may fire because of the event, for a trigger that was stored before as well.
  return [...concerns, ...listCancelled(rules.byName.values())];
}

/** Returns the rules whose waits these rules cancel when they fire. */
export function listCancelled(rules: Iterable<CompiledRule>): WaitConcern[] {
  const names = new Set<string>();
  for (const { rule } of rules) {
    for (const action of rule.actions) if (action.kind === 'cancel') names.add(action.rule);
  }
  return [...names].map((rule) => ({ rule, key: null }));
}
