import type { Evidence } from '../model/decision.ts';
import { addDecision, type DecisionContext, findWaits } from './context.ts';
import type { Trigger, Wait } from './facts.ts';
import { dropItems } from './gathering.ts';
import { evaluateKey, haveSameValue } from './key.ts';
import { cancelledReason, tooLateReason, unlessEventReason } from './reasons.ts';
import type { CompiledRule } from './rule-set.ts';
import { closeWait, toKeyEvidence, toWaitEvidence } from './wait.ts';

/** The event may cancel waits that are open, or break the absence they wait for. */
export function cancelWaits(ctx: DecisionContext, event: Trigger): void {
  for (const open of findWaits(ctx, (one) => one.status === 'waiting')) {
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

/** An event that would have ended a wait that has fired already is named: people ask. */
export function reportTooLate(ctx: DecisionContext, event: Trigger): void {
  for (const active of ctx.rules.active.byCancelEvent.get(event.type) ?? []) {
    // Ended waits are looked up by the key that the event has in the catalog in force: others are not known reliably.
    const key = evaluateKey(active, event, ctx.ids);
    for (const fired of findWaits(
      ctx,
      (one) => one.rule === active.rule.name && one.key === key && one.status === 'fired',
    )) {
      const compiled = ctx.rules.at(fired.catalogVersion).byName.get(fired.rule);
      if (!compiled || !fired.state.fired || (compiled.rule.unless?.atLeast ?? 1) > 1) continue;
      if (cancellationBy(ctx, compiled, fired, event) === undefined) continue;
      const eventIds = [event.eventId, fired.state.trigger.eventId];
      const evidence = { ...toKeyEvidence(fired.key), wait: toWaitEvidence(fired) };
      addDecision(ctx, compiled, { code: 'too_late', reason: tooLateReason(event, fired), eventIds, evidence });
    }
  }
}

/** How the event would end the wait; nothing when it has nothing to do with it. */
function cancellationBy(
  ctx: DecisionContext,
  compiled: CompiledRule,
  one: Wait,
  event: Trigger,
): 'unless_event_occurred' | 'cancelled_by_event' | undefined {
  const { rule } = compiled;
  const { trigger, items, first } = one.state;
  // Of a digest, what was collected until then is over, whether it was kept or only counted.
  const from = items && items.length > 0 && first !== undefined ? first : trigger.time;
  if (event.time < from || event.key === trigger.key) return undefined;
  const cancels = rule.cancelOn.includes(event.type) && event.time <= one.dueAt;
  const breaks = rule.unless?.events.includes(event.type) && event.time <= trigger.time + rule.unless.within;
  if (!(cancels || breaks) || evaluateKey(compiled, event, ctx.ids) !== one.key) return undefined;
  if (cancels) return 'cancelled_by_event';
  return haveSameValue(compiled.sameUnless, event, trigger, ctx.ids) ? 'unless_event_occurred' : undefined;
}
