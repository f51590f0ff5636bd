import type { Scope } from '../../expressions/condition.ts';
import type { Action } from '../../model/catalog.ts';
import type { Decision } from '../../model/decision.ts';
import type { Emitted, JsonObject, Millis } from '../../model/event.ts';
import type { NotificationPlan } from '../../model/plan.ts';
import { toFixedIso } from '../../time/calendar.ts';
import { type CompiledRule, emittedType } from '../compile/rule-set.ts';
import { addDecision, addEmitFailure, type DecisionContext, type Firing, sortByDueTime } from '../context.ts';
import { readDirect } from '../direct.ts';
import { toScope } from '../evaluate/evaluate-condition.ts';
import { limitBucketKey } from '../evaluate/key.ts';
import { isBefore } from '../event-order.ts';
import type { Trigger, Wait } from '../facts.ts';
import { findWaitsOfRule } from '../known/user-waits.ts';
import { cancelledByRuleReason, collectedReason, droppedReason, sentReason, withPlan } from '../reasons.ts';
import { addUse } from '../user-state.ts';
import { dropItems } from '../waits/drop-items.ts';
import { foldMessage } from '../waits/fold.ts';
import { closeWait, toWaitEvidence } from '../waits/wait.ts';
import type { Passed } from './gates.ts';
import type { TypePlans } from './plan-types.ts';
import { evaluateAll } from './values.ts';

/**
 * Does what the rule says, once all gates let it pass: adds a decision and a send for each notification, counts the limits, and
 * carries out the actions in their order. A notification whose channels are all dropped by the plan is suppressed; if every one
 * is, no limit is counted.
 *
 * Changes the user's limit uses, and the waits that a `cancel` action ends.
 * @param plans plans that are not the ordinary ones; undefined: all are
 * @returns whether it sent something, or carried out an action
 */
export function act(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  passed: Passed & { readonly variables?: JsonObject | undefined },
  plans: TypePlans | undefined,
): boolean {
  const { rule } = compiled;
  const { trigger, due, eventIds, evidence } = firing;
  const { types, limitStates, time } = passed;
  const onlyActs = types.length === 0;
  const limits = compiled.limits.map(({ limit }) => limit);
  const reason = sentReason(rule, types, evidence, limitStates, limits, due);
  // A request that waited for its time gives its id to the notification.
  const notificationId = compiled.isDirect ? evidence.wait?.wait_id : undefined;
  const decisions = plans
    ? types.map((type) =>
        addPlanned(ctx, compiled, firing, passed, { type, reason, plan: plans.get(type), notificationId }),
      )
    : addDecision(ctx, compiled, {
        code: onlyActs ? 'acted' : 'matched',
        reason,
        eventIds,
        evidence,
        types: onlyActs ? [rule.name] : types,
        notificationId,
      });

  const scope = toScope(ctx, firing);
  if (!onlyActs) {
    const data = evaluateData(compiled, scope, passed.variant);
    for (const decision of decisions) {
      if (decision.notification_id === null) continue;
      ctx.sends.push({
        decision,
        trigger,
        rule,
        catalogVersion: firing.catalogVersion ?? ctx.rules.active.version,
        matched: firing.matched,
        data,
        variables: passed.variables,
        items: firing.items,
        total: firing.total,
        plans: plans?.get(decision.notification_type)?.channels,
        ...(compiled.isDirect && { direct: readDirect(trigger) }),
      });
    }
  }
  const sent = decisions.find(({ notification_id: id }) => id !== null)?.notification_id;
  // A folded message counts now, and not when its digest is sent.
  const isFolded = decisions.some(({ reason_code: code }) => code === 'collected');
  if (onlyActs || sent || isFolded) {
    countUses(ctx, compiled, firing, passed, sent ?? ctx.ids.fromText(`${ctx.source} ${rule.name}`));
  }
  for (const [index, action] of rule.actions.entries()) {
    if (action.kind === 'cancel') cancelWaitsOf(ctx, compiled, action.rule, firing, time);
    else
      emit(ctx, compiled, firing, { action, index, time, fields: evaluateAll(compiled.actions[index] ?? [], scope) });
  }
  return onlyActs || sent !== undefined || isFolded || rule.actions.length > 0;
}

/** A notification type of a firing, and its plan. */
interface Planned {
  readonly type: string;
  readonly reason: string;
  readonly plan: NotificationPlan | undefined;
  readonly notificationId: string | undefined;
}

/**
 * Adds the decision on one notification type, with what the plan says about its channels; adds what is folded to its digests.
 */
function addPlanned(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  { variables }: { readonly variables?: JsonObject | undefined },
  { type, reason, plan, notificationId }: Planned,
): Decision {
  const { eventIds, evidence } = firing;
  const digests = plan?.folds.map((fold) => foldMessage(ctx, compiled, firing, type, fold, variables)) ?? [];
  const [digest] = digests;
  const isSent = plan === undefined || plan.channels.length > 0;
  const [decision] = addDecision(ctx, compiled, {
    code: isSent ? 'matched' : digest ? 'collected' : 'all_channels_dropped',
    reason: explainPlan(reason, plan, digest),
    eventIds,
    evidence:
      plan && plan.verdicts.length > 0
        ? { ...evidence, plan: plan.verdicts, ...(digest && !isSent && { wait: toWaitEvidence(digest) }) }
        : evidence,
    types: [type],
    notificationId,
  });
  const reservedBy = decision?.notification_id ?? (digest && ctx.ids.fromText(`${ctx.source} ${compiled.rule.name}`));
  if (plan && reservedBy) reserve(ctx, firing, plan, reservedBy);
  return decision as Decision;
}

/** Takes the places of a notification: under the caps of its channels, when it is due there, and for its content. */
function reserve(
  ctx: DecisionContext,
  { trigger: { eventId } }: Firing,
  { reserved }: NotificationPlan,
  notificationId: string,
): void {
  for (const { limitKey, at, bucket = toFixedIso(at) } of reserved) {
    const slot = ctx.user.uses.get(limitKey)?.nextSlot(bucket) ?? 1;
    const use = { bucket, slot, at, eventId, notificationId };
    ctx.uses.push({ ...use, limitKey });
    addUse(ctx.user, limitKey, use);
  }
}

/** @param digest undefined: nothing is folded */
function explainPlan(reason: string, plan: NotificationPlan | undefined, digest: Wait | undefined): string {
  if (plan === undefined || plan.verdicts.length === 0) return reason;
  if (plan.channels.length > 0) return withPlan(reason, plan.text);
  return digest ? `${collectedReason(digest)} Its plan: ${plan.text}.` : droppedReason(plan.text);
}

/** Counts one use of each limit for the rule, however many notifications it sends. */
function countUses(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, key }: Firing,
  { limitStates, time }: Passed,
  notificationId: string,
): void {
  for (let index = 0; index < limitStates.length; index++) {
    const { bucket, slot } = limitStates[index]!;
    const limitKey = limitBucketKey(compiled.limits[index]!, key);
    const use = { bucket, slot, at: time, eventId: trigger.eventId, notificationId };
    ctx.uses.push({ ...use, limitKey });
    addUse(ctx.user, limitKey, use);
  }
}

function evaluateData({ data }: CompiledRule, scope: Scope, variant: string | undefined): JsonObject | undefined {
  if (data.length === 0 && variant === undefined) return undefined;
  return { ...(variant !== undefined && { variant }), ...evaluateAll(data, scope) };
}

/** An action that emits an event, and the values that its expressions have. */
interface Emission {
  readonly action: Exclude<Action, { kind: 'cancel' }>;
  /** Place of the action in the rule, from 0. */
  readonly index: number;
  readonly time: Millis;
  readonly fields: JsonObject;
}

/**
 * Emits an event, or adds a failed decision if it does not fit its schema. Its id is made of the rule and the trigger, and
 * not of what completed the pattern or the wait, so it is emitted once whatever the order of arrival.
 */
function emit(
  ctx: DecisionContext,
  { rule }: CompiledRule,
  { trigger, due, catalogVersion }: Firing,
  { action, index, time, fields }: Emission,
): void {
  // The first item of a digest may also be the trigger of the window that it opens.
  const occasion = `${trigger.key}${rule.digest && due !== undefined ? ':digest' : ''}`;
  const emitted: Emitted = {
    eventId: `${rule.name}.${index}:${occasion}`,
    type: emittedType(action),
    time,
    properties: action.kind === 'emit' ? fields : {},
    traits: action.kind === 'set' ? fields : {},
    rule: rule.name,
    causedBy: trigger.eventId,
    ...(trigger.context && { context: trigger.context }),
    depth: (trigger.depth ?? 0) + 1,
  };
  // The schemas are those of the rule's own catalog, which was checked against them: a wait ends as if it had not changed.
  const { validateEmitted } = ctx.rules.at(catalogVersion ?? ctx.rules.active.version);
  const violation = validateEmitted(emitted.type, emitted.properties, emitted.traits);
  if (violation) addEmitFailure(ctx, emitted, `${violation.path} ${violation.message}`);
  else ctx.emits.push(emitted);
}

/**
 * Cancels the user's open waits of another rule that have started by then and are not yet due; of the same key, if both rules
 * have one. Of a digest, the items until then are dropped.
 *
 * @param time when the rule acts, in event time: what happened later is not cancelled, whichever arrives first
 */
function cancelWaitsOf(
  ctx: DecisionContext,
  compiled: CompiledRule,
  name: string,
  { key, trigger }: Firing,
  time: Millis,
): void {
  const open = sortByDueTime(
    findWaitsOfRule(ctx.user.waits, name),
    (wait) => wait.status === 'waiting' && time <= wait.dueAt,
  );
  for (const wait of open) {
    if (compiled.key && wait.key !== '' && wait.key !== key) continue;
    const other = ctx.rules.at(wait.catalogVersion).byName.get(name);
    if (!other || !hasStartedBefore(wait, { time, key: trigger.key })) continue;
    const isOver = wait.kind !== 'digest' || !dropItems(ctx, other, wait, time);
    const by = { event_id: trigger.eventId, event_type: trigger.type, at: trigger.time };
    if (isOver) closeWait(wait, 'cancelled', ctx.now, by);
    addDecision(ctx, other, {
      code: 'cancelled_by_rule',
      reason: cancelledByRuleReason(compiled.rule, name),
      eventIds: [trigger.eventId, wait.state.trigger.eventId],
      evidence: { wait: toWaitEvidence(wait) },
    });
  }
}

/** Returns whether a wait has started when a rule acts; a digest with its first item. The trigger may be the same event. */
function hasStartedBefore({ kind, state }: Wait, acts: Pick<Trigger, 'time' | 'key'>): boolean {
  const { trigger, first } = state;
  if (kind === 'digest' && first !== undefined && first < trigger.time) return first <= acts.time;
  return trigger.key === acts.key || isBefore(trigger, acts);
}
