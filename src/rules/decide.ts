import { boundedCopy } from '../expressions/truncate.ts';
import type { Evidence } from '../model/decision.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { isSame } from '../users/profile.ts';
import { wasTold } from './already-fired.ts';
import { comeTooLate, endWaits } from './cancel.ts';
import { conclude, conditionEvidence, conditionVerdict, scopeOf } from './conclude.ts';
import { type Matter, type Moment, moment, record, type Verdicts, type Writable } from './context.ts';
import {
  type Ids,
  type KnownEvent,
  type PersonFacts,
  patternKey,
  rememberOnce,
  rememberTold,
  type Trigger,
} from './facts.ts';
import { fire, recur } from './firing.ts';
import { collect, debounce } from './gathering.ts';
import { keyOf } from './key.ts';
import { arrive } from './lookahead.ts';
import { byTime, type Completion, complete, isAbout, laterTriggers, type WholeEvent } from './patterns.ts';
import { countReason, keyReason, patternReason, stepsReason } from './reasons.ts';
import type { CompiledRule, RuleSet, RuleSets } from './rule-set.ts';
import { isWanted, laterChanges, openChanges, rememberChanges } from './trait-changes.ts';
import { waitIdOf } from './wait.ts';
import { begunBy, recordBegun, wait } from './waits.ts';

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
  person: PersonFacts,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  now: Millis,
  ids: Ids,
): Verdicts {
  const { active } = rules;
  const m = moment(rules, person, now, ids, event.key);
  if (person.waits.size > 0) {
    endWaits(m, event);
    comeTooLate(m, event);
  }
  const triggered = triggeredBy(active, event);
  for (const compiled of triggered) judge(m, compiled, event);
  if (active.byTrait.size > 0) judgeChanges(m, event, before, triggered);

  const incomplete = withoutIt(m, event);
  rememberOnce(person, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
  arrive(person, event);
  for (const compiled of active.byEarlier.get(event.type) ?? NONE) {
    for (const trigger of waitingFor(compiled, person, event)) judge(m, compiled, trigger);
  }
  for (const { compiled, trigger, change } of incomplete) {
    if (complete(compiled, person, trigger, ids).complete) judge(m, compiled, trigger, change);
  }
  rememberTold(person, event.time, m.decisions);
  return m;
}

const NONE: readonly never[] = [];

/** The list of the type itself, where all of it is meant. */
function triggeredBy({ byTrigger }: RuleSet, event: Event): readonly CompiledRule[] {
  const listening = byTrigger.get(event.type) ?? NONE;
  return listening.every(({ rule }) => isAbout(rule, event))
    ? listening
    : listening.filter(({ rule }) => isAbout(rule, event));
}

/** The end of a wait, and what comes of it. */
export function endWait(rules: RuleSets, person: PersonFacts, waitId: string, now: Millis, ids: Ids): Verdicts {
  const m = moment(rules, person, now, ids, waitId);
  const one = person.waits.get(waitId);
  if (one?.status === 'waiting') fire(m, one);
  return m;
}

/**
 * One person's turn of a recurring rule; the verdicts' source is the wait it makes, where it makes one.
 * @param label the moment as local time: a person has each of them once
 */
export function takeTurn(
  rules: RuleSets,
  compiled: CompiledRule,
  person: PersonFacts,
  due: Millis,
  label: string,
  now: Millis,
  ids: Ids,
): Verdicts {
  const m = moment(rules, person, now, ids, waitIdOf({ person, ids }, compiled.rule.name, label));
  recur(m, compiled, due, label);
  return m;
}

/** One rule on one trigger; a decision for each notification type it names. @param change of the trait that it listens to */
function judge(
  m: Moment,
  compiled: CompiledRule,
  trigger: Event & Pick<Trigger, 'depth'>,
  change?: Evidence['change'],
): void {
  const { rule, condition, simple } = compiled;
  const evidence: Writable<Evidence> = {};
  const key = keyOf(compiled, trigger, m.ids);
  if (key === undefined) {
    record(m, compiled, { code: 'key_missing', reason: keyReason(rule), eventIds: [trigger.eventId], evidence });
    return;
  }
  if (key !== '') evidence.key = key;
  if (change) evidence.change = change;

  const { person, ids } = m;
  const earlier = simple && latestBefore(person, simple, trigger);
  const found = simple ? undefined : foundFor(compiled, person, trigger, ids);
  if (simple && earlier) person.completed.add(`${rule.name} ${trigger.key}`);
  const matched = found?.steps && found.steps.length > 0 ? matchedOf(found.steps) : undefined;
  const eventIds = eventIdsOf(trigger, earlier, found);
  const matter: Matter = { trigger, key, eventIds, evidence, matched };

  // Without the events of the pattern, a condition on them says nothing.
  const isBlind = compiled.asksMatched && found !== undefined && !found.steps;
  const judgesNow = condition && !isBlind && !(compiled.asksNow && compiled.waits);
  if (judgesNow) evidence.condition = conditionEvidence(condition, scopeOf(m, matter));
  if (simple) evidence.pattern = patternEvidence(simple, trigger, earlier);
  if (found) foundEvidence(compiled, trigger, found, evidence);

  // A trigger that is judged again had what it gets.
  const isAgain = trigger.key !== m.source;
  const begun = isAgain && compiled.waits ? begunBy(m, compiled, trigger) : undefined;
  const refusal = evidence.condition && conditionVerdict(evidence.condition);
  if (refusal) {
    record(m, compiled, { code: refusal.code, reason: refusal.reason, eventIds, evidence });
  } else if (simple && !earlier) {
    const reason = patternReason(rule, evidence.pattern!);
    record(m, compiled, { code: 'pattern_incomplete', reason, eventIds, evidence });
  } else if (found && !found.steps) {
    record(m, compiled, { code: 'pattern_incomplete', reason: stepsReason(rule), eventIds, evidence });
  } else if (found?.count && !found.count.enough) {
    record(m, compiled, { code: 'count_differs', reason: countReason(evidence.count!), eventIds, evidence });
  } else if (begun) {
    recordBegun(m, compiled, matter, begun);
  } else if (isAgain && wasTold(compiled, person, trigger)) {
    return;
  } else if (rule.digest) {
    collect(m, compiled, matter);
  } else if (rule.debounce) {
    debounce(m, compiled, matter);
  } else if (compiled.waits) {
    wait(m, compiled, matter);
  } else {
    conclude(m, compiled, matter);
  }
}

/** Rules that listen to traits which this event changes. A trait said again is no change. */
function judgeChanges(
  m: Moment,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  judged: readonly CompiledRule[],
): void {
  const { traits } = m.person.profile;
  const done = new Set(judged);
  for (const trait of Object.keys(event.traits)) {
    const listening = m.rules.active.byTrait.get(trait);
    if (!listening) continue;
    const from = before.traits[trait] ?? null;
    const to = traits[trait] ?? null;
    if (isSame(from, to)) continue;
    for (const compiled of listening) {
      if (done.has(compiled) || !isWanted(compiled.rule, trait, to)) continue;
      done.add(compiled);
      judge(m, compiled, event, { trait, from: boundedCopy(from), to: boundedCopy(to) });
    }
  }
  if (m.rules.active.changesWait) rememberChanges(m.person, openChanges(event, m.decisions));
}

interface Incomplete {
  readonly compiled: CompiledRule;
  readonly trigger: Event;
  readonly change?: Evidence['change'];
}

/** Earlier triggers whose pattern is not complete without this event, and may be with it. */
function withoutIt(m: Moment, event: Event): readonly Incomplete[] {
  const { person, ids } = m;
  const listening = m.rules.active.byPart.get(event.type);
  if (!listening) return NONE;
  return listening.flatMap((compiled) => {
    const { rule } = compiled;
    const triggers: Incomplete[] = laterTriggers(compiled, person, event)
      .filter((trigger) => isAbout(rule, trigger))
      .map((trigger) => ({ compiled, trigger }));
    for (const { trigger, change } of laterChanges(rule, person, event)) triggers.push({ compiled, trigger, change });
    return triggers.filter(({ trigger }) => !complete(compiled, person, trigger, ids).complete);
  });
}

function foundFor(compiled: CompiledRule, person: PersonFacts, trigger: Trigger, ids: Ids): Completion | undefined {
  const { after, count } = compiled.rule;
  return after.length === 0 && !count ? undefined : complete(compiled, person, trigger, ids);
}

function eventIdsOf(trigger: Trigger, earlier: KnownEvent | undefined, found: Completion | undefined): string[] {
  const ids = [trigger.eventId];
  if (earlier) ids.push(earlier.eventId);
  else for (const { eventId } of found?.steps ?? NONE) ids.push(eventId);
  return ids;
}

function matchedOf(steps: readonly WholeEvent[]): JsonObject {
  return Object.fromEntries(steps.map(({ event }) => [event.type, event.properties]));
}

function patternEvidence(
  after: NonNullable<CompiledRule['simple']>,
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

function foundEvidence(
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
function latestBefore(
  person: PersonFacts,
  { event, within }: NonNullable<CompiledRule['simple']>,
  { time, key }: Trigger,
): KnownEvent | undefined {
  let latest: KnownEvent | undefined;
  for (const known of person.known.get(event) ?? NONE) {
    if (known.time > time || time > known.time + within || known.key === key) continue;
    if (!latest || known.time > latest.time || (known.time === latest.time && known.key > latest.key)) latest = known;
  }
  return latest;
}

/** The triggers that this A completes: in its span, and not complete before it came. In order of event time. */
function waitingFor({ rule, simple }: CompiledRule, person: PersonFacts, earlier: Event): Event[] {
  const { within, event: earlierType } = simple!;
  const pattern = patternKey(earlierType, within);
  const found: Event[] = [];
  for (const type of rule.on) {
    for (const { event: trigger, waitsFor } of person.known.get(type) ?? NONE) {
      if (!trigger || trigger.key === earlier.key || (waitsFor && !waitsFor.has(pattern))) continue;
      if (!isAbout(rule, trigger)) continue;
      if (trigger.time < earlier.time || trigger.time > earlier.time + within) continue;
      if (!person.completed.has(`${rule.name} ${trigger.key}`)) found.push(trigger);
    }
  }
  return found.sort(byTime);
}
