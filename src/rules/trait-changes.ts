import type { Rule } from '../model/catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Event, Json } from '../model/event.ts';
import { isSameValue } from '../users/profile.ts';
import type { TraitChangeTrigger, UserState } from './facts.ts';
import { compareByTime, isAbout } from './patterns.ts';

/** The changes by this event that began nothing, of rules with a pattern. @param decisions those on the event */
export function findOpenChanges(event: Event, decisions: readonly Decision[]): TraitChangeTrigger[] {
  const found: TraitChangeTrigger[] = [];
  for (const { rule, outcome, event_ids: ids, evidence } of decisions) {
    const { change, pattern, count } = evidence;
    // Of an earlier change that this event was a late part of, its own event has the word.
    if (!change || outcome !== 'not_matched' || ids[0] !== event.eventId || !(pattern || count)) continue;
    if (!found.some((one) => one.rule === rule)) found.push({ rule, trigger: event, change });
  }
  return found;
}

export function addTraitChanges(user: UserState, changes: readonly TraitChangeTrigger[]): void {
  if (changes.length === 0) return;
  if (user.changes) user.changes.push(...changes);
  else user.changes = [...changes];
}

/** Those that the event may complete the pattern of: not before it. */
export function findLaterChanges(rule: Rule, { changes }: UserState, event: Event): TraitChangeTrigger[] {
  if (!changes) return [];
  return changes
    .filter(({ rule: name, trigger, change }) => {
      if (name !== rule.name || trigger.time < event.time || trigger.key === event.key) return false;
      // By the catalog in force it may be no trigger any more, or be one as an event.
      return (
        matchesTraitChange(rule, change.trait, change.to) && !(rule.on.includes(trigger.type) && isAbout(rule, trigger))
      );
    })
    .sort((a, b) => compareByTime(a.trigger, b.trigger));
}

/** The rule listens to this change. */
export function matchesTraitChange({ changes = [] }: Rule, trait: string, to: Json): boolean {
  return changes.some((one) => one.trait === trait && (one.to === undefined || isSameValue(one.to, to)));
}
