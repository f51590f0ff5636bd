/**
 * Windows: waits that gather triggers which come close together, for `debounce` (window of a burst) and `digest`. The event
 * times of the triggers decide which window they belong to, not the order of arrival.
 */

import type { WaitKind } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { nextOccurrence, resolveZone } from '../../time/calendar.ts';
import { type DecisionContext, type Firing, findFirstWait, findWaits } from '../context.ts';
import type { Trigger, Wait, WaitState } from '../facts.ts';
import type { CompiledRule } from '../rule-set.ts';
import { supersedeWait } from './overlap.ts';
import { updateWait } from './wait.ts';

/** Event times of the first and the last trigger in a window. */
export interface WindowSpan {
  readonly first: Millis;
  readonly last: Millis;
}

/** Returns the window that the trigger falls into; else the one that would have started with it; undefined without one. */
export function findWindow(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger: { time }, key }: Firing,
  kind: WaitKind,
  matches: (wait: Wait) => boolean,
): Wait | undefined {
  const { rule } = compiled;
  const waits = { rule: rule.name, key };
  const isWindow = (wait: Wait) => wait.kind === kind && matches(wait);
  const around = findFirstWait(
    ctx,
    waits,
    (wait) => isWindow(wait) && getFirstTime(wait) <= time && isInWindow(compiled, time, wait.dueAt),
  );
  if (around || ctx.user.waits.size === 0) return around;
  const ownEnd = computeWindowEnd(ctx, compiled, { first: time, last: time });
  return findFirstWait(
    ctx,
    waits,
    (wait) => isWindow(wait) && time < getFirstTime(wait) && isInWindow(compiled, getFirstTime(wait), ownEnd),
  );
}

/** With one more trigger the window may reach into later ones: merges these into it, and cancels them. */
export function mergeOverlapping(
  ctx: DecisionContext,
  compiled: CompiledRule,
  open: Wait,
  by: Trigger,
  merge: (state: WaitState, other: WaitState) => WaitState,
): void {
  // Its first time does not change by what is merged into it.
  const first = getFirstTime(open);
  const others = findWaits(
    ctx,
    open,
    (wait) => wait.kind === open.kind && wait !== open && wait.status === 'waiting' && getFirstTime(wait) >= first,
  );
  for (const other of others) {
    if (!isInWindow(compiled, getFirstTime(other), open.dueAt)) continue;
    const span = extendSpan(open, getFirstTime(other), other.state.last ?? other.triggerTime);
    const due = computeWindowEnd(ctx, compiled, span);
    updateWait(open, due, { ...merge(open.state, other.state), ...span });
    supersedeWait(ctx, compiled, other, by);
  }
}

/** Returns the span of the window with these times in it; of a new window, when it is undefined. */
export function extendSpan(window: Wait | undefined, first: Millis, last: Millis): WindowSpan {
  if (!window) return { first, last };
  const { state, triggerTime } = window;
  return { first: Math.min(state.first ?? triggerTime, first), last: Math.max(state.last ?? triggerTime, last) };
}

/** Returns the event time of the first event of a burst or digest. */
export function getFirstTime({ state, triggerTime }: Wait): Millis {
  return state.first ?? triggerTime;
}

/** A span includes its end. A calendar window does not: what happens at 18:00 belongs to the window that starts then. */
export function isInWindow({ rule: { digest } }: CompiledRule, time: Millis, end: Millis): boolean {
  return digest?.window.kind === 'calendar' ? time < end : time <= end;
}

/** Returns when a window with this span is due. */
export function computeWindowEnd(ctx: DecisionContext, { rule }: CompiledRule, { first, last }: WindowSpan): Millis {
  if (rule.debounce) {
    const { quiet, atMost = Number.POSITIVE_INFINITY } = rule.debounce;
    const end = Math.min(last + quiet, first + atMost);
    // After `at_most`, an absence (`unless`) is not waited for any longer either, so a burst without end is sent as well.
    return Math.max(end, Math.min(last, end) + (rule.unless?.within ?? 0));
  }
  const { window } = rule.digest!;
  if (window.kind === 'fixed') return first + window.span;
  if (window.kind === 'sliding') return Math.min(last + window.span, first + window.atMost);
  return nextOccurrence(window.recurrence.cron, resolveZone(rule.zone, ctx.user.profile.traits), first) ?? first;
}
