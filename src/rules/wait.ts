/** A wait as the rules make and keep it. */

import type { Rule } from '../model/catalog.ts';
import type { Evidence, WaitKind } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { DecisionContext, Firing } from './context.ts';
import type { Trigger, Wait, WaitState } from './facts.ts';
import type { CompiledRule } from './rule-set.ts';

export function newWait(
  ctx: DecisionContext,
  { rule }: Pick<CompiledRule, 'rule'>,
  { trigger, key }: Pick<Firing, 'trigger' | 'key'>,
  due: Millis,
  state: WaitState,
): Wait {
  const made: Wait = {
    waitId: toWaitId(ctx, rule.name, trigger.key),
    userId: ctx.user.userId,
    rule: rule.name,
    key,
    kind: getWaitKind(rule) as WaitKind,
    catalogVersion: ctx.rules.active.version,
    beganAt: ctx.now,
    status: 'waiting',
    dueAt: due,
    triggerTime: trigger.time,
    state,
    endedAt: null,
    stored: 'new',
  };
  ctx.user.waits.set(made.waitId, made);
  return made;
}

/** The kind of wait that the rule makes; none: it acts at once. */
export function getWaitKind({ every, digest, debounce, unless, at, delay }: Rule): WaitKind | undefined {
  if (every) return 'every';
  if (digest) return 'digest';
  if (debounce) return 'debounce';
  if (unless) return 'unless';
  if (at) return 'at';
  return delay && 'delay';
}

/** One trigger begins one wait of a rule; a person has one turn of a recurring rule for each local time. */
export function toWaitId(ctx: Pick<DecisionContext, 'ids' | 'user'>, rule: string, began: string): string {
  return ctx.ids.fromText(`wait ${rule}\n${ctx.user.userId}\n${began}`);
}

export function updateWait(one: Wait, due: Millis, state: WaitState): void {
  one.dueAt = due;
  one.triggerTime = state.trigger.time;
  one.state = state;
  if (one.stored === 'same') one.stored = 'changed';
}

/** It is over. @param endedBy the event that ended it before its time */
export function closeWait(
  wait: Wait,
  status: 'fired' | 'cancelled',
  now: Millis,
  endedBy?: { readonly event_id: string; readonly event_type: string; readonly at: Millis },
): void {
  wait.status = status;
  wait.endedAt = now;
  if (endedBy) wait.state = { ...wait.state, endedBy };
  if (wait.stored === 'same') wait.stored = 'changed';
}

/** Only what a trigger is: an event that was received has more. */
export function toTrigger({ key, eventId, type, time, properties, traits, depth }: Trigger): Trigger {
  return { key, eventId, type, time, properties, traits, ...(depth !== undefined && { depth }) };
}

/** What the end of the wait is to know of its beginning. */
export function toStartState({ matched, eventIds, evidence }: Firing): Pick<WaitState, 'matched' | 'begun'> {
  const { pattern, count, change } = evidence;
  const why = { ...(pattern && { pattern }), ...(count && { count }), ...(change && { change }) };
  const begun = eventIds.length > 1 || pattern || count || change ? { eventIds, evidence: why } : undefined;
  return { ...(matched && { matched }), ...(begun && { begun }) };
}

export function toWaitEvidence(wait: Wait): NonNullable<Evidence['wait']> {
  const { endedBy } = wait.state;
  return {
    kind: wait.kind,
    wait_id: wait.waitId,
    since: isoTime(wait.triggerTime),
    due_at: isoTime(wait.dueAt),
    ...(endedBy && { ended_by: { ...endedBy, at: isoTime(endedBy.at) } }),
  };
}

export function toKeyEvidence(key: string): { key?: string } {
  return key === '' ? {} : { key };
}
