/** The span of a window, and when a window with it is due. */

import type { Millis } from '../../model/event.ts';
import { nextOccurrence, resolveZone } from '../../time/calendar.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext } from '../context.ts';
import type { Wait } from '../facts.ts';

/** Event times of the first and the last trigger in a window. */
export interface WindowSpan {
  readonly first: Millis;
  readonly last: Millis;
}

/** Returns the span of the window with these times in it; of a new window, when it is undefined. */
export function extendSpan(window: Wait | undefined, first: Millis, last: Millis): WindowSpan {
  if (!window) return { first, last };
  const { state, triggerTime } = window;
  return { first: Math.min(state.first ?? triggerTime, first), last: Math.max(state.last ?? triggerTime, last) };
}

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
