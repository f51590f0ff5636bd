import type { Evidence } from '../../model/decision.ts';
import { addDecision, type DecisionContext, findWaits, sortByDueTime } from '../context.ts';
import type { Ids, Trigger, Wait } from '../facts.ts';
import { evaluateKey, evaluateSame } from '../key.ts';
import { cancelledReason, tooLateReason, unlessEventReason } from '../reasons.ts';
import type { CompiledRule } from '../rule-set.ts';
import { dropItems } from './digest.ts';
import { closeWait, toKeyEvidence, toWaitEvidence } from './wait.ts';

/** Cancels the open waits that the event ends: by `cancel_on`, or because it is what must not happen (`unless`). */
export function cancelWaitsBy(ctx: DecisionContext, event: Trigger): void {
  const rules = (rule: string, version: number) => ctx.rules.at(version).byName.get(rule);
  const codes = new Map<Wait, Cancellation>();
  const concerned = ctx.user.waits.concernedBy((name, version) => {
    const compiled = rules(name, version);
    return compiled && mayCancel(compiled, event) ? evaluateKey(compiled, event, ctx.ids) : undefined;
  });
  for (const wait of concerned) {
    const compiled = wait.status === 'waiting' ? rules(wait.rule, wait.catalogVersion) : undefined;
    const code = compiled && cancellationBy(ctx, compiled, wait, event);
    if (code !== undefined) codes.set(wait, code);
  }
  for (const open of sortByDueTime(codes.keys(), () => true)) {
    const code = codes.get(open) as Cancellation;
    const compiled = rules(open.rule, open.catalogVersion) as CompiledRule;
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
    if (key === undefined) continue;
    const late = findWaits(ctx, { rule: active.rule.name, key }, (wait) => {
      if (wait.status !== 'fired' || !wait.state.fired) return false;
      const compiled = ctx.rules.at(wait.catalogVersion).byName.get(wait.rule);
      if (!compiled || (compiled.rule.unless?.atLeast ?? 1) > 1) return false;
      // By its own version of the rule, the event may have another key.
      return cancellationBy(ctx, compiled, wait, event) !== undefined && evaluateKey(compiled, event, ctx.ids) === key;
    });
    for (const wait of late) {
      const compiled = ctx.rules.at(wait.catalogVersion).byName.get(wait.rule) as CompiledRule;
      const eventIds = [event.eventId, wait.state.trigger.eventId];
      const evidence = { ...toKeyEvidence(wait.key), wait: toWaitEvidence(wait) };
      addDecision(ctx, compiled, { code: 'too_late', reason: tooLateReason(event, wait), eventIds, evidence });
    }
  }
}

type Cancellation = 'unless_event_occurred' | 'cancelled_by_event';

/** Returns whether an event of this type may end a wait of the rule. */
function mayCancel({ rule }: CompiledRule, { type }: Trigger): boolean {
  return rule.cancelOn.includes(type) || (rule.unless?.events.includes(type) ?? false);
}

/** Returns how an event with the key of the wait ends it, or would have ended it; undefined if it does not. */
function cancellationBy(
  ctx: DecisionContext,
  compiled: CompiledRule,
  wait: Wait,
  event: Trigger,
): Cancellation | undefined {
  const { rule } = compiled;
  const { trigger, items, first } = wait.state;
  // For a digest, the event ends all items collected until then, kept or only counted.
  const from = items && items.length > 0 && first !== undefined ? first : trigger.time;
  if (event.time < from || event.key === trigger.key) return undefined;
  const cancels = rule.cancelOn.includes(event.type) && event.time <= wait.dueAt;
  const isUnlessEvent = rule.unless?.events.includes(event.type) && event.time <= trigger.time + rule.unless.within;
  if (!(cancels || isUnlessEvent)) return undefined;
  if (cancels) return 'cancelled_by_event';
  if (!compiled.sameUnless) return 'unless_event_occurred';
  const same = sameOf(compiled, event, ctx.ids);
  return same !== undefined && same === sameOf(compiled, trigger, ctx.ids) ? 'unless_event_occurred' : undefined;
}

/** Values of `same` of `unless`: an event is compared with every wait, and a wait with every event. */
const sameValues = new WeakMap<CompiledRule, WeakMap<Trigger, string | typeof MISSING>>();
const MISSING = Symbol('missing');

/** Returns the value of `same` of `unless` in an event as text; undefined if it is missing. */
function sameOf(compiled: CompiledRule, event: Trigger, ids: Ids): string | undefined {
  let known = sameValues.get(compiled);
  if (!known) {
    known = new WeakMap();
    sameValues.set(compiled, known);
  }
  let value = known.get(event);
  if (value === undefined) {
    value = evaluateSame(compiled.sameUnless, event, ids) ?? MISSING;
    known.set(event, value);
  }
  return value === MISSING ? undefined : value;
}
