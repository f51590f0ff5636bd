/** The parts of a wait, and the changes that rules make to one. */

import type { Rule } from '../../model/catalog.ts';
import type { Evidence, WaitKind } from '../../model/decision.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing } from '../context.ts';
import { toDirectWaitId } from '../direct.ts';
import type { Trigger, Wait, WaitState } from '../facts.ts';
import { updateWaitIndex } from '../known/user-waits.ts';

/** Adds an open wait of the active catalog version to the user's waits, and returns it. */
export function newWait(
  ctx: DecisionContext,
  { rule }: Pick<CompiledRule, 'rule'>,
  { trigger, key }: Pick<Firing, 'trigger' | 'key'>,
  due: Millis,
  state: WaitState,
): Wait {
  const id = toWaitId(ctx, rule.name, trigger.key);
  const wait: Wait = {
    waitId: rule.name === DIRECT_RULE ? toDirectWaitId(id, due) : id,
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
  ctx.user.waits.set(wait.waitId, wait);
  return wait;
}

/** Returns the kind of wait that the rule makes; undefined for a rule that acts at once. */
export function getWaitKind({ every, digest, debounce, unless, at, delay }: Rule): WaitKind | undefined {
  if (every) return 'every';
  if (digest) return 'digest';
  if (debounce) return 'debounce';
  if (unless) return 'unless';
  if (at) return 'at';
  return delay && 'delay';
}

/**
 * Returns the id of the wait that a trigger starts: one for each rule, user and trigger, whatever the version, so a wait
 * cannot start twice and a replay finds the same one.
 *
 * @param startedBy the key of the trigger; for a scheduled rule the occurrence as local time, so a user who moves to another
 * time zone does not get Monday 09:00 twice
 */
export function toWaitId(
  { ids, user }: Pick<DecisionContext, 'ids' | 'user'>,
  rule: string,
  startedBy: string,
): string {
  return ids.fromText(`wait ${rule}\n${user.userId}\n${startedBy}`);
}

/**
 * Changes an open wait in place, and marks a stored one as changed. That it was migrated is kept: a replay repeats it.
 * @param due its due time from now on
 */
export function updateWait({ user }: Pick<DecisionContext, 'user'>, wait: Wait, due: Millis, state: WaitState): void {
  const firstBefore = wait.state.first ?? wait.triggerTime;
  wait.dueAt = due;
  wait.triggerTime = state.trigger.time;
  wait.state = keepMigrated(wait.state, state);
  if (wait.stored === 'same') wait.stored = 'changed';
  updateWaitIndex(user.waits, wait, firstBefore);
}

function keepMigrated({ migrated }: WaitState, state: WaitState): WaitState {
  if (state.migrated === migrated) return state;
  const { migrated: _, ...rest } = state;
  return migrated ? { ...rest, migrated } : rest;
}

/** Ends a wait. @param endedBy the event that ended it before it was due */
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

/** Returns the parts of an event that a wait stores; a received event has more. */
export function toTrigger(trigger: Trigger): Trigger {
  const { key, eventId, type, time, properties, traits, context, depth, unreadable } = trigger;
  return {
    key,
    eventId,
    type,
    time,
    properties,
    traits,
    ...(context && { context }),
    ...(depth !== undefined && { depth }),
    ...(unreadable && { unreadable }),
  };
}

/** Returns what the end of a wait must know of its start: the matched events and the evidence of the pattern. */
export function toStartState({ matched, eventIds, evidence }: Firing): Pick<WaitState, 'matched' | 'begun'> {
  const { pattern, count, change } = evidence;
  const why = { ...(pattern && { pattern }), ...(count && { count }), ...(change && { change }) };
  const begun = eventIds.length > 1 || pattern || count || change ? { eventIds, evidence: why } : undefined;
  return { ...(matched && { matched }), ...(begun && { begun }) };
}

/** Returns a wait as evidence shows it, with times in ISO 8601. */
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

/** Like `toWaitEvidence`, of a wait that was moved. @param from the wait that it replaces, or itself, and its due time then */
export function toMovedEvidence(wait: Wait, waitId: string, from: Millis): NonNullable<Evidence['wait']> {
  return { ...toWaitEvidence(wait), moved_from: { wait_id: waitId, due_at: isoTime(from) } };
}

/** Returns the evidence of the key of a rule; empty for a rule without a key. */
export function toKeyEvidence(key: string): { key?: string } {
  return key === '' ? {} : { key };
}
