import { parseCelTimestamp } from '../expressions/time.ts';
import type { Evidence, ReasonCode } from '../model/decision.ts';
import type { Event, Json, Millis } from '../model/event.ts';
import { resolveTimeExpression, resolveZone } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { conditionEvidence, toScope } from './conclude.ts';
import { addDecision, type DecisionContext, type Firing, findWaits } from './context.ts';
import type { Trigger, UserState, Wait } from './facts.ts';
import { fireWait, recheckAndAct } from './firing.ts';
import { evaluateKey } from './key.ts';
import { pendingTraitChanges, stateAt, withPending } from './lookahead.ts';
import { compareByTime, complete, countSeen, type Ending, findEnding, isAbout, isBefore } from './patterns.ts';
import {
  alreadyWaitingReason,
  cancelledReason,
  supersededReason,
  timeReason,
  unlessEventReason,
  waitingReason,
} from './reasons.ts';
import type { CompiledRule } from './rule-set.ts';
import { matchesTraitChange } from './trait-changes.ts';
import { closeWait, newWait, toKeyEvidence, toStartState, toTrigger, toWaitEvidence, toWaitId } from './wait.ts';

/**
 * A rule with a delay, a point in time or an absence, whose condition and pattern hold: it waits, unless it is due
 * already, or something has come that ends it.
 */
export function startWait(ctx: DecisionContext, compiled: CompiledRule, matter: Firing): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const due = computeDueTime(ctx, compiled, matter);
  // Nothing is left to wait for: what came with the trigger can take it back only now.
  const user = typeof due === 'number' && due > ctx.now ? ctx.user : withPending(ctx.user);
  if (typeof due !== 'number') {
    if (resolveOverlap(ctx, compiled, matter, trigger.time - 1, user) === 'superseded') return;
    handleMissedTime(ctx, compiled, matter, due, user);
    return;
  }
  const ending = findEnding(compiled, user, trigger, due, ctx.ids);
  // What ends a wait may be a trigger, too, which then finds none.
  const movedFrom = resolveOverlap(ctx, compiled, matter, ending ? ending.event.time - 1 : due, user);
  if (movedFrom === 'superseded') return;
  if (ending) {
    recordEnding(ctx, compiled, matter, ending);
    return;
  }
  const opened = newWait(ctx, compiled, matter, due, {
    trigger: toTrigger(trigger),
    ...toStartState(matter),
    ...countSeen(compiled, ctx.user, trigger, ctx.ids),
  });
  // What rules make of the rest of the batch may still end it: then it ends when all of that is known, as a wait does.
  if (due <= ctx.now && !compiled.endedByRules) {
    fireWait(ctx, opened);
    return;
  }
  evidence.wait = {
    ...toWaitEvidence(opened),
    ...(movedFrom && { moved_from: { wait_id: movedFrom.waitId, due_at: isoTime(movedFrom.dueAt) } }),
  };
  addDecision(ctx, compiled, { code: 'waiting', reason: waitingReason(rule, opened, movedFrom), eventIds, evidence });
}

/**
 * A trigger begins one wait of a rule. One that is judged again may have begun it: by another version of the rule, or when
 * less was known of its pattern.
 */
export function findStartedWait(ctx: DecisionContext, { rule }: CompiledRule, trigger: Trigger): Wait | undefined {
  return ctx.user.waits.get(toWaitId(ctx, rule.name, trigger.key));
}

/** Not to be waited for: this wait has begun. */
export function recordAlreadyWaiting(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { eventIds, evidence }: Firing,
  begun: Wait,
): void {
  evidence.wait = toWaitEvidence(begun);
  const reason = alreadyWaitingReason(compiled.rule, begun);
  addDecision(ctx, compiled, { code: 'already_waiting', reason, eventIds, evidence });
}

/** Not to be waited for: what has come already ends it. */
export function recordEnding(
  ctx: DecisionContext,
  compiled: CompiledRule,
  matter: Firing,
  { code, event }: Ending,
): void {
  const { rule } = compiled;
  const { evidence } = matter;
  const reason =
    code === 'unless_event_occurred' ? unlessEventReason(rule, event.event) : cancelledReason(rule, event.event);
  addDecision(ctx, compiled, { code, reason, eventIds: [...matter.eventIds, event.eventId], evidence });
}

interface MissingTime {
  readonly problem: Extract<ReasonCode, 'time_missing' | 'time_past'>;
  readonly at?: Millis;
}

function computeDueTime(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, matched }: Firing,
): Millis | MissingTime {
  const { rule, at } = compiled;
  const zone = resolveZone(rule.zone, ctx.user.profile.traits);
  let due = trigger.time + (rule.delay?.span ?? 0);
  if (rule.at && at) {
    const result = at.evaluate(toScope(ctx, { trigger, ...(matched && { matched }) }));
    const time = result.kind === 'value' ? toInstant(result.value) : undefined;
    if (time === undefined) return { problem: 'time_missing' };
    due = resolveTimeExpression(rule.at, zone, time);
    if (due < ctx.now) return { problem: 'time_past', at: due };
  } else if (rule.at) {
    due = resolveTimeExpression(rule.at, zone, due);
  }
  return Math.max(due, trigger.time + (rule.unless?.within ?? 0));
}

/** Only what names one moment: a date and time without a zone is none. */
function toInstant(value: Json): Millis | undefined {
  return typeof value === 'string' ? parseCelTimestamp(value) : undefined;
}

/** The point in time has passed, or nobody said it: the rule says what to do then. */
function handleMissedTime(
  ctx: DecisionContext,
  compiled: CompiledRule,
  matter: Firing,
  { problem, at }: MissingTime,
  user: UserState,
): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const policy = problem === 'time_missing' ? rule.ifMissing : rule.ifPast;
  if (policy === 'send_now') {
    const ending = findEnding(compiled, user, trigger, ctx.now, ctx.ids);
    if (ending) recordEnding(ctx, compiled, matter, ending);
    else recheckAndAct(ctx, compiled, { ...matter, due: Math.max(at ?? trigger.time, trigger.time) });
    return;
  }
  const outcome = policy === 'error' ? 'failed' : 'not_matched';
  const reason = timeReason(rule, problem, at);
  addDecision(ctx, compiled, { code: problem, reason, eventIds, evidence, outcome });
}

/**
 * What becomes of earlier waits of the rule for this key, and of this trigger where a later one came first. The order of
 * arrival does not matter: by event time, the first trigger is kept (`ignore`) or the last one (`restart`). But what was
 * ignored stays so, also when the wait that it met is ended afterwards by something that happened before it.
 *
 * @param end when the wait of this trigger will be over
 * @param user with what may take the trigger's place
 */
function resolveOverlap(
  ctx: DecisionContext,
  compiled: CompiledRule,
  matter: Firing,
  end: Millis,
  user: UserState,
): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  if (rule.again === 'beside') return undefined;
  const { key, trigger } = matter;
  // What a digest of another version has gathered is told all the same, and a turn is no trigger.
  const isOne = ({ kind, state }: Wait) => kind !== 'digest' && kind !== 'every' && state.trigger.key !== trigger.key;
  const same = findWaits(ctx, (one) => one.rule === rule.name && one.key === key && isOne(one));
  if (rule.again === 'ignore') return keepFirstTrigger(ctx, compiled, matter, end, same);
  return keepLastTrigger(ctx, compiled, matter, findLaterTrigger(ctx, compiled, matter, end, same, user), same);
}

function keepFirstTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  matter: Firing,
  end: Millis,
  same: readonly Wait[],
): Wait | 'superseded' | undefined {
  const { trigger } = matter;
  const overlapping = same.filter((one) => {
    if (one.status === 'cancelled') return false;
    return isBefore(trigger, one.state.trigger) ? one.triggerTime <= end : trigger.time <= one.dueAt;
  });
  const first = overlapping.find((one) => one.status === 'fired' || isBefore(one.state.trigger, trigger));
  if (first) {
    recordAlreadyWaiting(ctx, compiled, matter, first);
    return 'superseded';
  }
  for (const one of overlapping) supersedeWait(ctx, compiled, one, trigger);
  return overlapping[0];
}

function keepLastTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, eventIds, evidence }: Firing,
  later: Trigger | undefined,
  same: readonly Wait[],
): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  if (later) {
    const reason = supersededReason(rule, later);
    addDecision(ctx, compiled, { code: 'superseded', reason, eventIds: [...eventIds, later.eventId], evidence });
    return 'superseded';
  }
  const earlier = same.filter(
    (one) => one.status === 'waiting' && trigger.time <= one.dueAt && isBefore(one.state.trigger, trigger),
  );
  for (const one of earlier) supersedeWait(ctx, compiled, one, trigger);
  return earlier.at(-1);
}

function supersedeWait(ctx: DecisionContext, compiled: CompiledRule, one: Wait, by: Trigger): void {
  const { rule } = compiled;
  closeWait(one, 'cancelled', ctx.now, { event_id: by.eventId, event_type: by.type, at: by.time });
  const eventIds = [by.eventId, one.state.trigger.eventId];
  const evidence: Evidence = { ...toKeyEvidence(one.key), wait: toWaitEvidence(one) };
  addDecision(ctx, compiled, { code: 'superseded', reason: supersededReason(rule, by), eventIds, evidence });
}

/** A trigger that happened later and arrived earlier, and would have restarted this wait. */
function findLaterTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, key }: Firing,
  end: Millis,
  same: readonly Wait[],
  user: UserState,
): Trigger | undefined {
  const { rule } = compiled;
  // A field says when; whichever trigger says so last is right, however much later.
  const isLater = (other: Trigger) =>
    isBefore(trigger, other) && (rule.at?.field !== undefined || other.time <= end) && other.key !== trigger.key;
  const waiting = same.find(({ state }) => isLater(state.trigger));
  if (waiting) return waiting.state.trigger;
  const said = rule.on
    .flatMap((type) => user.events.get(type) ?? [])
    .flatMap(({ event }) => (event && isAbout(rule, event) ? [event] : []));
  // Of the changes that are known already, each has begun a wait.
  const changes =
    user !== ctx.user && rule.changes
      ? pendingTraitChanges(user, (trait, to) => matchesTraitChange(rule, trait, to))
      : [];
  return [...said, ...changes]
    .filter(isLater)
    .sort(compareByTime)
    .find((event) => evaluateKey(compiled, event, ctx.ids) === key && wouldStart(ctx, compiled, event, user));
}

/** It had no wait of its own, since its time was missing or past, or something ended it at once. */
function wouldStart(ctx: DecisionContext, compiled: CompiledRule, trigger: Event, known: UserState): boolean {
  const { condition, usesNow: asksNow } = compiled;
  const user = stateAt(known, trigger);
  const found = complete(compiled, user, trigger, ctx.ids);
  if (!found.findCompletion) return false;
  if (!condition || asksNow) return true;
  const matched = Object.fromEntries((found.steps ?? []).map(({ event }) => [event.type, event.properties]));
  return conditionEvidence(condition, toScope({ ...ctx, user }, { trigger, matched })).result === true;
}
