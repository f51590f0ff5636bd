import type { Rule } from '../model/catalog.ts';
import type { Decision } from '../model/decision.ts';
import type { Event, Json } from '../model/event.ts';
import { isSameValue } from '../users/profile.ts';
import { compareByTime } from './event-order.ts';
import type { TraitChangeTrigger, UserState } from './facts.ts';
import { isAbout } from './triggers.ts';

/**
 * Returns the trait changes by this event that triggered a rule whose pattern was incomplete, one for each rule.
 * @param decisions those on the event
 */
export function findOpenChanges(event: Event, decisions: readonly Decision[]): TraitChangeTrigger[] {
  const found: TraitChangeTrigger[] = [];
  for (const { rule, outcome, event_ids: ids, evidence } of decisions) {
    const { change, pattern, count } = evidence;
    // A decision on an earlier change, of whose pattern this event was a late part, does not count: that event has its own.
    if (!change || outcome !== 'not_matched' || ids[0] !== event.eventId || !(pattern || count)) continue;
    if (!found.some((open) => open.rule === rule)) found.push({ rule, trigger: event, change });
  }
  return found;
}

export function addTraitChanges(user: UserState, changes: readonly TraitChangeTrigger[]): void {
  if (changes.length === 0) return;
  if (user.openTraitChanges) user.openTraitChanges.push(...changes);
  else user.openTraitChanges = [...changes];
}

/** Returns the rule's trait changes that do not come before the event, which may complete their pattern; in order of time. */
export function findLaterChanges(
  rule: Rule,
  { openTraitChanges: changes }: UserState,
  event: Event,
): TraitChangeTrigger[] {
  if (!changes) return [];
  return changes
    .filter(({ rule: name, trigger, change }) => {
      if (name !== rule.name || trigger.time < event.time || trigger.key === event.key) return false;
      // By the active catalog it may no longer be a trigger, or be one as an event.
      return (
        matchesTraitChange(rule, change.trait, trigger.traits[change.trait] ?? null) &&
        !(rule.on.includes(trigger.type) && isAbout(rule, trigger))
      );
    })
    .sort((a, b) => compareByTime(a.trigger, b.trigger));
}

/** Returns whether the rule listens to this change of a trait. */
export function matchesTraitChange({ changes = [] }: Rule, trait: string, to: Json): boolean {
  return changes.some((wanted) => wanted.trait === trait && (wanted.to === undefined || isSameValue(wanted.to, to)));
}
