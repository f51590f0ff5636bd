import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import { isBefore } from '../event-order.ts';
import type { WaitState } from '../facts.ts';
import { fireRule } from '../firing/fire-rule.ts';
import { withPending } from '../lookahead.ts';
import { collectedReason } from '../reasons.ts';
import { findEnding, recordEnding } from './ending.ts';
import { latestItems, toItem } from './items.ts';
import { newWait, toTrigger, toWaitEvidence, updateWait } from './wait.ts';
import { findWindow, mergeOverlapping } from './window.ts';
import { computeWindowEnd, extendSpan } from './window-span.ts';

/** Adds a trigger as an item to its digest, or starts one; with `first: now` the first item is sent at once. */
export function collectDigest(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = firing;
  const window = findWindow(ctx, compiled, firing, 'digest', ({ status }) => status === 'waiting');
  const span = extendSpan(window, trigger.time, trigger.time);
  const due = computeWindowEnd(ctx, compiled, span);
  const sendNow = rule.digest!.firstNow && !window;
  const ending = findEnding(compiled, sendNow ? withPending(ctx.user) : ctx.user, trigger, due, ctx.ids);
  if (ending) {
    recordEnding(ctx, compiled, firing, ending);
    return;
  }

  const item = toItem(trigger);
  const state: WaitState = {
    trigger: window && isBefore(trigger, window.state.trigger) ? window.state.trigger : toTrigger(trigger),
    ...span,
    items: sendNow ? [] : latestItems([...(window?.state.items ?? []), item], rule.digest!.keep),
    total: sendNow ? 0 : (window?.state.total ?? 0) + 1,
  };
  const open = window ?? newWait(ctx, compiled, firing, due, state);
  if (window) updateWait(ctx, window, due, state);
  mergeOverlapping(ctx, compiled, open, trigger, (state, other) => mergeItems(compiled, state, other));

  if (sendNow) {
    evidence.digest = { total: 1, kept: 1 };
    fireRule(ctx, compiled, { ...firing, items: [item], total: 1 });
    return;
  }
  evidence.wait = toWaitEvidence(open);
  addDecision(ctx, compiled, { code: 'collected', reason: collectedReason(open), eventIds, evidence });
}

/** Returns the state of a digest with the items of both. */
export function mergeItems(compiled: CompiledRule, state: WaitState, other: WaitState): WaitState {
  return {
    ...(isBefore(state.trigger, other.trigger) ? other : state),
    items: latestItems([...(state.items ?? []), ...(other.items ?? [])], compiled.rule.digest!.keep),
    total: (state.total ?? 0) + (other.total ?? 0),
  };
}

/** Returns the state with no more items than the rule keeps. */
export function keepLatest(compiled: CompiledRule, state: WaitState): WaitState {
  const { items = [] } = state;
  const { keep } = compiled.rule.digest!;
  return items.length <= keep ? state : { ...state, items: latestItems(items, keep) };
}
