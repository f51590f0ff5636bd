/**
 * The chains of events for the steps of `after`, among events that belong together: which times a chain can end at, for each
 * step. Kept up to date when a late event arrives; an event becomes the end of a chain once, so all of this costs little
 * more than sorting.
 */

import type { After } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import type { Trigger } from '../facts.ts';
import { countBefore, countUpTo } from '../known/in-order.ts';
import type { FullEvent } from '../known/known-events.ts';

/** The part of a chain that happened at one time, an event for each of its steps: only these can compete for an event. */
interface Link {
  readonly events: readonly FullEvent[];
  /** The first step of this part. */
  readonly first: number;
  /** Time at which the chain of the steps before this part ends; undefined: this part begins with the first step. */
  readonly before: Millis | undefined;
}

/** A time at which some event of a step happened. */
interface Moment {
  readonly time: Millis;
}

export class ChainIndex {
  readonly #after: readonly After[];
  /** The events that may be each step, in order of time. */
  readonly #candidates: readonly (readonly FullEvent[])[];
  /** For each step the times of its events at which a chain up to this step can end, in order. */
  readonly #linked: Moment[][] = [];
  /** For each step the times of its other events, in order. */
  readonly #unlinked: Moment[][] = [];
  /**
   * For each step its linked times that no chain of the steps before reaches from an earlier time: some of these steps are at
   * the same time. Once an earlier chain reaches such a time, these events are free for later steps of this time.
   */
  readonly #sharing: Moment[][] = [];

  /** @param candidates the events that may be each step, in order of time; `add` must be called when one is added */
  constructor(after: readonly After[], candidates: readonly (readonly FullEvent[])[]) {
    this.#after = after;
    this.#candidates = candidates;
    for (let step = 0; step < candidates.length; step++) {
      const events = candidates[step] as readonly FullEvent[];
      const linked: Moment[] = [];
      const unlinked: Moment[] = [];
      const sharing: Moment[] = [];
      this.#linked.push(linked);
      this.#unlinked.push(unlinked);
      this.#sharing.push(sharing);
      for (let index = 0; index < events.length; index++) {
        const event = events[index] as FullEvent;
        const { time } = event;
        // Among events of the same time, only the last one is considered.
        if (events[index + 1]?.time === time) continue;
        if (step === 0 || this.#isReachedEarlier(step, time)) linked.push(event);
        else if (this.#findLink(step, time)) {
          linked.push(event);
          sharing.push(event);
        } else unlinked.push(event);
      }
    }
  }

  /** For the last step, the times at which a chain can end, in order. */
  get ends(): readonly { readonly time: Millis }[] {
    return this.#linked.at(-1) as Moment[];
  }

  /** Returns the events of a chain that ends with the trigger, the earliest first; undefined without one. */
  find(trigger: Pick<Trigger, 'time' | 'key'>): readonly FullEvent[] | undefined {
    const step = this.#after.length - 1;
    // At the time of the trigger, which may be a candidate itself, the links are not those of the index.
    let link = this.#findLink(step, trigger.time, trigger.key);
    if (!link) {
      const end = findLastBefore(this.ends, trigger.time);
      if (!end || !isWithin(end.time, trigger.time, (this.#after[step] as After).within)) return undefined;
      link = this.#findLink(step, end.time);
    }
    const chain: FullEvent[] = [];
    while (link) {
      chain.unshift(...link.events);
      link = link.before === undefined ? undefined : this.#findLink(link.first - 1, link.before);
    }
    return chain;
  }

  /** Brings the index up to date after an event was added to the candidates of a step. */
  add(step: number, time: Millis): void {
    if (!this.#hasCandidate(step, time)) insertTime(this.#unlinked[step] as Moment[], { time });
    let fresh: Moment[] = [];
    // Times at which the events are shared among the steps in another way now, so that later steps may get one of their own.
    let shared: Moment[] = [{ time }];
    for (let next = step; next < this.#after.length; next++) {
      const found: Moment[] = [];
      const spans = this.#reachedFrom(next, fresh);
      for (const { from, to } of spans) this.#linkBetween(next, from, to, found);
      for (const moment of shared) this.#linkBetween(next, moment.time, moment.time, found);
      shared = shared.filter((moment) => this.#hasCandidate(next, moment.time));
      for (const { from, to } of spans) {
        const sharing = this.#sharing[next] as Moment[];
        const start = countUpTo(sharing, from);
        shared.push(...sharing.splice(start, countUpTo(sharing, to) - start));
      }
      fresh = found;
    }
  }

  /**
   * Returns the times at which chains might end that do not yet, or end otherwise, if an event were a candidate of these
   * steps; in order. Perhaps more times than there would be.
   */
  preview(steps: readonly number[], time: Millis): readonly Millis[] {
    let fresh: Moment[] = [];
    let shared: Moment[] = [];
    for (let step = 0; step < this.#after.length; step++) {
      const found: Moment[] = [];
      const unlinked = this.#unlinked[step] as Moment[];
      const isOwn = steps.includes(step);
      const spans = this.#reachedFrom(step, fresh);
      if (isOwn && (step === 0 || this.#isReached(step, time, fresh))) found.push({ time });
      for (const { from, to } of spans)
        found.push(...unlinked.slice(countBefore(unlinked, from), countUpTo(unlinked, to)));
      for (const moment of shared) if (hasTime(unlinked, moment.time)) found.push(moment);
      shared = shared.filter((moment) => this.#hasCandidate(step, moment.time));
      if (isOwn) shared.push({ time });
      const sharing = this.#sharing[step] as Moment[];
      for (const { from, to } of spans) shared.push(...sharing.slice(countUpTo(sharing, from), countUpTo(sharing, to)));
      found.sort((a, b) => a.time - b.time);
      fresh = found.filter((moment, index) => moment.time !== found[index - 1]?.time);
    }
    return fresh.map((moment) => moment.time);
  }

  #hasCandidate(step: number, time: Millis): boolean {
    return hasTime(this.#linked[step] as Moment[], time) || hasTime(this.#unlinked[step] as Moment[], time);
  }

  /** Returns whether a chain up to the step before ends not too long before this time, or would if it ended at `fresh` too. */
  #isReached(step: number, time: Millis, fresh: readonly Moment[]): boolean {
    const { within } = this.#after[step - 1] as After;
    return [this.#linked[step - 1] as Moment[], fresh].some((moments) => {
      const latest = moments[countUpTo(moments, time) - 1];
      return latest !== undefined && isWithin(latest.time, time, within);
    });
  }

  /** Returns the spans in which this step continues chains that end at these times; in order and apart. */
  #reachedFrom(step: number, fresh: readonly Moment[]): { readonly from: Millis; readonly to: Millis }[] {
    if (fresh.length === 0) return [];
    const { within } = this.#after[step - 1] as After;
    const spans: { from: Millis; to: Millis }[] = [];
    for (const { time } of fresh) {
      const last = spans.at(-1);
      if (last && time <= last.to) last.to = time + within;
      else spans.push({ from: time, to: time + within });
    }
    return spans;
  }

  /** Moves the times of a step between two times to the linked ones if a chain can end there now, and adds them to `found`. */
  #linkBetween(step: number, from: Millis, to: Millis, found: Moment[]): void {
    const unlinked = this.#unlinked[step] as Moment[];
    const start = countBefore(unlinked, from);
    const end = countUpTo(unlinked, to);
    if (start === end) return;
    const left: Moment[] = [];
    for (const moment of unlinked.slice(start, end)) {
      const isReached = step === 0 || this.#isReachedEarlier(step, moment.time);
      if (!isReached && !this.#findLink(step, moment.time)) {
        left.push(moment);
        continue;
      }
      insertTime(this.#linked[step] as Moment[], moment);
      if (!isReached) insertTime(this.#sharing[step] as Moment[], moment);
      insertTime(found, moment);
    }
    if (left.length < end - start) unlinked.splice(start, end - start, ...left);
  }

  /** Returns whether a chain up to the step before ends earlier than this time, and not too long before it. */
  #isReachedEarlier(step: number, time: Millis): boolean {
    const before = findLastBefore(this.#linked[step - 1] as Moment[], time);
    return before !== undefined && isWithin(before.time, time, (this.#after[step - 1] as After).within);
  }

  /**
   * Returns a chain that ends with this step at this time. As many of the steps before it as possible are at the same time.
   * Undefined: there is no such chain.
   * @param excluded the key of an event that no step may be; only at this time
   */
  #findLink(step: number, time: Millis, excluded?: string): Link | undefined {
    const last = this.#lastAt(step, time, excluded);
    if (!last) return undefined;
    let link: Link | undefined;
    let events: readonly FullEvent[] | undefined = [last];
    for (let first = step; events; first--) {
      if (first === 0) return { events, first, before: undefined };
      // The latest chain before this time: if it is too long ago, all of them are.
      const before = findLastBefore(this.#linked[first - 1] as Moment[], time);
      if (before && isWithin(before.time, time, (this.#after[first - 1] as After).within)) {
        link = { events, first, before: before.time };
      }
      if (!this.#lastAt(first - 1, time, excluded)) return link;
      events = this.#assignDistinct(first - 1, step, time, excluded);
    }
    return link;
  }

  #lastAt(step: number, time: Millis, excluded: string | undefined): FullEvent | undefined {
    const events = this.#candidates[step] as readonly FullEvent[];
    const end = countUpTo(events, time);
    const last = events[end - 1];
    const found = last?.key === excluded ? events[end - 2] : last;
    return found?.time === time ? found : undefined;
  }

  /**
   * Assigns a different event of one time to each step (a bipartite matching by augmenting paths): the latest of its
   * candidates, unless another step has no other candidate. Undefined: that is impossible.
   */
  #assignDistinct(
    first: number,
    last: number,
    time: Millis,
    excluded: string | undefined,
  ): readonly FullEvent[] | undefined {
    const chosen: FullEvent[] = [];
    const choose = (index: number, tried: Set<string>): boolean => {
      const events = this.#candidates[first + index] as readonly FullEvent[];
      for (let place = countUpTo(events, time) - 1; events[place]?.time === time; place--) {
        const event = events[place] as FullEvent;
        if (event.key === excluded || tried.has(event.key)) continue;
        tried.add(event.key);
        const other = chosen.findIndex(({ key }) => key === event.key);
        if (other >= 0 && !choose(other, tried)) continue;
        chosen[index] = event;
        return true;
      }
      return false;
    };
    for (let index = 0; index <= last - first; index++) if (!choose(index, new Set())) return undefined;
    return chosen;
  }
}

function findLastBefore(moments: readonly Moment[], time: Millis): Moment | undefined {
  return moments[countBefore(moments, time) - 1];
}

function hasTime(moments: readonly Moment[], time: Millis): boolean {
  return moments[countBefore(moments, time)]?.time === time;
}

function insertTime(moments: Moment[], moment: Moment): void {
  const last = moments[moments.length - 1];
  if (!last || last.time < moment.time) moments.push(moment);
  else moments.splice(countBefore(moments, moment.time), 0, moment);
}

function isWithin(earlier: Millis, time: Millis, within: Millis): boolean {
  return earlier <= time && time <= earlier + within;
}
