import type { Evidence } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import { applyGatesAndAct, conditionEvidence, explainCondition, toScope } from './conclude.ts';
import { addDecision, type DecisionContext, type Firing, type Writable } from './context.ts';
import type { Trigger, Wait } from './facts.ts';
import type { CompiledRule } from './rule-set.ts';
import { closeWait, newWait, toKeyEvidence, toWaitEvidence, toWaitId } from './wait.ts';

/** Its time has come: the rule of the catalog it began with acts, or says why not. */
export function fireWait(ctx: DecisionContext, one: Wait): void {
  const compiled = ctx.rules.at(one.catalogVersion).byName.get(one.rule);
  closeWait(one, 'fired', ctx.now);
  if (!compiled || (one.kind === 'digest' && one.state.total === 0)) return;
  const { trigger, matched, items, total, begun } = one.state;
  const evidence: Writable<Evidence> = { ...toKeyEvidence(one.key), ...begun?.evidence, wait: toWaitEvidence(one) };
  if (items) evidence.digest = { total: total ?? items.length, kept: items.length };
  const told = recheckAndAct(ctx, compiled, {
    trigger,
    key: one.key,
    eventIds: begun?.eventIds ?? [trigger.eventId],
    due: one.dueAt,
    catalogVersion: one.catalogVersion,
    evidence,
    ...(matched && { matched }),
    ...(items && { items, total: total ?? items.length }),
  });
  one.state = { ...one.state, fired: told };
}

/** After a wait: what the condition says now, then what every rule does. True when it was told (or acted). */
export function recheckAndAct(ctx: DecisionContext, compiled: CompiledRule, matter: Firing): boolean {
  const { rule, condition, usesNow: asksNow } = compiled;
  const { eventIds, evidence } = matter;
  if (condition && (rule.recheck || asksNow)) {
    const seen = conditionEvidence(condition, toScope(ctx, matter));
    evidence.condition = seen;
    const verdict = explainCondition(seen);
    if (verdict) {
      addDecision(ctx, compiled, { ...verdict, eventIds, evidence });
      return false;
    }
  }
  return applyGatesAndAct(ctx, compiled, matter);
}

/**
 * Runs a recurring rule for the user, if the user is in its audience and has not had this occurrence.
 * @param due the instant of the occurrence
 * @param localTimeKey the same as local time
 * @returns the wait that records the occurrence; undefined when there was nothing to do
 */
export function fireSchedule(
  ctx: DecisionContext,
  compiled: CompiledRule,
  due: Millis,
  localTimeKey: string,
): Wait | undefined {
  const { rule, audience } = compiled;
  const id = toWaitId(ctx, rule.name, localTimeKey);
  if (ctx.user.waits.has(id)) return undefined;
  const user = ctx.user.profile.traits;
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
  fireWait(ctx, wait);
  return wait;
}
