import type { Evidence } from '../../model/decision.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, findWaits, sortByDueTime, type Writable } from '../context.ts';
import { evaluateKey, evaluateSame } from '../evaluate/key.ts';
import type { Ids, Trigger, Wait } from '../facts.ts';
import {
  findWaitsOfRule,
  listRulesOfWaits,
  MAX_SCANNED_WAITS,
  type UserWaits,
  type WaitGrouping,
  waitsOfGroup,
} from '../known/user-waits.ts';
import { addLeftOut } from '../left-out.ts';
import { cancelledReason, tooLateReason, unlessEventReason } from '../reasons.ts';
import { dropItems } from './drop-items.ts';
import { closeWait, toKeyEvidence, toWaitEvidence } from './wait.ts';

/** Cancels the open waits that the event ends: by `cancel_on`, or because it is what must not happen (`unless`). */
export function cancelWaitsBy(ctx: DecisionContext, event: Trigger): void {
  const concerned = findConcerned(ctx, event);
  if (!concerned) return;
  for (const open of sortByDueTime(concerned.keys(), () => true)) {
    const { code, compiled } = concerned.get(open) as Concern;
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
    const evidence: Writable<Evidence> = { ...toKeyEvidence(open.key), wait: toWaitEvidence(open) };
    if (ctx.user.leftOut) addLeftOut(compiled, ctx.user, evidence);
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
      return (
        cancellationBy(ctx.ids, compiled, wait, event) !== undefined && evaluateKey(compiled, event, ctx.ids) === key
      );
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

/** The way in which an event ends a wait, and the rule of the wait. */
interface Concern {
  readonly code: Cancellation;
  readonly compiled: CompiledRule;
}

/** Returns the open waits that the event ends, in any order; undefined without one. */
function findConcerned({ user, rules, ids }: DecisionContext, event: Trigger): Map<Wait, Concern> | undefined {
  let concerned: Map<Wait, Concern> | undefined;
  const { waits } = user;
  const compiledOf = (rule: string, version: number) => rules.at(version).byName.get(rule);
  const visit = (wait: Wait, compiled: CompiledRule) => {
    const code = wait.status === 'waiting' ? cancellationBy(ids, compiled, wait, event) : undefined;
    if (code === undefined) return;
    concerned ??= new Map();
    concerned.set(wait, { code, compiled });
  };
  if (waits.size <= MAX_SCANNED_WAITS) {
    for (const wait of waits.values()) {
      const compiled = wait.status === 'waiting' ? compiledOf(wait.rule, wait.catalogVersion) : undefined;
      if (!compiled || !mayCancel(compiled, event) || evaluateKey(compiled, event, ids) !== wait.key) continue;
      visit(wait, compiled);
    }
    return concerned;
  }
  for (const { rule, version } of listRulesOfWaits(waits)) {
    const compiled = compiledOf(rule, version);
    if (!compiled || !mayCancel(compiled, event)) continue;
    const key = evaluateKey(compiled, event, ids);
    if (key === undefined) continue;
    for (const wait of findMayBeEnded(waits, compiled, key, event, ids)) {
      if (wait.catalogVersion === version) visit(wait, compiled);
    }
  }
  return concerned;
}

/** Returns the waits of the rule and key that the event may end: with `same`, those whose trigger has the same value. */
function findMayBeEnded(
  waits: UserWaits,
  compiled: CompiledRule,
  key: string,
  event: Trigger,
  ids: Ids,
): readonly Wait[] {
  const { rule, sameUnless } = compiled;
  if (!sameUnless || rule.cancelOn.includes(event.type)) return findWaitsOfRule(waits, rule.name, key);
  const same = getSameValue(compiled, event, ids);
  if (same === undefined) return [];
  let grouping = sameGroupings.get(compiled);
  if (!grouping) {
    grouping = { nameOf: ({ state }, ids) => getSameValue(compiled, state.trigger, ids) };
    sameGroupings.set(compiled, grouping);
  }
  return waitsOfGroup(waits, { rule: rule.name, key }, grouping, same, ids);
}

const sameGroupings = new WeakMap<CompiledRule, WaitGrouping>();

/** Returns whether an event of this type may end a wait of the rule. */
function mayCancel({ rule }: CompiledRule, { type }: Trigger): boolean {
  return rule.cancelOn.includes(type) || (rule.unless?.events.includes(type) ?? false);
}

/** Returns how an event with the key of the wait ends it, or would have ended it; undefined if it does not. */
function cancellationBy(ids: Ids, compiled: CompiledRule, wait: Wait, event: Trigger): Cancellation | undefined {
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
  const same = getSameValue(compiled, event, ids);
  return same !== undefined && same === getSameValue(compiled, trigger, ids) ? 'unless_event_occurred' : undefined;
}

/** Values of `same` of `unless`: an event is compared with every wait, and a wait with every event. */
const sameValues = new WeakMap<CompiledRule, WeakMap<Trigger, string | typeof MISSING>>();
const MISSING = Symbol('missing');

/** Returns the value of `same` of `unless` in an event as text; undefined if it is missing. */
function getSameValue(compiled: CompiledRule, event: Trigger, ids: Ids): string | undefined {
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
