/**
 * Rules that gather what comes close together: a burst, of which the last is told (`debounce`), and a window, of which all
 * is told together (`digest`). Which events belong together goes by their own times, not by when they arrive.
 */

import type { WaitKind } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import { nextOccurrence, resolveZone } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { applyGatesAndAct } from './conclude.ts';
import { addDecision, type DecisionContext, type Firing, findWaits } from './context.ts';
import type { DigestItem, Trigger, Wait, WaitState } from './facts.ts';
import { withPending } from './lookahead.ts';
import { countSeen, findEnding, isBefore } from './patterns.ts';
import {
  cancelledReason,
  collectedReason,
  supersededReason,
  tooLateReason,
  unlessEventReason,
  waitingReason,
} from './reasons.ts';
import type { CompiledRule } from './rule-set.ts';
import { closeWait, newWait, toKeyEvidence, toStartState, toTrigger, toWaitEvidence, updateWait } from './wait.ts';
import { recordEnding } from './waits.ts';

/** The last of a burst is told, when it has been quiet. */
export function extendBurst(ctx: DecisionContext, compiled: CompiledRule, matter: Firing): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const burst = findWindow(ctx, compiled, matter, 'debounce', ({ status }) => status === 'waiting');
  const over = burst ? undefined : burstOver(ctx, compiled, matter);
  if (over) {
    recordOver(ctx, compiled, matter, over);
    return;
  }
  const isTold = !burst || !isBefore(trigger, burst.state.trigger);
  const span = extendSpan(burst, trigger.time, trigger.time);
  const due = getWindowEnd(ctx, compiled, span.first, span.last);
  const state: WaitState = isTold
    ? {
        trigger: toTrigger(trigger),
        ...span,
        ...toStartState(matter),
        ...countSeen(compiled, ctx.user, trigger, ctx.ids),
      }
    : { ...burst.state, ...span };
  const open = burst ?? newWait(ctx, compiled, matter, due, state);
  if (burst) updateWait(burst, due, state);
  const ending = isTold && findEnding(compiled, ctx.user, trigger, due, ctx.ids);
  if (ending) {
    // It is kept, for triggers before this one that are yet to come.
    const { eventId, type, time } = ending.event.event;
    closeWait(open, 'cancelled', ctx.now, { event_id: eventId, event_type: type, at: time });
    recordEnding(ctx, compiled, matter, ending);
    return;
  }
  mergeOverlapping(ctx, compiled, open, trigger, (one, other) => (isBefore(one.trigger, other.trigger) ? other : one));
  const ended = reachesEnded(ctx, compiled, open);
  if (ended) {
    closeWait(open, 'cancelled', ctx.now, ended.state.endedBy);
    recordEnded(ctx, compiled, matter, ended);
    return;
  }
  evidence.wait = toWaitEvidence(open);
  addDecision(ctx, compiled, { code: 'waiting', reason: waitingReason(rule, open), eventIds, evidence });
}

/** The burst that it belongs to, where that has been told, or where an event has ended it. */
function burstOver(ctx: DecisionContext, compiled: CompiledRule, matter: Firing): Wait | undefined {
  return findWindow(
    ctx,
    compiled,
    matter,
    'debounce',
    (one) => one.status === 'fired' || (isEnded(compiled, one) && isBefore(matter.trigger, one.state.trigger)),
  );
}

function recordOver(ctx: DecisionContext, compiled: CompiledRule, matter: Firing, burst: Wait): void {
  if (burst.status !== 'fired') {
    recordEnded(ctx, compiled, matter, burst);
    return;
  }
  const { trigger, eventIds, evidence } = matter;
  evidence.wait = toWaitEvidence(burst);
  addDecision(ctx, compiled, { code: 'too_late', reason: tooLateReason(trigger, burst), eventIds, evidence });
}

/** With one more event, a burst may reach one that an event has ended, and is ended with it. */
function reachesEnded(ctx: DecisionContext, compiled: CompiledRule, open: Wait): Wait | undefined {
  const { rule, key } = open;
  return findWaits(ctx, (one) => one.rule === rule && one.key === key && one.kind === 'debounce').find(
    (one) =>
      isEnded(compiled, one) &&
      isBefore(open.state.trigger, one.state.trigger) &&
      isInWindow(compiled, firstOf(one), open.dueAt),
  );
}

function isEnded({ rule }: CompiledRule, { status, state: { endedBy } }: Wait): boolean {
  if (status !== 'cancelled' || !endedBy) return false;
  return rule.cancelOn.includes(endedBy.event_type) || (rule.unless?.events.includes(endedBy.event_type) ?? false);
}

/** It shares what ended the burst. */
function recordEnded(ctx: DecisionContext, compiled: CompiledRule, { eventIds, evidence }: Firing, ended: Wait): void {
  const { rule } = compiled;
  const { event_type: type, at: time } = ended.state.endedBy!;
  evidence.wait = toWaitEvidence(ended);
  if (rule.cancelOn.includes(type)) {
    const reason = cancelledReason(rule, { type, time });
    addDecision(ctx, compiled, { code: 'cancelled_by_event', reason, eventIds, evidence });
  } else {
    const reason = unlessEventReason(rule, { type, time });
    addDecision(ctx, compiled, { code: 'unless_event_occurred', reason, eventIds, evidence });
  }
}

/** Items are kept together until the window ends. */
export function collectDigest(ctx: DecisionContext, compiled: CompiledRule, matter: Firing): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const window = findWindow(ctx, compiled, matter, 'digest', ({ status }) => status === 'waiting');
  const span = extendSpan(window, trigger.time, trigger.time);
  const due = getWindowEnd(ctx, compiled, span.first, span.last);
  const now = rule.digest!.firstNow && !window;
  const ending = findEnding(compiled, now ? withPending(ctx.user) : ctx.user, trigger, due, ctx.ids);
  if (ending) {
    recordEnding(ctx, compiled, matter, ending);
    return;
  }
  const item = itemOf(trigger);
  const state: WaitState = {
    trigger: window && isBefore(trigger, window.state.trigger) ? window.state.trigger : toTrigger(trigger),
    ...span,
    items: now ? [] : latestItems(compiled, [...(window?.state.items ?? []), item]),
    total: now ? 0 : (window?.state.total ?? 0) + 1,
  };
  const open = window ?? newWait(ctx, compiled, matter, due, state);
  if (window) updateWait(window, due, state);
  mergeOverlapping(ctx, compiled, open, trigger, (one, other) => ({
    ...(isBefore(one.trigger, other.trigger) ? other : one),
    items: latestItems(compiled, [...(one.items ?? []), ...(other.items ?? [])]),
    total: (one.total ?? 0) + (other.total ?? 0),
  }));
  if (now) {
    evidence.digest = { total: 1, kept: 1 };
    applyGatesAndAct(ctx, compiled, { ...matter, items: [item], total: 1 });
    return;
  }
  evidence.wait = toWaitEvidence(open);
  addDecision(ctx, compiled, { code: 'collected', reason: collectedReason(open), eventIds, evidence });
}

/** Takes out what was collected up to a time, and what was only counted. False when nothing is left. */
export function dropItems(ctx: DecisionContext, compiled: CompiledRule, window: Wait, upTo: Millis): boolean {
  const left = (window.state.items ?? []).filter(({ at }) => Date.parse(at) > upTo);
  const [first, last] = [left[0], left.at(-1)];
  if (!first || !last) return false;
  const span = { first: Date.parse(first.at), last: Date.parse(last.at) };
  // Of a version that is no digest any more it ends when it was due.
  const due = compiled.rule.digest ? getWindowEnd(ctx, compiled, span.first, span.last) : window.dueAt;
  updateWait(window, due, { ...window.state, ...span, items: left, total: left.length });
  return true;
}

// ---------------------------------------------------------------------------------------------------------------------

/** The one that the trigger falls into; else the one that would have begun with it. */
function findWindow(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger: { time }, key }: Firing,
  kind: WaitKind,
  which: (one: Wait) => boolean,
): Wait | undefined {
  const { rule } = compiled;
  const all = findWaits(ctx, (one) => one.rule === rule.name && one.key === key && one.kind === kind && which(one));
  const own = getWindowEnd(ctx, compiled, time, time);
  return (
    all.find((one) => firstOf(one) <= time && isInWindow(compiled, time, one.dueAt)) ??
    all.find((one) => time < firstOf(one) && isInWindow(compiled, firstOf(one), own))
  );
}

/** With one more event it may reach into others: they become one. */
function mergeOverlapping(
  ctx: DecisionContext,
  compiled: CompiledRule,
  open: Wait,
  by: Trigger,
  merge: (one: WaitState, other: WaitState) => WaitState,
): void {
  const { rule } = compiled;
  const others = findWaits(
    ctx,
    (one) => one.rule === rule.name && one.key === open.key && one.kind === open.kind && one !== open,
  );
  for (const other of others) {
    if (other.status !== 'waiting' || firstOf(other) < firstOf(open)) continue;
    if (!isInWindow(compiled, firstOf(other), open.dueAt)) continue;
    const span = extendSpan(open, firstOf(other), other.state.last ?? other.triggerTime);
    updateWait(open, getWindowEnd(ctx, compiled, span.first, span.last), {
      ...merge(open.state, other.state),
      ...span,
    });
    closeWait(other, 'cancelled', ctx.now, { event_id: by.eventId, event_type: by.type, at: by.time });
    const eventIds = [by.eventId, other.state.trigger.eventId];
    const evidence = { ...toKeyEvidence(other.key), wait: toWaitEvidence(other) };
    addDecision(ctx, compiled, { code: 'superseded', reason: supersededReason(rule, by), eventIds, evidence });
  }
}

function extendSpan(one: Wait | undefined, first: Millis, last: Millis): { first: Millis; last: Millis } {
  if (!one) return { first, last };
  const { state, triggerTime } = one;
  return { first: Math.min(state.first ?? triggerTime, first), last: Math.max(state.last ?? triggerTime, last) };
}

function firstOf({ state, triggerTime }: Wait): Millis {
  return state.first ?? triggerTime;
}

/** A span holds its end; what happens at six belongs to the window that begins at six. */
function isInWindow({ rule: { digest } }: CompiledRule, time: Millis, end: Millis): boolean {
  return digest?.window.kind === 'calendar' ? time < end : time <= end;
}

/** When a burst or a window is over that began and was last added to at these times. */
function getWindowEnd(ctx: DecisionContext, { rule }: CompiledRule, first: Millis, last: Millis): Millis {
  if (rule.debounce) {
    const { quiet, atMost = Number.POSITIVE_INFINITY } = rule.debounce;
    const end = Math.min(last + quiet, first + atMost);
    // Also an absence is waited for no longer than that after `atMost`: who never stops is told all the same.
    return Math.max(end, Math.min(last, end) + (rule.unless?.within ?? 0));
  }
  const { window } = rule.digest!;
  if (window.kind === 'fixed') return first + window.span;
  if (window.kind === 'sliding') return Math.min(last + window.span, first + window.atMost);
  return nextOccurrence(window.recurrence.cron, resolveZone(rule.zone, ctx.user.profile.traits), first) ?? first;
}

function itemOf({ properties, traits, type, eventId, time }: Trigger): DigestItem {
  return { event: properties, traits, event_type: type, event_id: eventId, at: isoTime(time) };
}

/** The latest, in order of time. */
function latestItems({ rule }: CompiledRule, items: readonly DigestItem[]): DigestItem[] {
  const place = ({ at, event_id }: DigestItem) => `${at} ${event_id}`;
  return [...items].sort((a, b) => (place(a) < place(b) ? -1 : 1)).slice(-rule.digest!.keep);
}
