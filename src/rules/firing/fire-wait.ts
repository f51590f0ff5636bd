import type { Evidence } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { findRuleOfWait } from '../compile/compile-direct.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Writable } from '../context.ts';
import { toDirectEvidence } from '../direct.ts';
import type { Trigger, Wait } from '../facts.ts';
import { addLeftOut } from '../left-out.ts';
import { tooCostlyReason } from '../reasons.ts';
import { visibleTraits } from '../visible-traits.ts';
import { closeWait, newWait, toKeyEvidence, toWaitEvidence, toWaitId } from '../waits/wait.ts';
import { recheckAndAct } from './fire-rule.ts';

/**
 * Ends an open wait whose time has come, under the rule of the catalog version that it began with. Adds no decision when
 * that version has no such rule, or when every item of a digest was cancelled.
 */
export function fireWait(ctx: DecisionContext, wait: Wait): void {
  const compiled = findRuleOfWait(ctx.rules.at(wait.catalogVersion), wait);
  closeWait(wait, 'fired', ctx.now);
  if (!compiled || (wait.kind === 'digest' && wait.state.total === 0)) return;
  const { trigger, matched, items, total, begun } = wait.state;
  const evidence: Writable<Evidence> = { ...toKeyEvidence(wait.key), ...begun?.evidence, wait: toWaitEvidence(wait) };
  if (trigger.unreadable || ctx.user.unreadable) evidence.masked = true;
  if (ctx.user.leftOut) addLeftOut(compiled, ctx.user, evidence);
  if (compiled.isDirect) evidence.direct = toDirectEvidence(trigger, ctx.user.profile.traits);
  if (items) evidence.digest = { total: total ?? items.length, kept: items.length };
  const fired = recheckAndAct(ctx, compiled, {
    trigger,
    key: wait.key,
    eventIds: begun?.eventIds ?? [trigger.eventId],
    due: wait.dueAt,
    catalogVersion: wait.catalogVersion,
    evidence,
    ...(matched && { matched }),
    ...(items && { items, total: total ?? items.length }),
  });
  wait.state = { ...wait.state, fired };
}

/** Ends an open wait without firing it, because that takes too much CPU time: adds a failed decision. */
export function setAsideWait(ctx: DecisionContext, wait: Wait): void {
  closeWait(wait, 'cancelled', ctx.now);
  const compiled = findRuleOfWait(ctx.rules.at(wait.catalogVersion), wait);
  if (!compiled) return;
  addDecision(ctx, compiled, {
    code: 'too_costly',
    reason: tooCostlyReason(compiled.rule),
    eventIds: [wait.state.trigger.eventId],
    evidence: { ...toKeyEvidence(wait.key), wait: toWaitEvidence(wait) },
  });
}

/**
 * Runs a scheduled rule for the user, if the user is in its audience and has not had this occurrence.
 *
 * @param due the instant of the occurrence
 * @param localTimeKey the same as local time
 * @param isDeferred whether to leave the occurrence to the timer, as a wait that is due
 * @returns the wait that records the occurrence; undefined when there was nothing to do
 */
export function runOccurrence(
  ctx: DecisionContext,
  compiled: CompiledRule,
  due: Millis,
  localTimeKey: string,
  isDeferred: boolean,
): Wait | undefined {
  const { rule, audience } = compiled;
  const id = toWaitId(ctx, rule.name, localTimeKey);
  if (ctx.user.waits.has(id)) return undefined;
  const user = visibleTraits(ctx.user);
  if (audience && audience.evaluate({ event: {}, traits: {}, user, now: due }).kind !== 'true') return undefined;
  const trigger: Trigger = {
    key: id,
    eventId: id,
    type: `every ${rule.every?.text}`,
    time: due,
    properties: {},
    traits: {},
  };
  const wait = newWait(ctx, compiled, { trigger: { ...trigger, key: localTimeKey }, key: '' }, due, { trigger });
  if (!isDeferred) fireWait(ctx, wait);
  return wait;
}
