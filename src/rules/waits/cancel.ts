import type { Evidence } from '../../model/decision.ts';
import { addDecision, type DecisionContext, findWaits } from '../context.ts';
import type { Trigger, Wait } from '../facts.ts';
import { evaluateKey, haveSameValue } from '../key.ts';
import { cancelledReason, tooLateReason, unlessEventReason } from '../reasons.ts';
import type { CompiledRule } from '../rule-set.ts';
import { dropItems } from './digest.ts';
import { closeWait, toKeyEvidence, toWaitEvidence } from './wait.ts';

/** Cancels the open waits that the event ends: by `cancel_on`, or because it is what must not happen (`unless`). */
export function cancelWaitsBy(ctx: DecisionContext, event: Trigger): void {
  for (const open of findWaits(ctx, (wait) => wait.status === 'waiting')) {
    const compiled = ctx.rules.at(open.catalogVersion).byName.get(open.rule);
    const code = compiled && cancellationBy(ctx, compiled, open, event);
    if (!compiled || code === undefined) continue;
    const { rule } = compiled;
    const seen = (open.state.seen ?? 0) + 1;
    if (code === 'unless_event_occurred' && seen < (rule.unless?.atLeast ?? 1)) {
      open.state = { ...open.state, seen };
      if (open.stored === 'same') open.stored = 'changed';
      continue;
    }
    const by = { event_id: event.eventId, event_type: event.type, at: event.time };
    const isOver = open.kind !== 'digest' || !dropItems(ctx, compiled, open, event.time);
    if (isOver) closeWait(open, 'cancelled', ctx.now, by);
    const reason = code === 'unless_event_occurred' ? unlessEventReason(rule, event) : cancelledReason(rule, event);
    const eventIds = [event.eventId, open.state.trigger.eventId];
    const evidence: Evidence = { ...toKeyEvidence(open.key), wait: toWaitEvidence(open) };
    addDecision(ctx, compiled, { code, reason, eventIds, evidence, outcome: 'cancelled' });
  }
}

/** Adds a decision for each fired wait that the event would have ended, had it arrived in time. */
export function reportTooLate(ctx: DecisionContext, event: Trigger): void {
  for (const active of ctx.rules.active.byCancelEvent.get(event.type) ?? []) {
    // Ended waits are loaded by the key that the event has in the active catalog; others are not reliably known.
    const key = evaluateKey(active, event, ctx.ids);
    const fired = findWaits(
      ctx,
      (wait) => wait.rule === active.rule.name && wait.key === key && wait.status === 'fired',
    );
    for (const wait of fired) {
      const compiled = ctx.rules.at(wait.catalogVersion).byName.get(wait.rule);
      if (!compiled || !wait.state.fired || (compiled.rule.unless?.atLeast ?? 1) > 1) continue;
      if (cancellationBy(ctx, compiled, wait, event) === undefined) continue;
      const eventIds = [event.eventId, wait.state.trigger.eventId];
      const evidence = { ...toKeyEvidence(wait.key), wait: toWaitEvidence(wait) };
      addDecision(ctx, compiled, { code: 'too_late', reason: tooLateReason(event, wait), eventIds, evidence });
    }
  }
}

/** Returns how the event ends the wait, or would have ended it; undefined if it does not. */
function cancellationBy(
  ctx: DecisionContext,
  compiled: CompiledRule,
  wait: Wait,
  event: Trigger,
): 'unless_event_occurred' | 'cancelled_by_event' | undefined {
  const { rule } = compiled;
  const { trigger, items, first } = wait.state;
  // For a digest, the event ends all items collected until then, kept or only counted.
  const from = items && items.length > 0 && first !== undefined ? first : trigger.time;
  if (event.time < from || event.key === trigger.key) return undefined;
  const cancels = rule.cancelOn.includes(event.type) && event.time <= wait.dueAt;
  const isUnlessEvent = rule.unless?.events.includes(event.type) && event.time <= trigger.time + rule.unless.within;
  if (!(cancels || isUnlessEvent) || evaluateKey(compiled, event, ctx.ids) !== wait.key) return undefined;
  if (cancels) return 'cancelled_by_event';
  return haveSameValue(compiled.sameUnless, event, trigger, ctx.ids) ? 'unless_event_occurred' : undefined;
}
