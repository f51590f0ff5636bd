import { isoTime } from '../iso-time.ts';
import type { Event, Millis, Rule } from '../model.ts';
import { dateIn, zoneOf } from './calendar.ts';
import type { Ids, KnownEvent, PersonFacts, Trigger } from './facts.ts';
import { agree, keyOf } from './key.ts';
import type { CompiledRule } from './rule-set.ts';

/** What was found of a pattern for one trigger. */
export interface Completion {
  /** Every step of `after` was found (or there is none). */
  readonly steps: readonly WholeEvent[] | undefined;
  readonly count: Counted | undefined;
  readonly complete: boolean;
}

export interface Counted {
  readonly counted: number;
  /** `10m up to 31 October…`, `2025-10-31 (UTC)`, `since signup_completed`. */
  readonly window: string;
  readonly enough: boolean;
}

export type WholeEvent = KnownEvent & { readonly event: Event };

/** A rule on what becomes of notifications may listen to some of them only; any other event is about none. */
export function isAbout({ about }: Rule, { type, properties }: Pick<Event, 'type' | 'properties'>): boolean {
  if (about === undefined || !type.startsWith('notification.')) return true;
  return about.includes(String(properties.notification_type));
}

/** What is counted was not said: it is what triggers the rule. */
function countsTriggers({ on, count }: Rule): boolean {
  return count !== undefined && count.of.length === on.length && count.of.every((type) => on.includes(type));
}

/**
 * Looks for the pattern of a rule that ends with this trigger, in what is known of the person. What is known grows, so
 * a pattern that is incomplete now may be complete when a late event arrives.
 */
export function complete(compiled: CompiledRule, person: PersonFacts, trigger: Trigger, ids: Ids): Completion {
  const steps = compiled.rule.after.length === 0 ? [] : findSteps(compiled, person, trigger, ids);
  const count = compiled.rule.count && countIn(compiled, person, trigger, ids);
  return { steps, count, complete: steps !== undefined && (count?.enough ?? true) };
}

/** The steps of `after`, the earliest first: of all chains the one whose last step is the latest. */
function findSteps(
  compiled: CompiledRule,
  person: PersonFacts,
  trigger: Trigger,
  ids: Ids,
): readonly WholeEvent[] | undefined {
  const { after } = compiled.rule;
  let links: Link[] | undefined;
  let within: Millis = 0;
  for (const [place, step] of after.entries()) {
    const candidates = related(compiled, person, trigger, step.event, compiled.sameAfter[place], ids);
    const found: Link[] = [];
    for (const event of candidates) {
      if (event.time > trigger.time) continue;
      const before = links?.findLast((link) => isWithin(link.event, event.time, within) && !holds(link, event));
      if (!links || before) found.push({ event, before });
    }
    links = found;
    within = step.within;
  }
  let link = links?.findLast(({ event }) => isWithin(event, trigger.time, within));
  if (!link) return undefined;
  const steps: WholeEvent[] = [];
  for (; link; link = link.before) steps.unshift(link.event);
  return steps;
}

interface Link {
  readonly event: WholeEvent;
  readonly before: Link | undefined;
}

/** One event is one step only. */
function holds(link: Link, { key }: KnownEvent): boolean {
  for (let one: Link | undefined = link; one; one = one.before) if (one.event.key === key) return true;
  return false;
}

function isWithin(earlier: KnownEvent, time: Millis, within: Millis): boolean {
  return earlier.time <= time && time <= earlier.time + within;
}

function countIn(compiled: CompiledRule, person: PersonFacts, trigger: Trigger, ids: Ids): Counted {
  const { rule } = compiled;
  const { count, zone: ruleZone } = rule;
  if (!count) throw new Error(`rule ${rule.name} counts nothing`);
  const { window } = count;
  const known = count.of.flatMap((type) => related(compiled, person, trigger, type, compiled.sameCount, ids));
  const all = rule.about && countsTriggers(rule) ? known.filter(({ event }) => isAbout(rule, event)) : known;
  const self = count.of.includes(trigger.type) ? 1 : 0;
  let inside: (time: Millis) => boolean;
  let said: string;
  if (window.kind === 'rolling') {
    inside = (time) => time >= trigger.time - window.span;
    said = `the ${window.text} up to ${isoTime(trigger.time)}`;
  } else if (window.kind === 'day') {
    const zone = zoneOf(window.zone ?? ruleZone, person.profile.traits);
    const day = dateIn(trigger.time, zone);
    inside = (time) => dateIn(time, zone) === day;
    said = `${day} (${zone})`;
  } else {
    const starts = related(compiled, person, trigger, window.event, undefined, ids);
    const start = starts.findLast(({ time }) => time <= trigger.time);
    said = start ? `since ${window.event} of ${isoTime(start.time)}` : `since ${window.event}`;
    if (!start) return { counted: 0, window: said, enough: false };
    inside = (time) => time >= start.time;
  }
  const counted = self + all.filter(({ time }) => time <= trigger.time && inside(time)).length;
  const { how, n } = count;
  const enough = how === 'at_least' ? counted >= n : how === 'at_most' ? counted <= n : counted === n;
  return { counted, window: said, enough };
}

/** Known events of a type, other than the trigger, of its key and agreeing in `same`; in order of time. */
function related(
  compiled: CompiledRule,
  person: PersonFacts,
  trigger: Trigger,
  type: string,
  same: CompiledRule['sameCount'],
  ids: Ids,
): WholeEvent[] {
  const key = keyOf(compiled, trigger, ids);
  if (key === undefined) return [];
  return (person.known.get(type) ?? [])
    .filter(
      (known): known is WholeEvent =>
        known.event !== undefined &&
        known.key !== trigger.key &&
        keyOf(compiled, known.event, ids) === key &&
        agree(same, known.event, trigger, ids),
    )
    .sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1));
}

/**
 * Known triggers whose pattern may be completed by this event: not before it. Which of them it does complete shows by
 * judging each without it and with it.
 */
export function laterTriggers({ rule }: CompiledRule, person: PersonFacts, event: Event): Event[] {
  return rule.on
    .flatMap((type) => person.known.get(type) ?? [])
    .flatMap((known) => (known.event && known.time >= event.time && known.key !== event.key ? [known.event] : []))
    .sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1));
}

/** What ends a wait, or keeps it from beginning. */
export interface Ending {
  readonly code: 'cancelled_by_event' | 'broken_by_event';
  readonly event: WholeEvent;
}

/** What is known and ends a wait of this trigger that is due at `due`: the first such event. */
export function endingOf(
  compiled: CompiledRule,
  person: PersonFacts,
  trigger: Trigger,
  due: Millis,
  ids: Ids,
): Ending | undefined {
  const { rule } = compiled;
  const [cancel] = following(compiled, person, trigger, rule.cancelOn, undefined, due, ids);
  const breaking = rule.unless && breakingEvents(compiled, person, trigger, ids)[rule.unless.atLeast - 1];
  if (cancel && (!breaking || cancel.time <= breaking.time)) return { code: 'cancelled_by_event', event: cancel };
  return breaking && { code: 'broken_by_event', event: breaking };
}

/** How many of the events that break an absence have come, where it takes several. */
export function seenSoFar(
  compiled: CompiledRule,
  person: PersonFacts,
  trigger: Trigger,
  ids: Ids,
): { readonly seen?: number } {
  const { atLeast = 1 } = compiled.rule.unless ?? {};
  return atLeast === 1 ? {} : { seen: breakingEvents(compiled, person, trigger, ids).length };
}

function breakingEvents(compiled: CompiledRule, person: PersonFacts, trigger: Trigger, ids: Ids): WholeEvent[] {
  const { unless } = compiled.rule;
  if (!unless) return [];
  return following(compiled, person, trigger, unless.events, compiled.sameUnless, trigger.time + unless.within, ids);
}

/** Events of these types from the trigger to `to`; in order of time. */
function following(
  compiled: CompiledRule,
  person: PersonFacts,
  trigger: Trigger,
  types: readonly string[],
  same: CompiledRule['sameUnless'],
  to: Millis,
  ids: Ids,
): WholeEvent[] {
  return types
    .flatMap((type) => related(compiled, person, trigger, type, same, ids))
    .filter(({ time }) => time >= trigger.time && time <= to)
    .sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1));
}

/** By event time; two of one moment in an order of their own. */
export function isBefore(one: Trigger, other: Trigger): boolean {
  return one.time < other.time || (one.time === other.time && one.key < other.key);
}
