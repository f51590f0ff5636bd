import type { Rule } from '../../model/catalog.ts';
import type { Decision } from '../../model/decision.ts';
import type { Event, Json } from '../../model/event.ts';
import { isSameValue } from '../../users/profile.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { TraitChangeTrigger } from '../facts.ts';
import { type FullEvent, getIndex, KnownEvents } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
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

/** Adds trait changes that are not known yet to the open ones of the user, in place. */
export function addTraitChanges(user: UserState, changes: readonly TraitChangeTrigger[]): void {
  if (changes.length === 0) return;
  if (user.openTraitChanges) user.openTraitChanges.push(...changes);
  else user.openTraitChanges = [...changes];
}

/** A known event that triggers a rule by a change of a trait. */
export type ChangeEvent = FullEvent & Pick<TraitChangeTrigger, 'change'>;

interface ChangeIndex {
  readonly source: readonly TraitChangeTrigger[];
  readonly known: KnownEvents;
  /** The changes of the source that are in the index. */
  read: number;
}

/** Returns the trait changes that trigger the rule, as far as their pattern was incomplete; each is a `ChangeEvent`. */
export function knownChanges({ rule }: CompiledRule, { openTraitChanges: source, events }: UserState): KnownEvents {
  if (!source) return NO_CHANGES;
  const indexes = getIndex(events, rule, (): { latest: ChangeIndex | undefined } => ({ latest: undefined }));
  if (indexes.latest?.source !== source) indexes.latest = { source, known: new KnownEvents(), read: 0 };
  const index = indexes.latest;
  for (; index.read < source.length; index.read++) {
    const { rule: name, trigger, change } = source[index.read] as TraitChangeTrigger;
    if (name !== rule.name || !matchesTraitChange(rule, change.trait, trigger.traits[change.trait] ?? null)) continue;
    // By the active catalog it may be a trigger as an event.
    if (rule.on.includes(trigger.type) && isAbout(rule, trigger)) continue;
    const { key, eventId, time } = trigger;
    const known: ChangeEvent = { key, eventId, time, event: trigger, change };
    index.known.add(known);
  }
  return index.known;
}

const NO_CHANGES = new KnownEvents();

/** Returns whether the rule listens to this change of a trait. */
export function matchesTraitChange({ changes = [] }: Rule, trait: string, to: Json): boolean {
  return changes.some((wanted) => wanted.trait === trait && (wanted.to === undefined || isSameValue(wanted.to, to)));
}
