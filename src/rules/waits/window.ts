/**
 * Windows: waits that gather triggers which come close together, for `debounce` (window of a burst) and `digest`. The event
 * times of the triggers decide which window they belong to, not the order of arrival.
 */

import type { WaitKind } from '../../model/decision.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { type DecisionContext, type Firing, findFirstOf, sortByDueTime } from '../context.ts';
import type { Trigger, Wait, WaitState } from '../facts.ts';
import { windowsReaching, windowsStarting } from '../known/user-waits.ts';
import { supersedeWait } from './overlap.ts';
import { updateWait } from './wait.ts';
import { computeWindowEnd, extendSpan, getFirstTime, isInWindow } from './window-span.ts';

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
  const around = findFirstOf(
    windowsReaching(ctx.user.waits, waits, time, time),
    (wait) => isWindow(wait) && getFirstTime(wait) <= time && isInWindow(compiled, time, wait.dueAt),
  );
  if (around || ctx.user.waits.size === 0) return around;
  const ownEnd = computeWindowEnd(ctx, compiled, { first: time, last: time });
  return findFirstOf(
    windowsStarting(ctx.user.waits, waits, time, ownEnd),
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
  // Its first time does not change by what is merged into it, and it may reach further then.
  const first = getFirstTime(open);
  for (let reached = Number.NEGATIVE_INFINITY; reached < open.dueAt; ) {
    reached = open.dueAt;
    const others = sortByDueTime(
      windowsStarting(ctx.user.waits, open, first, reached),
      (wait) => wait.kind === open.kind && wait !== open && wait.status === 'waiting',
    );
    for (const other of others) {
      if (!isInWindow(compiled, getFirstTime(other), open.dueAt)) continue;
      const span = extendSpan(open, getFirstTime(other), other.state.last ?? other.triggerTime);
      const due = computeWindowEnd(ctx, compiled, span);
      updateWait(ctx, open, due, { ...merge(open.state, other.state), ...span });
      supersedeWait(ctx, compiled, other, by);
    }
  }
}
