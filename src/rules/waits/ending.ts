/**
 * Events that are known when a wait would start, and would have ended it: they arrived before its trigger. Events that
 * arrive while the wait is open are in cancel.ts.
 */

import type { Millis } from '../../model/event.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import { compareByTime } from '../event-order.ts';
import type { Ids, Trigger, UserState } from '../facts.ts';
import { type FullEvent, findRelated } from '../patterns/related-events.ts';
import { cancelledReason, unlessEventReason } from '../reasons.ts';
import type { CompiledRule } from '../rule-set.ts';

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
  const [cancel] = findFollowing(compiled, user, trigger, rule.cancelOn, undefined, due, ids);
  const unless = rule.unless && findUnlessEvents(compiled, user, trigger, ids)[rule.unless.atLeast - 1];
  if (cancel && (!unless || cancel.time <= unless.time)) return { code: 'cancelled_by_event', event: cancel };
  return unless && { code: 'unless_event_occurred', event: unless };
}

/** Returns how many `unless` events are known, as a part of the state of a wait; empty when one of them is enough. */
export function countSeen(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): { readonly seen?: number } {
  const { atLeast = 1 } = compiled.rule.unless ?? {};
  return atLeast === 1 ? {} : { seen: findUnlessEvents(compiled, user, trigger, ids).length };
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

function findUnlessEvents(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): FullEvent[] {
  const { unless } = compiled.rule;
  if (!unless) return [];
  return findFollowing(compiled, user, trigger, unless.events, compiled.sameUnless, trigger.time + unless.within, ids);
}

/** Returns the known events of these types from the trigger to `to`, both included, in order of time. */
function findFollowing(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  types: readonly string[],
  same: CompiledRule['sameUnless'],
  to: Millis,
  ids: Ids,
): FullEvent[] {
  return types
    .flatMap((type) => findRelated(compiled, user, trigger, type, same, ids))
    .filter(({ time }) => time >= trigger.time && time <= to)
    .sort(compareByTime);
}
