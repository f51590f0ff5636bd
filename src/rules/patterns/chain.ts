import type { After } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import type { Ids, Trigger, UserState } from '../facts.ts';
import type { CompiledRule } from '../rule-set.ts';
import { type FullEvent, findRelated } from './related-events.ts';

/**
 * Finds a chain of events for the steps of `after`: each at most `within` before the next one, the last of them before the
 * trigger, and no event for two steps.
 *
 * @returns the events, the earliest first; of all chains one whose last event is the latest. Undefined: there is no chain.
 */
export function findChain(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): readonly FullEvent[] | undefined {
  const { after } = compiled.rule;
  const links: Link[][] = [];
  const candidates: FullEvent[][] = [];
  for (const [step, { event: type }] of after.entries()) {
    const events = findRelated(compiled, user, trigger, type, compiled.sameAfter[step], ids);
    const found: Link[] = [];
    candidates.push(events);
    links.push(found);
    for (let end = 1; end <= events.length; end++) {
      const event = events[end - 1] as FullEvent;
      if (event.time > trigger.time) break;
      // Among events of the same time, only the last one is considered.
      if (events[end]?.time === event.time) continue;
      const link = findLink(after, candidates, links, step, event);
      if (link) found.push(link);
    }
  }
  const within = after.at(-1)?.within ?? 0;
  let link = links.at(-1)?.at(-1);
  if (!link || !isWithin(link.time, trigger.time, within)) return undefined;
  const chain: FullEvent[] = [];
  for (; link; link = link.before) chain.unshift(...link.events);
  return chain;
}

/** The part of a chain that happened at one time, an event for each of its steps: only these can compete for an event. */
interface Link {
  readonly time: Millis;
  readonly events: readonly FullEvent[];
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
  candidates: readonly (readonly FullEvent[])[],
  links: readonly (readonly Link[])[],
  step: number,
  last: FullEvent,
): Link | undefined {
  const { time } = last;
  let link: Link | undefined;
  let events: readonly FullEvent[] | undefined = [last];
  for (let first = step; events; first--) {
    if (first === 0) return { time, events, before: undefined };
    // The latest chain before this time: if it is too long ago, all of them are.
    const chains = links[first - 1] as Link[];
    const before = chains[countBefore(chains, time) - 1];
    if (before && isWithin(before.time, time, (after[first - 1] as After).within)) link = { time, events, before };
    if (findAtTime(candidates[first - 1] as FullEvent[], time).length === 0) return link;
    events = assignDistinct(candidates.slice(first - 1, step + 1).map((some) => findAtTime(some, time)));
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
function assignDistinct(candidates: readonly (readonly FullEvent[])[]): readonly FullEvent[] | undefined {
  const chosen: FullEvent[] = [];
  const choose = (step: number, tried: Set<FullEvent>): boolean => {
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
