import type { Evidence } from '../../model/decision.ts';
import type { Event, Millis } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing, findFirstWait, findWaits } from '../context.ts';
import { evaluateCondition, surelyFails, toScope } from '../evaluate/evaluate-condition.ts';
import { evaluateKey } from '../evaluate/key.ts';
import { matchesTraitChange } from '../evaluate/trait-changes.ts';
import { isAbout } from '../evaluate/triggers.ts';
import { compareByTime, isBefore } from '../event-order.ts';
import type { Ids, Trigger, Wait } from '../facts.ts';
import { getGrouping } from '../known/groupings.ts';
import { countBefore } from '../known/in-order.ts';
import { type FullEvent, MAX_SCANNED_EVENTS } from '../known/known-events.ts';
import { pendingTraitChanges, stateAt } from '../lookahead.ts';
import { matchPattern, toMatched } from '../patterns/match-pattern.ts';
import { alreadyWaitingReason, supersededReason } from '../reasons.ts';
import type { UserState } from '../user-state.ts';
import { hasTime } from './due-time.ts';
import { closeWait, toKeyEvidence, toWaitEvidence } from './wait.ts';

/**
 * Applies `again` to a trigger whose wait overlaps other waits of the rule for the same key. The order of arrival does not
 * matter: by event time, `ignore` keeps the first trigger and `restart` the last one; `beside` keeps all.
 *
 * One exception: a trigger that was ignored stays ignored, also when something that happened earlier ends the wait in its
 * way afterwards.
 *
 * @param end when the wait of this trigger will be over
 * @param user the known events among which a later trigger may be
 * @returns the latest wait that this trigger replaces, or `superseded` if it starts no wait itself; undefined: no overlap
 */
export function resolveOverlap(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  end: Millis,
  user: UserState,
): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  if (rule.again === 'beside') return undefined;
  const { key, trigger } = firing;
  // The digest of another version is sent all the same, and an occurrence of a scheduled rule has no trigger.
  const mayOverlap = ({ kind, state }: Wait) =>
    kind !== 'digest' && kind !== 'every' && state.trigger.key !== trigger.key;
  const ofKey = { rule: rule.name, key };
  const find: FindOthers = (matches) => findWaits(ctx, ofKey, (wait) => mayOverlap(wait) && matches(wait));
  if (rule.again === 'ignore') return keepFirstTrigger(ctx, compiled, firing, end, find);
  const findFirst: FindOther = (matches) => findFirstWait(ctx, ofKey, (wait) => mayOverlap(wait) && matches(wait));
  return keepLastTrigger(ctx, compiled, firing, findLaterTrigger(ctx, compiled, firing, end, findFirst, user), find);
}

/** Returns the other waits of the rule and key that match, in order of due time. */
type FindOthers = (matches: (wait: Wait) => boolean) => Wait[];
/** Returns the first of them. */
type FindOther = (matches: (wait: Wait) => boolean) => Wait | undefined;

/** Adds the decision that a trigger starts no wait, because another wait is open. */
export function recordAlreadyWaiting(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { eventIds, evidence }: Firing,
  open: Wait,
): void {
  evidence.wait = toWaitEvidence(open);
  const reason = alreadyWaitingReason(compiled.rule, open);
  addDecision(ctx, compiled, { code: 'already_waiting', reason, eventIds, evidence });
}

function keepFirstTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  end: Millis,
  find: FindOthers,
): Wait | 'superseded' | undefined {
  const { trigger } = firing;
  const overlapping = find((wait) => {
    if (wait.status === 'cancelled') return false;
    return isBefore(trigger, wait.state.trigger) ? wait.triggerTime <= end : trigger.time <= wait.dueAt;
  });
  const first = overlapping.find((wait) => wait.status === 'fired' || isBefore(wait.state.trigger, trigger));
  if (first) {
    recordAlreadyWaiting(ctx, compiled, firing, first);
    return 'superseded';
  }
  for (const wait of overlapping) supersedeWait(ctx, compiled, wait, trigger);
  return overlapping[0];
}

function keepLastTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, eventIds, evidence }: Firing,
  later: Trigger | undefined,
  find: FindOthers,
): Wait | 'superseded' | undefined {
  if (later) {
    const reason = supersededReason(compiled.rule, later);
    addDecision(ctx, compiled, { code: 'superseded', reason, eventIds: [...eventIds, later.eventId], evidence });
    return 'superseded';
  }
  const earlier = find(
    (wait) => wait.status === 'waiting' && trigger.time <= wait.dueAt && isBefore(wait.state.trigger, trigger),
  );
  for (const wait of earlier) supersedeWait(ctx, compiled, wait, trigger);
  return earlier.at(-1);
}

/** Cancels a wait because another trigger takes its place. */
export function supersedeWait(ctx: DecisionContext, compiled: CompiledRule, wait: Wait, by: Trigger): void {
  closeWait(wait, 'cancelled', ctx.now, { event_id: by.eventId, event_type: by.type, at: by.time });
  const eventIds = [by.eventId, wait.state.trigger.eventId];
  const evidence: Evidence = { ...toKeyEvidence(wait.key), wait: toWaitEvidence(wait) };
  addDecision(ctx, compiled, {
    code: 'superseded',
    reason: supersededReason(compiled.rule, by),
    eventIds,
    evidence,
  });
}

/** Returns a trigger that happened later and arrived earlier, and would have restarted this wait; undefined without one. */
function findLaterTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, key }: Firing,
  end: Millis,
  findFirst: FindOther,
  user: UserState,
): Trigger | undefined {
  const { rule } = compiled;
  // If a field gives the time, the latest trigger has the valid one, however much later it happened.
  const isLater = (other: Trigger) =>
    isBefore(trigger, other) && (rule.at?.field !== undefined || other.time <= end) && other.key !== trigger.key;
  const waiting = findFirst(({ state }) => isLater(state.trigger));
  if (waiting) return waiting.state.trigger;
  const after = rule.at?.field === undefined ? end : Number.POSITIVE_INFINITY;
  // Trait changes that are decided already have started a wait each; only those that are pending are looked for.
  const changes =
    user !== ctx.user && rule.changes
      ? pendingTraitChanges(user, ctx.source, (trait, to) => matchesTraitChange(rule, trait, to)).filter(
          (change) => isLater(change) && evaluateKey(compiled, change, ctx.ids) === key,
        )
      : [];
  for (const event of laterTriggers(compiled, user, trigger, key, changes, ctx.ids)) {
    if (event.time > after) break;
    if (isLater(event) && wouldStart(ctx, compiled, event, user)) return event;
  }
  return undefined;
}

/**
 * Yields the known events that may trigger the rule with this key and do not come before the trigger, in order of time.
 * Leaves out those for which the condition fails whatever else is known.
 *
 * @param changes events that may trigger it by a change of a trait, in any order
 */
function* laterTriggers(
  compiled: CompiledRule,
  { events }: UserState,
  trigger: Trigger,
  key: string,
  changes: readonly Event[],
  ids: Ids,
): Iterable<Event> {
  const lists: { readonly events: readonly Pick<FullEvent, 'time' | 'key' | 'event'>[]; next: number }[] = [];
  if (changes.length > 0) {
    const events = changes.map((event) => ({ time: event.time, key: event.key, event }));
    lists.push({ events: events.sort(compareByTime), next: 0 });
  }
  for (const type of compiled.rule.on) {
    const known = events.get(type);
    const later = known?.countFrom(trigger.time) ?? 0;
    if (!known || later === 0) continue;
    if (later <= MAX_SCANNED_EVENTS) {
      const own = known.items.slice(known.length - later).filter(
        (one): one is FullEvent =>
          // The trigger itself is mostly the only one.
          one.event !== undefined && one.key !== trigger.key && isTrigger(compiled, one.event, key, ids),
      );
      if (own.length > 0) lists.push({ events: own, next: 0 });
      continue;
    }
    const grouping = getGrouping(compiled, {
      purpose: 'later trigger',
      same: [],
      about: true,
      accepts: (event) => !surelyFails(compiled, event),
    });
    const group = known.groupBy(grouping, ids).get(key);
    if (group) lists.push({ events: group.events, next: countBefore(group.events, trigger.time) });
  }
  for (;;) {
    let first: (typeof lists)[number] | undefined;
    for (const list of lists) {
      const event = list.events[list.next];
      if (event && (!first || isBefore(event, first.events[first.next] as FullEvent))) first = list;
    }
    if (!first) return;
    yield (first.events[first.next] as FullEvent).event;
    first.next++;
  }
}

function isTrigger(compiled: CompiledRule, event: Event, key: string, ids: Ids): boolean {
  return isAbout(compiled.rule, event) && evaluateKey(compiled, event, ids) === key && !surelyFails(compiled, event);
}

/**
 * Returns whether the rule's condition and pattern hold for a later trigger without a wait. Such a trigger has no wait
 * because its time was missing or past, because something ended it at once, or because it is not decided yet.
 */
function wouldStart(ctx: DecisionContext, compiled: CompiledRule, trigger: Event, known: UserState): boolean {
  const { condition, usesNow } = compiled;
  const user = stateAt(known, trigger);
  const pattern = matchPattern(compiled, user, trigger, ctx.ids);
  if (!pattern.isComplete) return false;
  const matched = toMatched(compiled, pattern);
  if (!hasTime(user, compiled, { trigger, matched })) return false;
  if (!condition || usesNow) return true;
  const scope = toScope({ user }, { trigger, matched });
  return evaluateCondition(condition, scope).result === true;
}
