/**
 * Triggers that arrived earlier, with a pattern that was incomplete, and that an arriving event may complete.
 *
 * To try every later trigger would cost the square of the events of a user. So each kind of pattern names the few whose
 * completeness the event can change. What is named too much is only tried; nothing may be missing.
 */

import type { Evidence } from '../../model/decision.ts';
import type { Event } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { type ChangeEvent, knownChanges } from '../evaluate/trait-changes.ts';
import { isAbout } from '../evaluate/triggers.ts';
import { compareByTime } from '../event-order.ts';
import type { Ids } from '../facts.ts';
import { countBefore } from '../known/in-order.ts';
import { type FullEvent, MAX_SCANNED_EVENTS } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { nameChainCandidates } from './chain-candidates.ts';
import { nameCountCandidates } from './count-candidates.ts';
import type { TriggerList } from './trigger-list.ts';

/** A trigger that the event may complete. */
export interface Candidate {
  readonly trigger: Event;
  /** The trait change that triggered the rule. */
  readonly change?: Evidence['change'];
}

/**
 * Returns the known triggers of the rule that do not come before the event and whose pattern it may complete: first those
 * by their type, then those by a trait change, each in order of time.
 *
 * Call it before the event is added to the known events.
 */
export function findCandidates(compiled: CompiledRule, user: UserState, event: Event, ids: Ids): readonly Candidate[] {
  const { rule } = compiled;
  let found: Candidate[] | undefined;
  const lists: TriggerList[] = [];
  for (const type of rule.on) {
    const known = user.events.get(type);
    if (known && known.countFrom(event.time) > 0) lists.push({ known, type });
  }
  if (lists.length > 0) {
    const events = findInLists(compiled, user, lists, event, ids).filter((known) => isAbout(rule, known.event));
    if (lists.length > 1) events.sort(compareByTime);
    if (events.length > 0) found = events.map((known) => ({ trigger: known.event }));
  }
  if (rule.changes) {
    const known = knownChanges(compiled, user);
    if (known.countFrom(event.time) > 0) {
      const changes = findInLists(compiled, user, [{ known, type: undefined }], event, ids);
      found ??= [];
      for (const one of changes) found.push({ trigger: one.event, change: (one as ChangeEvent).change });
    }
  }
  return found ?? NO_CANDIDATES;
}

const NO_CANDIDATES: readonly Candidate[] = [];

/** @param lists with triggers that do not come before the event */
function findInLists(
  compiled: CompiledRule,
  user: UserState,
  lists: readonly TriggerList[],
  event: Event,
  ids: Ids,
): FullEvent[] {
  return lists.flatMap((list) => {
    const { items } = list.known;
    if (list.known.countFrom(event.time) <= MAX_SCANNED_EVENTS) {
      const later = items.slice(countBefore(items, event.time));
      return later.filter((known): known is FullEvent => known.event !== undefined && known.key !== event.key);
    }
    const named = new Map<string, FullEvent>();
    const name = (known: FullEvent) => {
      if (known.key !== event.key) named.set(known.key, known);
    };
    nameCountCandidates(compiled, user, list, event, ids, name);
    nameChainCandidates(compiled, user, list, event, ids, name);
    return [...named.values()].sort(compareByTime);
  });
}
