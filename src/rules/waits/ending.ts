/**
 * Events that are known when a wait would start, and would have ended it: they arrived before its trigger. Events that
 * arrive while the wait is open are in cancel.ts.
 */

import type { Millis } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import { compareByTime } from '../event-order.ts';
import type { Ids, Trigger } from '../facts.ts';
import { countBefore, countUpTo, findIndexOf } from '../known/in-order.ts';
import type { FullEvent } from '../known/known-events.ts';
import { findRelated, getRelations, type Relation } from '../patterns/related-events.ts';
import { cancelledReason, unlessEventReason } from '../reasons.ts';
import type { UserState } from '../user-state.ts';

/** An event that ends a wait, and how. */
export interface Ending {
  readonly code: 'cancelled_by_event' | 'unless_event_occurred';
  readonly event: FullEvent;
}

/** Returns the first known event that would end a wait of this trigger until `due`; or undefined. */
export function findEnding(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  due: Millis,
  ids: Ids,
): Ending | undefined {
  const { rule } = compiled;
  const cancel = findFollowing(compiled, user, trigger, rule.cancelOn, CANCEL, due, ids).first(1);
  const unless = rule.unless && findUnlessEvents(compiled, user, trigger, ids).first(rule.unless.atLeast);
  if (cancel && (!unless || cancel.time <= unless.time)) return { code: 'cancelled_by_event', event: cancel };
  return unless && { code: 'unless_event_occurred', event: unless };
}

/** Returns the last known event of `cancel_on` from `from` to `to`, both included, beside the trigger; or undefined. */
export function findLastCancel(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  from: Millis,
  to: Millis,
  ids: Ids,
): FullEvent | undefined {
  let last: FullEvent | undefined;
  for (const type of compiled.rule.cancelOn) {
    const related = findRelated(compiled, user, trigger, type, CANCEL, ids);
    for (let index = countUpTo(related, to) - 1; index >= 0; index--) {
      const event = related[index] as FullEvent;
      if (event.time < from || (last && event.time < last.time)) break;
      if (event.key === trigger.key) continue;
      last = event;
      break;
    }
  }
  return last;
}

const CANCEL: Relation = { purpose: 'cancel_on', same: undefined };

/** Returns how many `unless` events are known, as a part of the state of a wait; empty when one of them is enough. */
export function countSeen(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): { readonly seen?: number } {
  const { atLeast = 1 } = compiled.rule.unless ?? {};
  return atLeast === 1 ? {} : { seen: findUnlessEvents(compiled, user, trigger, ids).count };
}

/** Adds the decision that no wait starts, because a known event ends it. */
export function recordEnding(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { eventIds, evidence }: Firing,
  { code, event }: Ending,
): void {
  const { rule } = compiled;
  const reason =
    code === 'unless_event_occurred' ? unlessEventReason(rule, event.event) : cancelledReason(rule, event.event);
  addDecision(ctx, compiled, { code, reason, eventIds: [...eventIds, event.eventId], evidence });
}

/** Events that follow a trigger. */
interface Following {
  readonly count: number;
  /** Returns the event at this place in order of time, from 1; undefined if there are fewer. */
  first(place: number): FullEvent | undefined;
}

const NONE: Following = { count: 0, first: () => undefined };

function findUnlessEvents(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): Following {
  const { unless } = compiled.rule;
  if (!unless) return NONE;
  const relation = getRelations(compiled).unless;
  return findFollowing(compiled, user, trigger, unless.events, relation, trigger.time + unless.within, ids);
}

/** Finds the known events of these types from the trigger to `to`, both included. */
function findFollowing(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  types: readonly string[],
  relation: Relation,
  to: Millis,
  ids: Ids,
): Following {
  if (types.length === 0) return NONE;
  let count = 0;
  const found: (readonly FullEvent[])[] = [];
  for (const type of types) {
    const related = findRelated(compiled, user, trigger, type, relation, ids);
    const inSpan = countUpTo(related, to) - countBefore(related, trigger.time);
    if (inSpan <= 0) continue;
    count += inSpan - (findIndexOf(related, trigger) >= 0 && trigger.time <= to ? 1 : 0);
    found.push(related);
  }
  if (count === 0) return NONE;
  return {
    count,
    first(place) {
      if (place > count) return undefined;
      // The event at this place is among as many of each type, and one more for the trigger.
      const first = found.flatMap((events) => {
        const from = countBefore(events, trigger.time);
        return events.slice(from, from + place + 1);
      });
      return first.filter(({ key, time }) => key !== trigger.key && time <= to).sort(compareByTime)[place - 1];
    },
  };
}
