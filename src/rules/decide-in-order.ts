/**
 * The one way in which decisions are made, for production, simulations and backtests: `decideInOrder` for events (or
 * `decideInSlices`, which lets others work in between), `fireWaitsInOrder` for waits, `runOccurrences` for scheduled rules,
 * `migrateInOrder` for waits that an operator moves. So a backtest decides as production did by construction. What differs
 * between the callers (loading facts, addresses, the virtual clock) they do before the call, or afterwards with the returned
 * steps.
 *
 * Each function decides one generation and returns the events that rules emitted. The caller decides these next, together,
 * when it has loaded their facts, and so on until no rule emits another event.
 */

import { compareForDecision, toReceivedEvent } from '../events/emitted.ts';
import { isRejection, type ReceivedEvent } from '../events/envelope.ts';
import { NOTIFICATION_RESCHEDULED } from '../model/direct.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import type { PlanOnTerms } from '../model/plan.ts';
import { CONSENT_RECORDED, PREFERENCE_UPDATED, type Terms } from '../model/terms.ts';
import { mergeAddressIds } from '../users/address-ids.ts';
import { isSameValue } from '../users/profile.ts';
import { mergeTerms } from '../users/terms.ts';
import type { CompiledRule, RuleSets } from './compile/rule-set.ts';
import { addEmitFailure, newContext, type Verdicts } from './context.ts';
import { evaluateRule } from './evaluate/evaluate-rule.ts';
import { evaluateTraitChanges } from './evaluate/evaluate-trait-changes.ts';
import { findRulesReading, startedByTraits } from './evaluate/trait-triggers.ts';
import { findTriggered } from './evaluate/triggers.ts';
import { compareByDueTime, type Ids, type Trigger, type Wait } from './facts.ts';
import { fireWait, runOccurrence, setAsideWait } from './firing/fire-wait.ts';
import { forgetWaitIndex } from './known/user-waits.ts';
import { queuePending, shiftPending } from './lookahead.ts';
import { findOpenTriggers, hasBecomeComplete } from './patterns/match-pattern.ts';
import { mergeEvent, recordFired, type UserState } from './user-state.ts';
import { mergeVisibleTraits, visibleTraits } from './visible-traits.ts';
import { cancelWaitsBy, reportTooLate } from './waits/cancel.ts';
import { migrateWait } from './waits/migrate-wait.ts';
import { moveFolded } from './waits/move-folded.ts';
import { moveWaits } from './waits/move-waits.ts';
import { rescheduleWait } from './waits/reschedule.ts';
import { toWaitId } from './waits/wait.ts';

/** An event as rules decide it. `depth` is the number of emitted events that led to it; absent for a posted one. */
export type DecidableEvent = Event & Pick<Trigger, 'depth'>;

/** An event that a rule emitted, checked and identified like a posted one. */
export type EmittedEvent = ReceivedEvent & { readonly depth: number };

/** Everything that decisions depend on beside the events and waits themselves. */
export interface DecisionInputs {
  readonly tenantId: string;
  readonly rules: RuleSets;
  /** Time of the decision. */
  readonly now: Millis;
  readonly ids: Ids;
  /** Returns the state of a user, with the facts that the rules require. The same object for the same user. */
  getUser(userId: string): UserState;
  /** Called before each event is decided; a replay activates the catalog version that decided it. */
  beforeEvent?(event: DecidableEvent): void;
  /** Called after each piece of work for a user; may throw to stop the work. Absent: the work is not measured. */
  readonly spend?: (userId: string) => void;
  /** Plans notifications on the terms of their user. Asked only for users with terms, and under a policy. */
  readonly plan: PlanOnTerms;
}

interface Step {
  /** The user's state. Later steps of the same call may have changed it since. */
  readonly user: UserState;
  /** The user's profile when this step was decided. */
  readonly profile: Profile;
  readonly verdicts: Verdicts;
}

export interface EventStep<E extends DecidableEvent> extends Step {
  readonly event: E;
  /** The user's profile without this event. */
  readonly before: Profile;
  /** The user's terms without this event. */
  readonly termsBefore: Terms;
}

export interface WaitStep extends Step {
  readonly wait: Wait;
}

export interface OccurrenceStep extends Step {
  /** The record that the user had the occurrence. Undefined: the user is not in the audience, or had it before. */
  readonly wait: Wait | undefined;
}

export interface Generation<S> {
  /** In the order in which they were decided. */
  readonly steps: readonly S[];
  /** Events that rules emitted in these steps, in their order; some may be stored already. */
  readonly emitted: readonly EmittedEvent[];
}

/**
 * Decides events that became known together, in order of event time (see `compareForDecision`).
 *
 * Changes the user states in place, because copies would cost more than the rules: merges each event's traits into the
 * profile, and adds the event, its limit uses and its waits. Everything else that is decided stands in the returned steps.
 *
 * @param events in any order
 */
export function decideInOrder<E extends DecidableEvent>(
  inputs: DecisionInputs,
  events: readonly E[],
): Generation<EventStep<E>> {
  const inOrder = startInOrder(inputs, events);
  const emitted: EmittedEvent[] = [];
  const steps = inOrder.map((event) => decideNext(inputs, event, emitted));
  return { steps, emitted };
}

/**
 * Like `decideInOrder`, but lets others work in between.
 * @param pause called after each event; what it returns is awaited
 */
export async function decideInSlices<E extends DecidableEvent>(
  inputs: DecisionInputs,
  events: readonly E[],
  pause: () => Promise<void> | undefined,
): Promise<Generation<EventStep<E>>> {
  const inOrder = startInOrder(inputs, events);
  const emitted: EmittedEvent[] = [];
  const steps: EventStep<E>[] = [];
  for (const event of inOrder) {
    steps.push(decideNext(inputs, event, emitted));
    const paused = pause();
    if (paused) await paused;
  }
  return { steps, emitted };
}

/** Returns the events in the order in which they are to be decided. */
function startInOrder<E extends DecidableEvent>(inputs: DecisionInputs, events: readonly E[]): readonly E[] {
  const inOrder = events.length > 1 ? [...events].sort(compareForDecision) : events;
  // Only rules that wait look ahead. A replay may yet activate a version that has such rules (`beforeEvent`).
  if (inputs.rules.active.hasWaitingRules || inputs.beforeEvent) queuePending(inOrder, inputs);
  return inOrder;
}

/** @param emitted receives the events that rules emit */
function decideNext<E extends DecidableEvent>(inputs: DecisionInputs, event: E, emitted: EmittedEvent[]): EventStep<E> {
  inputs.beforeEvent?.(event);
  const user = inputs.getUser(event.userId);
  const { profile: before, terms: termsBefore } = user;
  const traitsBefore = visibleTraits(user);
  const { profile, addresses } = mergeVisibleTraits(user, event.traits, event.time);
  user.profile = profile;
  user.addresses = addresses;
  if (user.addressIds) {
    user.addressIds = mergeAddressIds(user.addressIds, before, profile, event, (text) => inputs.ids.keyed(text));
  }
  if (event.type === PREFERENCE_UPDATED || event.type === CONSENT_RECORDED) user.terms = mergeTerms(user.terms, event);
  const verdicts = decideEvent(inputs, user, event, traitsBefore);
  receiveEmitted(inputs, user, verdicts, emitted);
  inputs.spend?.(event.userId);
  return { event, user, before, termsBefore, profile, verdicts };
}

/**
 * Fires waits that are due, in order of due time; of each user up to the first that emits an event. That event may cancel
 * the user's other waits, which come back as `left`: call again with them when the emitted events are decided. A wait that
 * is no longer open by its turn is skipped.
 *
 * Changes the waits and the user states in place.
 *
 * @param due open waits, in any order; the same objects as in the user states
 */
export function fireWaitsInOrder(inputs: DecisionInputs, due: readonly Wait[]): FiredWaits {
  const fired = { steps: [], emitted: [], left: [] };
  const emitting = new Set<string>();
  for (const wait of [...due].sort(compareByDueTime)) fireNext(inputs, wait, emitting, fired);
  return fired;
}

/**
 * Like `fireWaitsInOrder`, but lets others work in between.
 * @param pause called after each wait; what it returns is awaited
 */
export async function fireWaitsInSlices(
  inputs: DecisionInputs,
  due: readonly Wait[],
  pause: () => Promise<void> | undefined,
): Promise<FiredWaits> {
  const fired = { steps: [], emitted: [], left: [] };
  const emitting = new Set<string>();
  for (const wait of [...due].sort(compareByDueTime)) {
    fireNext(inputs, wait, emitting, fired);
    const paused = pause();
    if (paused) await paused;
  }
  return fired;
}

type FiredWaits = Generation<WaitStep> & { readonly left: readonly Wait[] };

/** @param emitting users with a wait that has emitted an event; changed in place, like `fired` */
function fireNext(
  inputs: DecisionInputs,
  wait: Wait,
  emitting: Set<string>,
  fired: { readonly steps: WaitStep[]; readonly emitted: EmittedEvent[]; readonly left: Wait[] },
): void {
  const { rules, now, ids, spend, plan } = inputs;
  const { userId } = wait;
  if (emitting.has(userId)) fired.left.push(wait);
  else if (wait.status === 'waiting') {
    const user = inputs.getUser(userId);
    const verdicts = newContext(rules, user, now, ids, wait.waitId, plan);
    fireWait(verdicts, wait);
    if (receiveEmitted(inputs, user, verdicts, fired.emitted)) emitting.add(userId);
    fired.steps.push({ wait, user, profile: user.profile, verdicts });
    spend?.(userId);
  }
}

/**
 * Ends open waits without firing them, in order of due time, because firing them takes too much CPU time. Changes the waits in
 * place.
 */
export function setAsideInOrder(inputs: DecisionInputs, waits: readonly Wait[]): WaitStep[] {
  const { rules, now, ids } = inputs;
  return [...waits].sort(compareByDueTime).map((wait) => {
    const user = inputs.getUser(wait.userId);
    const verdicts = newContext(rules, user, now, ids, wait.waitId);
    setAsideWait(verdicts, wait);
    return { wait, user, profile: user.profile, verdicts };
  });
}

/**
 * Migrates open waits to the active catalog version (see `migrateWait`), in order of due time. Changes the waits in place.
 *
 * @param waits the same objects as in the user states
 * @returns a step for each wait that was moved, with decisions if it ended
 */
export function migrateInOrder(inputs: DecisionInputs, waits: readonly Wait[]): WaitStep[] {
  const { rules, now, ids } = inputs;
  const steps: WaitStep[] = [];
  for (const wait of [...waits].sort(compareByDueTime)) {
    if (wait.status !== 'waiting' || wait.catalogVersion === rules.active.version) continue;
    const user = inputs.getUser(wait.userId);
    const verdicts = newContext(rules, user, now, ids, wait.waitId);
    if (!migrateWait(verdicts, wait)) continue;
    forgetWaitIndex(user.waits);
    steps.push({ wait, user, profile: user.profile, verdicts });
  }
  return steps;
}

/**
 * Runs one occurrence of a scheduled rule for users. A user has each occurrence once: see `toWaitId`.
 *
 * Changes the user states in place.
 *
 * @param due the instant of the occurrence
 * @param localTimeKey the same as local time
 * @param isDeferred whether the occurrence becomes an open wait that is due, to be fired like any other
 */
export function runOccurrences(
  inputs: DecisionInputs,
  compiled: CompiledRule,
  userIds: readonly string[],
  due: Millis,
  localTimeKey: string,
  isDeferred = false,
): Generation<OccurrenceStep> {
  const { rules, now, ids, spend, plan } = inputs;
  const emitted: EmittedEvent[] = [];
  const steps = userIds.map((userId): OccurrenceStep => {
    const user = inputs.getUser(userId);
    const waitId = toWaitId({ user, ids }, compiled.rule.name, localTimeKey);
    const verdicts = newContext(rules, user, now, ids, waitId, plan);
    const wait = runOccurrence(verdicts, compiled, due, localTimeKey, isDeferred);
    receiveEmitted(inputs, user, verdicts, emitted);
    spend?.(userId);
    return { wait, user, profile: user.profile, verdicts };
  });
  return { steps, emitted };
}

const NO_TRAITS: readonly string[] = [];

/** Returns the traits that an event changes. @param before the visible traits without those of the event */
function findChangedTraits(user: UserState, { traits }: Event, before: JsonObject): readonly string[] {
  const names = Object.keys(traits);
  if (names.length === 0) return names;
  const after = visibleTraits(user);
  return after === before ? [] : names.filter((name) => !isSameValue(before[name] ?? null, after[name] ?? null));
}

/**
 * Decides what every rule makes of one event, in this order: waits that it moves or ends, rules that it triggers by its type and by
 * the traits that it changes, earlier triggers whose pattern it completes, and those whose wait starts by the traits.
 *
 * Then adds the event, and what it caused, to the user's state.
 *
 * @param user its profile includes the event's traits; changed in place
 * @param before the visible traits of the user without those of the event
 * @returns verdicts whose source is the key of the event
 */
function decideEvent(
  { rules, now, ids, spend, plan }: DecisionInputs,
  user: UserState,
  event: Event & Pick<Trigger, 'depth'>,
  before: JsonObject,
): Verdicts {
  const { active } = rules;
  const ctx = newContext(rules, user, now, ids, event.key, plan);
  const usesChanges = user.waits.size > 0 || active.startReading.length > 0;
  const changed = usesChanges ? findChangedTraits(user, event, before) : NO_TRAITS;
  if (user.waits.size > 0) {
    moveWaits(ctx, event, changed);
    moveFolded(ctx, event, changed);
    cancelWaitsBy(ctx, event);
    reportTooLate(ctx, event);
    if (event.type === NOTIFICATION_RESCHEDULED) rescheduleWait(ctx, event);
  }
  const triggered = findTriggered(active, event);
  for (const compiled of triggered) evaluateRule(ctx, compiled, event);
  if (active.byTrait.size > 0) evaluateTraitChanges(ctx, event, before, triggered);

  const open = findOpenTriggers(active, user, event, ids);
  mergeEvent(user, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
  shiftPending(user, event);
  for (const trigger of open) {
    if (hasBecomeComplete(trigger, user, ids)) evaluateRule(ctx, trigger.compiled, trigger.trigger, trigger.change);
    spend?.(user.userId);
  }
  for (const compiled of findRulesReading(active, changed)) {
    for (const trigger of startedByTraits(ctx, compiled, event, before)) {
      evaluateRule(ctx, compiled, trigger);
      spend?.(user.userId);
    }
  }
  recordFired(user, event.time, ctx.decisions);
  return ctx;
}

/**
 * Appends the emitted events to `received` as they are received. One that cannot be stored becomes a failed decision
 * instead. Returns whether any was appended.
 */
function receiveEmitted(
  { tenantId }: DecisionInputs,
  { userId }: UserState,
  verdicts: Verdicts,
  received: EmittedEvent[],
): boolean {
  let isAny = false;
  for (const emitted of verdicts.emits) {
    const event = toReceivedEvent(tenantId, userId, emitted);
    if (isRejection(event)) addEmitFailure(verdicts, emitted, event.message);
    else {
      received.push(event);
      isAny = true;
    }
  }
  return isAny;
}
