import { parseCelTimestamp } from '../expressions/time.ts';
import type { Evidence, ReasonCode } from '../model/decision.ts';
import type { Event, Json, Millis } from '../model/event.ts';
import { resolveAt, zoneOf } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { conditionEvidence, scopeOf } from './conclude.ts';
import { type Matter, type Moment, record, waitsOf } from './context.ts';
import type { PersonFacts, Trigger, Wait } from './facts.ts';
import { finish, fire } from './firing.ts';
import { keyOf } from './key.ts';
import { changesToCome, foreseen, whenDecided } from './lookahead.ts';
import { byTime, complete, type Ending, endingOf, isAbout, isBefore, seenSoFar } from './patterns.ts';
import {
  alreadyWaitingReason,
  brokenReason,
  cancelledReason,
  supersededReason,
  timeReason,
  waitingReason,
} from './reasons.ts';
import type { CompiledRule } from './rule-set.ts';
import { isWanted } from './trait-changes.ts';
import { begunWith, closeWait, keyed, newWait, plain, waitEvidence, waitIdOf } from './wait.ts';

/**
 * A rule with a delay, a point in time or an absence, whose condition and pattern hold: it waits, unless it is due
 * already, or something has come that ends it.
 */
export function wait(m: Moment, compiled: CompiledRule, matter: Matter): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const due = dueAt(m, compiled, matter);
  // Nothing is left to wait for: what came with the trigger can take it back only now.
  const person = typeof due === 'number' && due > m.now ? m.person : foreseen(m.person);
  if (typeof due !== 'number') {
    if (makeRoom(m, compiled, matter, trigger.time - 1, person) === 'superseded') return;
    missTime(m, compiled, matter, due, person);
    return;
  }
  const ending = endingOf(compiled, person, trigger, due, m.ids);
  // What ends a wait may be a trigger, too, which then finds none.
  const movedFrom = makeRoom(m, compiled, matter, ending ? ending.event.time - 1 : due, person);
  if (movedFrom === 'superseded') return;
  if (ending) {
    recordEnding(m, compiled, matter, ending);
    return;
  }
  const opened = newWait(m, compiled, matter, due, {
    trigger: plain(trigger),
    ...begunWith(matter),
    ...seenSoFar(compiled, m.person, trigger, m.ids),
  });
  // What rules make of the rest of the batch may still end it: then it ends when all of that is known, as a wait does.
  if (due <= m.now && !compiled.endedByRules) {
    fire(m, opened);
    return;
  }
  evidence.wait = {
    ...waitEvidence(opened),
    ...(movedFrom && { moved_from: { wait_id: movedFrom.waitId, due_at: isoTime(movedFrom.dueAt) } }),
  };
  record(m, compiled, { code: 'waiting', reason: waitingReason(rule, opened, movedFrom), eventIds, evidence });
}

/**
 * A trigger begins one wait of a rule. One that is judged again may have begun it: by another version of the rule, or when
 * less was known of its pattern.
 */
export function begunBy(m: Moment, { rule }: CompiledRule, trigger: Trigger): Wait | undefined {
  return m.person.waits.get(waitIdOf(m, rule.name, trigger.key));
}

/** Not to be waited for: this wait has begun. */
export function recordBegun(m: Moment, compiled: CompiledRule, { eventIds, evidence }: Matter, begun: Wait): void {
  evidence.wait = waitEvidence(begun);
  const reason = alreadyWaitingReason(compiled.rule, begun);
  record(m, compiled, { code: 'already_waiting', reason, eventIds, evidence });
}

/** Not to be waited for: what has come already ends it. */
export function recordEnding(m: Moment, compiled: CompiledRule, matter: Matter, { code, event }: Ending): void {
  const { rule } = compiled;
  const { evidence } = matter;
  const reason = code === 'broken_by_event' ? brokenReason(rule, event.event) : cancelledReason(rule, event.event);
  record(m, compiled, { code, reason, eventIds: [...matter.eventIds, event.eventId], evidence });
}

interface NoTime {
  readonly problem: Extract<ReasonCode, 'time_missing' | 'time_past'>;
  readonly at?: Millis;
}

function dueAt(m: Moment, compiled: CompiledRule, { trigger, matched }: Matter): Millis | NoTime {
  const { rule, at } = compiled;
  const zone = zoneOf(rule.zone, m.person.profile.traits);
  let due = trigger.time + (rule.delay?.span ?? 0);
  if (rule.at && at) {
    const result = at.evaluate(scopeOf(m, { trigger, ...(matched && { matched }) }));
    const time = result.kind === 'value' ? timeOf(result.value) : undefined;
    if (time === undefined) return { problem: 'time_missing' };
    due = resolveAt(rule.at, zone, time);
    if (due < m.now) return { problem: 'time_past', at: due };
  } else if (rule.at) {
    due = resolveAt(rule.at, zone, due);
  }
  return Math.max(due, trigger.time + (rule.unless?.within ?? 0));
}

/** Only what names one moment: a date and time without a zone is none. */
function timeOf(value: Json): Millis | undefined {
  return typeof value === 'string' ? parseCelTimestamp(value) : undefined;
}

/** The point in time has passed, or nobody said it: the rule says what to do then. */
function missTime(
  m: Moment,
  compiled: CompiledRule,
  matter: Matter,
  { problem, at }: NoTime,
  person: PersonFacts,
): void {
  const { rule } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const policy = problem === 'time_missing' ? rule.ifMissing : rule.ifPast;
  if (policy === 'send_now') {
    const ending = endingOf(compiled, person, trigger, m.now, m.ids);
    if (ending) recordEnding(m, compiled, matter, ending);
    else finish(m, compiled, { ...matter, due: Math.max(at ?? trigger.time, trigger.time) });
    return;
  }
  const outcome = policy === 'error' ? 'failed' : 'not_matched';
  const reason = timeReason(rule, problem, at);
  record(m, compiled, { code: problem, reason, eventIds, evidence, outcome });
}

/**
 * What becomes of earlier waits of the rule for this key, and of this trigger where a later one came first. The order of
 * arrival does not matter: by event time, the first trigger is kept (`ignore`) or the last one (`restart`). But what was
 * ignored stays so, also when the wait that it met is ended afterwards by something that happened before it.
 *
 * @param end when the wait of this trigger will be over
 * @param person with what may take the trigger's place
 */
function makeRoom(
  m: Moment,
  compiled: CompiledRule,
  matter: Matter,
  end: Millis,
  person: PersonFacts,
): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  if (rule.again === 'beside') return undefined;
  const { key, trigger } = matter;
  // What a digest of another version has gathered is told all the same, and a turn is no trigger.
  const isOne = ({ kind, state }: Wait) => kind !== 'digest' && kind !== 'every' && state.trigger.key !== trigger.key;
  const same = waitsOf(m, (one) => one.rule === rule.name && one.key === key && isOne(one));
  if (rule.again === 'ignore') return keepFirst(m, compiled, matter, end, same);
  return keepLast(m, compiled, matter, laterTrigger(m, compiled, matter, end, same, person), same);
}

function keepFirst(
  m: Moment,
  compiled: CompiledRule,
  matter: Matter,
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
    recordBegun(m, compiled, matter, first);
    return 'superseded';
  }
  for (const one of overlapping) supersede(m, compiled, one, trigger);
  return overlapping[0];
}

function keepLast(
  m: Moment,
  compiled: CompiledRule,
  { trigger, eventIds, evidence }: Matter,
  later: Trigger | undefined,
  same: readonly Wait[],
): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  if (later) {
    const reason = supersededReason(rule, later);
    record(m, compiled, { code: 'superseded', reason, eventIds: [...eventIds, later.eventId], evidence });
    return 'superseded';
  }
  const earlier = same.filter(
    (one) => one.status === 'waiting' && trigger.time <= one.dueAt && isBefore(one.state.trigger, trigger),
  );
  for (const one of earlier) supersede(m, compiled, one, trigger);
  return earlier.at(-1);
}

function supersede(m: Moment, compiled: CompiledRule, one: Wait, by: Trigger): void {
  const { rule } = compiled;
  closeWait(one, 'cancelled', m.now, { event_id: by.eventId, event_type: by.type, at: by.time });
  const eventIds = [by.eventId, one.state.trigger.eventId];
  const evidence: Evidence = { ...keyed(one.key), wait: waitEvidence(one) };
  record(m, compiled, { code: 'superseded', reason: supersededReason(rule, by), eventIds, evidence });
}

/** A trigger that happened later and arrived earlier, and would have restarted this wait. */
function laterTrigger(
  m: Moment,
  compiled: CompiledRule,
  { trigger, key }: Matter,
  end: Millis,
  same: readonly Wait[],
  person: PersonFacts,
): Trigger | undefined {
  const { rule } = compiled;
  // A field says when; whichever trigger says so last is right, however much later.
  const isLater = (other: Trigger) =>
    isBefore(trigger, other) && (rule.at?.field !== undefined || other.time <= end) && other.key !== trigger.key;
  const waiting = same.find(({ state }) => isLater(state.trigger));
  if (waiting) return waiting.state.trigger;
  const said = rule.on
    .flatMap((type) => person.known.get(type) ?? [])
    .flatMap(({ event }) => (event && isAbout(rule, event) ? [event] : []));
  // Of the changes that are known already, each has begun a wait.
  const changes =
    person !== m.person && rule.changes ? changesToCome(person, (trait, to) => isWanted(rule, trait, to)) : [];
  return [...said, ...changes]
    .filter(isLater)
    .sort(byTime)
    .find((event) => keyOf(compiled, event, m.ids) === key && wouldBegin(m, compiled, event, person));
}

/** It had no wait of its own, since its time was missing or past, or something ended it at once. */
function wouldBegin(m: Moment, compiled: CompiledRule, trigger: Event, known: PersonFacts): boolean {
  const { condition, asksNow } = compiled;
  const person = whenDecided(known, trigger);
  const found = complete(compiled, person, trigger, m.ids);
  if (!found.complete) return false;
  if (!condition || asksNow) return true;
  const matched = Object.fromEntries((found.steps ?? []).map(({ event }) => [event.type, event.properties]));
  return conditionEvidence(condition, scopeOf({ ...m, person }, { trigger, matched })).result === true;
}
