import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing, findFirstOf } from '../context.ts';
import { isBefore } from '../event-order.ts';
import type { Wait, WaitState } from '../facts.ts';
import { windowsReaching } from '../known/user-waits.ts';
import { cancelledReason, tooLateReason, unlessEventReason, waitingReason } from '../reasons.ts';
import { countSeen, findEnding, recordEnding } from './ending.ts';
import { closeWait, newWait, toStartState, toTrigger, toWaitEvidence, updateWait } from './wait.ts';
import { findWindow, mergeOverlapping } from './window.ts';
import { computeWindowEnd, extendSpan, getFirstTime, isInWindow } from './window-span.ts';

/** Adds a trigger to its burst (`debounce`), or starts one. The last trigger of a burst is sent, when no other follows. */
export function extendBurst(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = firing;
  const burst = findWindow(ctx, compiled, firing, 'debounce', ({ status }) => status === 'waiting');
  const over = burst ? undefined : findBurstOver(ctx, compiled, firing);
  if (over) {
    recordBurstOver(ctx, compiled, firing, over);
    return;
  }

  const isLast = !burst || !isBefore(trigger, burst.state.trigger);
  const span = extendSpan(burst, trigger.time, trigger.time);
  const due = computeWindowEnd(ctx, compiled, span);
  const state: WaitState = isLast
    ? {
        trigger: toTrigger(trigger),
        ...span,
        ...toStartState(firing),
        ...countSeen(compiled, ctx.user, trigger, ctx.ids),
      }
    : { ...burst.state, ...span };
  const open = burst ?? newWait(ctx, compiled, firing, due, state);
  if (burst) updateWait(ctx, burst, due, state);

  const ending = isLast && findEnding(compiled, ctx.user, trigger, due, ctx.ids);
  if (ending) {
    // The cancelled burst is stored, for triggers that happened before this one and are yet to arrive.
    const { eventId, type, time } = ending.event.event;
    closeWait(open, 'cancelled', ctx.now, { event_id: eventId, event_type: type, at: time });
    recordEnding(ctx, compiled, firing, ending);
    return;
  }

  mergeOverlapping(ctx, compiled, open, trigger, (state, other) =>
    isBefore(state.trigger, other.trigger) ? other : state,
  );
  const ended = findReachedEnded(ctx, compiled, open);
  if (ended) {
    closeWait(open, 'cancelled', ctx.now, ended.state.endedBy);
    recordEndedBurst(ctx, compiled, firing, ended);
    return;
  }
  evidence.wait = toWaitEvidence(open);
  addDecision(ctx, compiled, { code: 'waiting', reason: waitingReason(rule, open), eventIds, evidence });
}

/** Returns the burst that the trigger belongs to, if that has fired, or if an event has ended it. */
function findBurstOver(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): Wait | undefined {
  return findWindow(
    ctx,
    compiled,
    firing,
    'debounce',
    (wait) =>
      wait.status === 'fired' || (isEndedByEvent(compiled, wait) && isBefore(firing.trigger, wait.state.trigger)),
  );
}

function recordBurstOver(ctx: DecisionContext, compiled: CompiledRule, firing: Firing, burst: Wait): void {
  if (burst.status !== 'fired') {
    recordEndedBurst(ctx, compiled, firing, burst);
    return;
  }
  const { trigger, eventIds, evidence } = firing;
  evidence.wait = toWaitEvidence(burst);
  addDecision(ctx, compiled, { code: 'too_late', reason: tooLateReason(trigger, burst), eventIds, evidence });
}

/** Returns a later burst that an event has ended, if this one reaches it with its new trigger: then both are ended. */
function findReachedEnded(ctx: DecisionContext, compiled: CompiledRule, open: Wait): Wait | undefined {
  // Such a burst has a trigger after this one, so it reaches that far.
  const { triggerTime, dueAt } = open;
  return findFirstOf(
    windowsReaching(ctx.user.waits, open, triggerTime, dueAt),
    (wait) =>
      wait.kind === 'debounce' &&
      isEndedByEvent(compiled, wait) &&
      isBefore(open.state.trigger, wait.state.trigger) &&
      isInWindow(compiled, getFirstTime(wait), open.dueAt),
  );
}

/** A burst that was merged into another one is cancelled as well, but not ended. */
function isEndedByEvent({ rule }: CompiledRule, { status, state: { endedBy } }: Wait): boolean {
  if (status !== 'cancelled' || !endedBy) return false;
  return rule.cancelOn.includes(endedBy.event_type) || (rule.unless?.events.includes(endedBy.event_type) ?? false);
}

/** Adds the decision on a trigger of a burst that an event has ended. */
function recordEndedBurst(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { eventIds, evidence }: Firing,
  ended: Wait,
): void {
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
