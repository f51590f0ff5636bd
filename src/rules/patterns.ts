import type { After, Rule } from '../model/catalog.ts';
import type { Event, Millis } from '../model/event.ts';
import { formatDate, resolveZone } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Ids, KnownEvent, Trigger, UserState } from './facts.ts';
import { evaluateKey, haveSameValue } from './key.ts';
import type { CompiledRule } from './rule-set.ts';

/** What was found of a pattern for one trigger. */
export interface Completion {
  /** Every step of `after` was found (or there is none). */
  readonly steps: readonly FullEvent[] | undefined;
  readonly count: Counted | undefined;
  readonly findCompletion: boolean;
}

export interface Counted {
  readonly counted: number;
  /** `10m up to 31 October…`, `2025-10-31 (UTC)`, `since signup_completed`. */
  readonly window: string;
  readonly enough: boolean;
}

export type FullEvent = KnownEvent & { readonly event: Event };

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
export function complete(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): Completion {
  const steps = compiled.rule.after.length === 0 ? [] : findSteps(compiled, user, trigger, ids);
  const count = compiled.rule.count && countEvents(compiled, user, trigger, ids);
  return { steps, count, findCompletion: steps !== undefined && (count?.enough ?? true) };
}

/** The steps of `after`, the earliest first: of all chains one whose last step is the latest. */
function findSteps(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): readonly FullEvent[] | undefined {
  const { after } = compiled.rule;
  const chains: Link[][] = [];
  const candidates: FullEvent[][] = [];
  for (const [place, { event: type }] of after.entries()) {
    const events = findRelated(compiled, user, trigger, type, compiled.sameAfter[place], ids);
    const found: Link[] = [];
    candidates.push(events);
    chains.push(found);
    for (let end = 1; end <= events.length; end++) {
      const event = events[end - 1] as FullEvent;
      if (event.time > trigger.time) break;
      // Of several of one moment the last is asked.
      if (events[end]?.time === event.time) continue;
      const link = findLink(after, candidates, chains, place, event);
      if (link) found.push(link);
    }
  }
  const within = after.at(-1)?.within ?? 0;
  let link = chains.at(-1)?.at(-1);
  if (!link || !isWithin(link.time, trigger.time, within)) return undefined;
  const steps: FullEvent[] = [];
  for (; link; link = link.before) steps.unshift(...link.events);
  return steps;
}

/** Steps of one moment, one event each: only these can want the same event. */
interface Link {
  readonly time: Millis;
  readonly events: readonly FullEvent[];
  /** The steps before them. */
  readonly before: Link | undefined;
}

/**
 * A chain that ends with this step in this moment; of the steps before it, as many in the same moment as can be.
 * @param last event of the moment that may be this step
 */
function findLink(
  after: readonly After[],
  candidates: readonly (readonly FullEvent[])[],
  chains: readonly (readonly Link[])[],
  place: number,
  last: FullEvent,
): Link | undefined {
  const { time } = last;
  let link: Link | undefined;
  let events: readonly FullEvent[] | undefined = [last];
  for (let first = place; events; first--) {
    if (first === 0) return { time, events, before: undefined };
    // Of those before it the last: if it is too long ago, all are.
    const chain = chains[first - 1] as Link[];
    const before = chain[countBefore(chain, time) - 1];
    if (before && isWithin(before.time, time, (after[first - 1] as After).within)) link = { time, events, before };
    if (findAtTime(candidates[first - 1] as FullEvent[], time).length === 0) return link;
    events = assignDistinct(candidates.slice(first - 1, place + 1).map((some) => findAtTime(some, time)));
  }
  return link;
}

/** @param events in order of time */
function findAtTime(events: readonly FullEvent[], time: Millis): readonly FullEvent[] {
  const from = countBefore(events, time);
  let to = from;
  while (events[to]?.time === time) to++;
  return to === from ? [] : events.slice(from, to);
}

/** @param all in order of time */
function countBefore(all: readonly { readonly time: Millis }[], time: Millis): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle]?.time ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An event for each step, none for two of them: the latest, unless another step has no other. */
function assignDistinct(wanted: readonly (readonly FullEvent[])[]): readonly FullEvent[] | undefined {
  const chosen: FullEvent[] = [];
  const choose = (step: number, tried: Set<FullEvent>): boolean => {
    const found = wanted[step]?.findLast((event) => {
      if (tried.has(event)) return false;
      tried.add(event);
      const other = chosen.findIndex(({ key }) => key === event.key);
      return other < 0 || choose(other, tried);
    });
    if (found) chosen[step] = found;
    return found !== undefined;
  };
  return wanted.every((_, step) => choose(step, new Set())) ? chosen : undefined;
}

function isWithin(earlier: Millis, time: Millis, within: Millis): boolean {
  return earlier <= time && time <= earlier + within;
}

function countEvents(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): Counted {
  const { rule } = compiled;
  const { count } = rule;
  if (!count) throw new Error(`rule ${rule.name} counts nothing`);
  const { window } = count;
  const known = count.of.flatMap((type) => findRelated(compiled, user, trigger, type, compiled.sameCount, ids));
  const all = rule.about && countsTriggers(rule) ? known.filter(({ event }) => isAbout(rule, event)) : known;
  const self = count.of.includes(trigger.type) ? 1 : 0;
  let inside: (time: Millis) => boolean;
  let said: string;
  if (window.kind === 'rolling') {
    inside = (time) => time >= trigger.time - window.span;
    said = `the ${window.text} up to ${isoTime(trigger.time)}`;
  } else if (window.kind === 'day') {
    const zone = resolveZone(window.zone, user.profile.traits);
    const day = formatDate(trigger.time, zone);
    inside = (time) => formatDate(time, zone) === day;
    said = `${day} (${zone})`;
  } else {
    const starts = findRelated(compiled, user, trigger, window.event, undefined, ids);
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
function findRelated(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  type: string,
  same: CompiledRule['sameCount'],
  ids: Ids,
): FullEvent[] {
  const key = evaluateKey(compiled, trigger, ids);
  if (key === undefined) return [];
  return (user.events.get(type) ?? [])
    .filter(
      (known): known is FullEvent =>
        known.event !== undefined &&
        known.key !== trigger.key &&
        evaluateKey(compiled, known.event, ids) === key &&
        haveSameValue(same, known.event, trigger, ids),
    )
    .sort(compareByTime);
}

/**
 * Known triggers whose pattern may be completed by this event: not before it. Which of them it does complete shows by
 * judging each without it and with it.
 */
export function findLaterTriggers({ rule }: CompiledRule, user: UserState, event: Event): Event[] {
  return rule.on
    .flatMap((type) => user.events.get(type) ?? [])
    .flatMap((known) => (known.event && known.time >= event.time && known.key !== event.key ? [known.event] : []))
    .sort(compareByTime);
}

/** What ends a wait, or keeps it from beginning. */
export interface Ending {
  readonly code: 'cancelled_by_event' | 'unless_event_occurred';
  readonly event: FullEvent;
}

/** What is known and ends a wait of this trigger that is due at `due`: the first such event. */
export function findEnding(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  due: Millis,
  ids: Ids,
): Ending | undefined {
  const { rule } = compiled;
  const [cancel] = findFollowing(compiled, user, trigger, rule.cancelOn, undefined, due, ids);
  const breaking = rule.unless && breakingEvents(compiled, user, trigger, ids)[rule.unless.atLeast - 1];
  if (cancel && (!breaking || cancel.time <= breaking.time)) return { code: 'cancelled_by_event', event: cancel };
  return breaking && { code: 'unless_event_occurred', event: breaking };
}

/** How many of the events that break an absence have come, where it takes several. */
export function countSeen(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): { readonly seen?: number } {
  const { atLeast = 1 } = compiled.rule.unless ?? {};
  return atLeast === 1 ? {} : { seen: breakingEvents(compiled, user, trigger, ids).length };
}

function breakingEvents(compiled: CompiledRule, user: UserState, trigger: Trigger, ids: Ids): FullEvent[] {
  const { unless } = compiled.rule;
  if (!unless) return [];
  return findFollowing(compiled, user, trigger, unless.events, compiled.sameUnless, trigger.time + unless.within, ids);
}

/** Events of these types from the trigger to `to`; in order of time. */
function findFollowing(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  types: readonly string[],
  same: CompiledRule['sameUnless'],
  to: Millis,
  ids: Ids,
): FullEvent[] {
  return types
    .flatMap((type) => findRelated(compiled, user, trigger, type, same, ids))
    .filter(({ time }) => time >= trigger.time && time <= to)
    .sort(compareByTime);
}

/** By event time; two of one moment in an order of their own. */
export function compareByTime(a: Pick<Trigger, 'time' | 'key'>, b: Pick<Trigger, 'time' | 'key'>): number {
  return a.time - b.time || (a.key < b.key ? -1 : 1);
}

/** In the same order. */
export function isBefore(one: Trigger, other: Trigger): boolean {
  return one.time < other.time || (one.time === other.time && one.key < other.key);
}
