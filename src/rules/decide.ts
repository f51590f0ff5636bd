import { truncateForEvidence } from '../expressions/truncate.ts';
import type { Evidence } from '../model/decision.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { isSameValue } from '../users/profile.ts';
import { hasFired } from './already-fired.ts';
import { cancelWaits, reportTooLate } from './cancel.ts';
import { applyGatesAndAct, conditionEvidence, explainCondition, toScope } from './conclude.ts';
import { addDecision, type DecisionContext, type Firing, newContext, type Verdicts, type Writable } from './context.ts';
import {
  type Ids,
  type KnownEvent,
  mergeEvent,
  patternKey,
  recordFired,
  type Trigger,
  type UserState,
  type Wait,
} from './facts.ts';
import { fireSchedule, fireWait } from './firing.ts';
import { collectDigest, extendBurst } from './gathering.ts';
import { evaluateKey } from './key.ts';
import { shiftPending } from './lookahead.ts';
import { type Completion, compareByTime, complete, type FullEvent, findLaterTriggers, isAbout } from './patterns.ts';
import { countReason, keyReason, patternReason, stepsReason } from './reasons.ts';
import type { CompiledRule, RuleSet, RuleSets } from './rule-set.ts';
import { addTraitChanges, findLaterChanges, findOpenChanges, matchesTraitChange } from './trait-changes.ts';
import { toWaitId } from './wait.ts';
import { findStartedWait, recordAlreadyWaiting, startWait } from './waits.ts';

/**
 * Every rule's verdict on one event, given what is known of the person; then adds the event and what it caused to what is
 * known. The same facts, event, time and ids give the same verdicts.
 *
 * A rule with a pattern is judged when the last part of it *arrives*: for a trigger against the earlier events known so
 * far, and for an earlier event against the triggers that waited for one. So the order of arrival does not matter.
 *
 * @param before the profile without this event; `person.profile` has it
 * @param now when it is decided
 */
export function decide(
  rules: RuleSets,
  user: UserState,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  now: Millis,
  ids: Ids,
): Verdicts {
  const { active } = rules;
  const ctx = newContext(rules, user, now, ids, event.key);
  if (user.waits.size > 0) {
    cancelWaits(ctx, event);
    reportTooLate(ctx, event);
  }
  const triggered = findTriggered(active, event);
  for (const compiled of triggered) evaluateRule(ctx, compiled, event);
  if (active.byTrait.size > 0) evaluateTraitChanges(ctx, event, before, triggered);

  const incomplete = findIncomplete(ctx, event);
  mergeEvent(user, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
  shiftPending(user, event);
  for (const compiled of active.byPriorEvent.get(event.type) ?? NONE) {
    for (const trigger of findWaitingTriggers(compiled, user, event)) evaluateRule(ctx, compiled, trigger);
  }
  for (const { compiled, trigger, change } of incomplete) {
    if (complete(compiled, user, trigger, ids).findCompletion) evaluateRule(ctx, compiled, trigger, change);
  }
  recordFired(user, event.time, ctx.decisions);
  return ctx;
}

const NONE: readonly never[] = [];

/** The list of the type itself, where all of it is meant. */
function findTriggered({ byTrigger }: RuleSet, event: Event): readonly CompiledRule[] {
  const listening = byTrigger.get(event.type) ?? NONE;
  return listening.every(({ rule }) => isAbout(rule, event))
    ? listening
    : listening.filter(({ rule }) => isAbout(rule, event));
}

/** Fires a wait that is due. The verdicts' source is its id. */
export function decideDueWait(rules: RuleSets, user: UserState, wait: Wait, now: Millis, ids: Ids): Verdicts {
  const ctx = newContext(rules, user, now, ids, wait.waitId);
  fireWait(ctx, wait);
  return ctx;
}

/**
 * Runs one occurrence of a recurring rule for one user. The verdicts' source is the id of the wait that records it.
 * @param localTimeKey the occurrence as local time: a user has each of them once
 * @returns `wait`: that record; undefined when the user is not in the audience, or had this occurrence before
 */
export function decideOccurrence(
  rules: RuleSets,
  compiled: CompiledRule,
  user: UserState,
  due: Millis,
  localTimeKey: string,
  now: Millis,
  ids: Ids,
): { readonly verdicts: Verdicts; readonly wait: Wait | undefined } {
  const ctx = newContext(rules, user, now, ids, toWaitId({ user, ids }, compiled.rule.name, localTimeKey));
  return { verdicts: ctx, wait: fireSchedule(ctx, compiled, due, localTimeKey) };
}

/** One rule on one trigger; a decision for each notification type it names. @param change of the trait that it listens to */
function evaluateRule(
  ctx: DecisionContext,
  compiled: CompiledRule,
  trigger: Event & Pick<Trigger, 'depth'>,
  change?: Evidence['change'],
): void {
  const { rule, condition, priorEvent: simple } = compiled;
  const evidence: Writable<Evidence> = {};
  const key = evaluateKey(compiled, trigger, ctx.ids);
  if (key === undefined) {
    addDecision(ctx, compiled, { code: 'key_missing', reason: keyReason(rule), eventIds: [trigger.eventId], evidence });
    return;
  }
  if (key !== '') evidence.key = key;
  if (change) evidence.change = change;

  const { user, ids } = ctx;
  const earlier = simple && findLatestBefore(user, simple, trigger);
  const found = simple ? undefined : matchPattern(compiled, user, trigger, ids);
  if (simple && earlier) user.completed.add(`${rule.name} ${trigger.key}`);
  const matched = found?.steps && found.steps.length > 0 ? toMatched(found.steps) : undefined;
  const eventIds = toEventIds(trigger, earlier, found);
  const matter: Firing = { trigger, key, eventIds, evidence, matched };

  // Without the events of the pattern, a condition on them says nothing.
  const isBlind = compiled.usesMatched && found !== undefined && !found.steps;
  const judgesNow = condition && !isBlind && !(compiled.usesNow && compiled.waits);
  if (judgesNow) evidence.condition = conditionEvidence(condition, toScope(ctx, matter));
  if (simple) evidence.pattern = patternEvidence(simple, trigger, earlier);
  if (found) addPatternEvidence(compiled, trigger, found, evidence);

  // A trigger that is judged again had what it gets.
  const isAgain = trigger.key !== ctx.source;
  const begun = isAgain && compiled.waits ? findStartedWait(ctx, compiled, trigger) : undefined;
  const refusal = evidence.condition && explainCondition(evidence.condition);
  if (refusal) {
    addDecision(ctx, compiled, { code: refusal.code, reason: refusal.reason, eventIds, evidence });
  } else if (simple && !earlier) {
    const reason = patternReason(rule, evidence.pattern!);
    addDecision(ctx, compiled, { code: 'pattern_incomplete', reason, eventIds, evidence });
  } else if (found && !found.steps) {
    addDecision(ctx, compiled, { code: 'pattern_incomplete', reason: stepsReason(rule), eventIds, evidence });
  } else if (found?.count && !found.count.enough) {
    addDecision(ctx, compiled, { code: 'count_not_met', reason: countReason(evidence.count!), eventIds, evidence });
  } else if (begun) {
    recordAlreadyWaiting(ctx, compiled, matter, begun);
  } else if (isAgain && hasFired(compiled, user, trigger)) {
    return;
  } else if (rule.digest) {
    collectDigest(ctx, compiled, matter);
  } else if (rule.debounce) {
    extendBurst(ctx, compiled, matter);
  } else if (compiled.waits) {
    startWait(ctx, compiled, matter);
  } else {
    applyGatesAndAct(ctx, compiled, matter);
  }
}

/** Rules that listen to traits which this event changes. A trait said again is no change. */
function evaluateTraitChanges(
  ctx: DecisionContext,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  judged: readonly CompiledRule[],
): void {
  const { traits } = ctx.user.profile;
  const done = new Set(judged);
  for (const trait of Object.keys(event.traits)) {
    const listening = ctx.rules.active.byTrait.get(trait);
    if (!listening) continue;
    const from = before.traits[trait] ?? null;
    const to = traits[trait] ?? null;
    if (isSameValue(from, to)) continue;
    for (const compiled of listening) {
      if (done.has(compiled) || !matchesTraitChange(compiled.rule, trait, to)) continue;
      done.add(compiled);
      evaluateRule(ctx, compiled, event, { trait, from: truncateForEvidence(from), to: truncateForEvidence(to) });
    }
  }
  if (ctx.rules.active.changesWait) addTraitChanges(ctx.user, findOpenChanges(event, ctx.decisions));
}

interface Incomplete {
  readonly compiled: CompiledRule;
  readonly trigger: Event;
  readonly change?: Evidence['change'];
}

/** Earlier triggers whose pattern is not complete without this event, and may be with it. */
function findIncomplete(ctx: DecisionContext, event: Event): readonly Incomplete[] {
  const { user, ids } = ctx;
  const listening = ctx.rules.active.byPatternEvent.get(event.type);
  if (!listening) return NONE;
  return listening.flatMap((compiled) => {
    const { rule } = compiled;
    const triggers: Incomplete[] = findLaterTriggers(compiled, user, event)
      .filter((trigger) => isAbout(rule, trigger))
      .map((trigger) => ({ compiled, trigger }));
    for (const { trigger, change } of findLaterChanges(rule, user, event)) triggers.push({ compiled, trigger, change });
    return triggers.filter(({ trigger }) => !complete(compiled, user, trigger, ids).findCompletion);
  });
}

function matchPattern(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): Completion | undefined {
  const { after, count } = compiled.rule;
  return after.length === 0 && !count ? undefined : complete(compiled, user, trigger, ids);
}

function toEventIds(trigger: Trigger, earlier: KnownEvent | undefined, found: Completion | undefined): string[] {
  const ids = [trigger.eventId];
  if (earlier) ids.push(earlier.eventId);
  else for (const { eventId } of found?.steps ?? NONE) ids.push(eventId);
  return ids;
}

function toMatched(steps: readonly FullEvent[]): JsonObject {
  return Object.fromEntries(steps.map(({ event }) => [event.type, event.properties]));
}

function patternEvidence(
  after: NonNullable<CompiledRule['priorEvent']>,
  { time }: Trigger,
  earlier: KnownEvent | undefined,
): NonNullable<Evidence['pattern']> {
  const searched = {
    after: after.event,
    within: after.withinText,
    from: isoTime(time - after.within),
    to: isoTime(time),
  };
  return earlier ? { ...searched, matched: { event_id: earlier.eventId, at: isoTime(earlier.time) } } : searched;
}

function addPatternEvidence(
  { rule }: CompiledRule,
  { time }: Trigger,
  { steps, count }: Completion,
  evidence: Writable<Evidence>,
): void {
  if (rule.after.length > 0) {
    evidence.pattern = {
      after: rule.after.map(({ event }) => event).join(', then '),
      within: rule.after.map(({ withinText }) => withinText).join(', then '),
      from: isoTime(time - rule.after.reduce((sum, { within }) => sum + within, 0)),
      to: isoTime(time),
      ...(steps && {
        steps: steps.map(({ event, eventId, time: at }) => ({ event: event.type, event_id: eventId, at: isoTime(at) })),
      }),
    };
  }
  if (count && rule.count) {
    const { of, how, n } = rule.count;
    evidence.count = { of, needed: `${how.replace('_', ' ')} ${n}`, window: count.window, counted: count.counted };
  }
}

/** The latest A with A.time ≤ B.time ≤ A.time + within. */
function findLatestBefore(
  user: UserState,
  { event, within }: NonNullable<CompiledRule['priorEvent']>,
  { time, key }: Trigger,
): KnownEvent | undefined {
  let latest: KnownEvent | undefined;
  for (const known of user.events.get(event) ?? NONE) {
    if (known.time > time || time > known.time + within || known.key === key) continue;
    if (!latest || known.time > latest.time || (known.time === latest.time && known.key > latest.key)) latest = known;
  }
  return latest;
}

/** The triggers that this A completes: in its span, and not complete before it came. In order of event time. */
function findWaitingTriggers({ rule, priorEvent: simple }: CompiledRule, user: UserState, earlier: Event): Event[] {
  const { within, event: earlierType } = simple!;
  const pattern = patternKey(earlierType, within);
  const found: Event[] = [];
  for (const type of rule.on) {
    for (const { event: trigger, waitsFor } of user.events.get(type) ?? NONE) {
      if (!trigger || trigger.key === earlier.key || (waitsFor && !waitsFor.has(pattern))) continue;
      if (!isAbout(rule, trigger)) continue;
      if (trigger.time < earlier.time || trigger.time > earlier.time + within) continue;
      if (!user.completed.has(`${rule.name} ${trigger.key}`)) found.push(trigger);
    }
  }
  return found.sort(compareByTime);
}
