import type { After, Count } from '../../src/model/catalog.ts';
import type { Event, JsonObject, Millis } from '../../src/model/event.ts';
import type { CompiledRule } from '../../src/rules/compile/rule-set.ts';
import { evaluateKey, haveSameValue } from '../../src/rules/evaluate/key.ts';
import { isAbout } from '../../src/rules/evaluate/triggers.ts';
import { compareByTime } from '../../src/rules/event-order.ts';
import type { Ids, Trigger } from '../../src/rules/facts.ts';
import { formatDate, resolveZone } from '../../src/time/calendar.ts';

/**
 * Matches patterns by scanning all known events each time. Slow and plain: what the indexes of src/rules/known must agree with.
 */

export interface ReferenceMatch {
  /** Keys of the matched events; undefined: a step is missing. */
  readonly steps: readonly string[] | undefined;
  readonly counted: number | undefined;
  readonly isComplete: boolean;
}

/** @param events all known events of the user, in any order */
export function matchByScan(
  compiled: CompiledRule,
  events: readonly Event[],
  traits: JsonObject,
  trigger: Event,
  ids: Ids,
): ReferenceMatch {
  const { after, count } = compiled.rule;
  const steps = after.length === 0 ? [] : findChain(compiled, events, trigger, ids);
  const counted = count && countByScan(compiled, count, events, traits, trigger, ids);
  const isEnough = !count || (counted !== undefined && fits(count, counted));
  return {
    steps: steps?.map(({ key }) => key),
    counted: count && (counted ?? 0),
    isComplete: steps !== undefined && isEnough,
  };
}

/** Returns the keys of the known triggers that the event completes, in order of time. */
export function completedByScan(
  compiled: CompiledRule,
  events: readonly Event[],
  traits: JsonObject,
  event: Event,
  ids: Ids,
): string[] {
  const { rule } = compiled;
  const isComplete = (known: readonly Event[], trigger: Event) =>
    matchByScan(compiled, known, traits, trigger, ids).isComplete;
  return events
    .filter((known) => rule.on.includes(known.type) && isAbout(rule, known) && known.time >= event.time)
    .sort(compareByTime)
    .filter((trigger) => !isComplete(events, trigger) && isComplete([...events, event], trigger))
    .map(({ key }) => key);
}

function findRelated(
  compiled: CompiledRule,
  events: readonly Event[],
  trigger: Trigger,
  type: string,
  same: CompiledRule['sameCount'],
  ids: Ids,
): Event[] {
  const key = evaluateKey(compiled, trigger, ids);
  if (key === undefined) return [];
  return events
    .filter(
      (known) =>
        known.type === type &&
        known.key !== trigger.key &&
        evaluateKey(compiled, known, ids) === key &&
        haveSameValue(same, known, trigger, ids),
    )
    .sort(compareByTime);
}

/** Returns undefined when there is no event since which to count. */
function countByScan(
  compiled: CompiledRule,
  count: Count,
  events: readonly Event[],
  traits: JsonObject,
  trigger: Event,
  ids: Ids,
): number | undefined {
  const { window } = count;
  const all = count.of.flatMap((type) => findRelated(compiled, events, trigger, type, compiled.sameCount, ids));
  let isInWindow: (time: Millis) => boolean;
  if (window.kind === 'rolling') isInWindow = (time) => time >= trigger.time - window.span;
  else if (window.kind === 'day') {
    const zone = resolveZone(window.zone, traits);
    isInWindow = (time) => formatDate(time, zone) === formatDate(trigger.time, zone);
  } else {
    const starts = findRelated(compiled, events, trigger, window.event, undefined, ids);
    const start = starts.findLast(({ time }) => time <= trigger.time);
    if (!start) return undefined;
    isInWindow = (time) => time >= start.time;
  }
  const self = count.of.includes(trigger.type) ? 1 : 0;
  return self + all.filter(({ time }) => time <= trigger.time && isInWindow(time)).length;
}

function fits({ how, n }: Count, counted: number): boolean {
  if (how === 'at_least') return counted >= n;
  return how === 'at_most' ? counted <= n : counted === n;
}

function findChain(
  compiled: CompiledRule,
  events: readonly Event[],
  trigger: Trigger,
  ids: Ids,
): readonly Event[] | undefined {
  const { after } = compiled.rule;
  const links: Link[][] = [];
  const candidates: Event[][] = [];
  for (const [step, { event: type }] of after.entries()) {
    const related = findRelated(compiled, events, trigger, type, compiled.sameAfter[step], ids);
    const found: Link[] = [];
    candidates.push(related);
    links.push(found);
    for (let end = 1; end <= related.length; end++) {
      const event = related[end - 1] as Event;
      if (event.time > trigger.time) break;
      // Among events of the same time, only the last one is considered.
      if (related[end]?.time === event.time) continue;
      const link = findLink(after, candidates, links, step, event);
      if (link) found.push(link);
    }
  }
  const within = after.at(-1)?.within ?? 0;
  let link = links.at(-1)?.at(-1);
  if (!link || !isWithin(link.time, trigger.time, within)) return undefined;
  const chain: Event[] = [];
  for (; link; link = link.before) chain.unshift(...link.events);
  return chain;
}

/** The part of a chain that happened at one time, an event for each of its steps: only these can compete for an event. */
interface Link {
  readonly time: Millis;
  readonly events: readonly Event[];
  /** The steps before this part; undefined: it begins with the first step. */
  readonly before: Link | undefined;
}

/**
 * Returns a chain that ends with this step at the time of `last`. As many of the steps before it as possible are at the same
 * time. Undefined: there is no such chain.
 *
 * @param candidates events of each step up to this one, in order of time
 * @param links chains that end with each step before this one, in order of time
 * @param last the last event of its time that may be this step
 */
function findLink(
  after: readonly After[],
  candidates: readonly (readonly Event[])[],
  links: readonly (readonly Link[])[],
  step: number,
  last: Event,
): Link | undefined {
  const { time } = last;
  let link: Link | undefined;
  let events: readonly Event[] | undefined = [last];
  for (let first = step; events; first--) {
    if (first === 0) return { time, events, before: undefined };
    // The latest chain before this time: if it is too long ago, all of them are.
    const chains = links[first - 1] as Link[];
    const before = chains[countBefore(chains, time) - 1];
    if (before && isWithin(before.time, time, (after[first - 1] as After).within)) link = { time, events, before };
    if (findAtTime(candidates[first - 1] as Event[], time).length === 0) return link;
    events = assignDistinct(candidates.slice(first - 1, step + 1).map((some) => findAtTime(some, time)));
  }
  return link;
}

/** @param events in order of time */
function findAtTime(events: readonly Event[], time: Millis): readonly Event[] {
  const from = countBefore(events, time);
  let to = from;
  while (events[to]?.time === time) to++;
  return to === from ? [] : events.slice(from, to);
}

/** Returns how many are before `time`. @param all in order of time */
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

/**
 * Assigns a different event to each step (a bipartite matching by augmenting paths): the latest of its candidates, unless
 * another step has no other candidate. Undefined: that is impossible.
 */
function assignDistinct(candidates: readonly (readonly Event[])[]): readonly Event[] | undefined {
  const chosen: Event[] = [];
  const choose = (step: number, tried: Set<Event>): boolean => {
    const found = candidates[step]?.findLast((event) => {
      if (tried.has(event)) return false;
      tried.add(event);
      const other = chosen.findIndex(({ key }) => key === event.key);
      return other < 0 || choose(other, tried);
    });
    if (found) chosen[step] = found;
    return found !== undefined;
  };
  return candidates.every((_, step) => choose(step, new Set())) ? chosen : undefined;
}

function isWithin(earlier: Millis, time: Millis, within: Millis): boolean {
  return earlier <= time && time <= earlier + within;
}
