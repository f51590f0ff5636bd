import type { Rule } from '../model/catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Event, Json } from '../model/event.ts';
import { isSame } from '../users/profile.ts';
import type { KnownChange, PersonFacts } from './facts.ts';
import { byTime, isAbout } from './patterns.ts';

/** The changes by this event that began nothing, of rules with a pattern. @param decisions those on the event */
export function openChanges(event: Event, decisions: readonly Decision[]): KnownChange[] {
  const found: KnownChange[] = [];
  for (const { rule, outcome, event_ids: ids, evidence } of decisions) {
    const { change, pattern, count } = evidence;
    // Of an earlier change that this event was a late part of, its own event has the word.
    if (!change || outcome !== 'not_matched' || ids[0] !== event.eventId || !(pattern || count)) continue;
    if (!found.some((one) => one.rule === rule)) found.push({ rule, trigger: event, change });
  }
  return found;
}

export function rememberChanges(person: PersonFacts, changes: readonly KnownChange[]): void {
  if (changes.length === 0) return;
  if (person.changes) person.changes.push(...changes);
  else person.changes = [...changes];
}

/** Those that the event may complete the pattern of: not before it. */
export function laterChanges(rule: Rule, { changes }: PersonFacts, event: Event): KnownChange[] {
  if (!changes) return [];
  return changes
    .filter(({ rule: name, trigger, change }) => {
      if (name !== rule.name || trigger.time < event.time || trigger.key === event.key) return false;
      // By the catalog in force it may be no trigger any more, or be one as an event.
      return isWanted(rule, change.trait, change.to) && !(rule.on.includes(trigger.type) && isAbout(rule, trigger));
    })
    .sort((a, b) => byTime(a.trigger, b.trigger));
}

/** The rule listens to this change. */
export function isWanted({ changes = [] }: Rule, trait: string, to: Json): boolean {
  return changes.some((one) => one.trait === trait && (one.to === undefined || isSame(one.to, to)));
}
