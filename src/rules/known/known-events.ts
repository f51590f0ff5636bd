/**
 * The known events of one user, in order of time and indexed as rules look at them, so that an event costs about as much
 * for a user with ten thousand events in the window as for one with ten.
 */

import type { Event, Millis } from '../../model/event.ts';
import type { Ids, KnownEvent } from '../facts.ts';
import { countBefore, findIndexOf, insertInOrder } from './in-order.ts';

/** A known event with its content. */
export type FullEvent = KnownEvent & { readonly event: Event };

/** Up to this many events, a scan costs less than an index. */
export const MAX_SCANNED_EVENTS = 16;

/**
 * A way to divide the events of a type into groups. One object for each rule and purpose (`groupings.ts`): it is the
 * identity of the index.
 */
export interface Grouping {
  /**
   * Returns the name of the group of an event; undefined for an event in no group.
   * @param variant what the grouping depends on beside the event, such as a time zone
   */
  nameOf(event: Event, ids: Ids, variant: string): string | undefined;
}

/** The events of one group, in order of time; those with content only. */
export interface EventGroup {
  readonly events: FullEvent[];
  /** Called after an event was added. */
  followers: ((event: FullEvent) => void)[] | undefined;
}

interface Groups {
  readonly variant: string;
  readonly ids: Ids;
  readonly byName: Map<string, EventGroup>;
}

/** The known events of one type. */
export class KnownEvents implements Iterable<KnownEvent> {
  /** In order of time and key. */
  readonly #items: KnownEvent[];
  /** Built when there is much to search. */
  #byKey: Map<string, KnownEvent> | undefined;
  #groups: Map<Grouping, Groups> | undefined;

  /** @param items in order of time and key; kept */
  constructor(items: KnownEvent[] = []) {
    this.#items = items;
  }

  /** In order of time and key. Not to be changed. */
  get items(): readonly KnownEvent[] {
    return this.#items;
  }

  get length(): number {
    return this.#items.length;
  }

  [Symbol.iterator](): Iterator<KnownEvent> {
    return this.#items[Symbol.iterator]();
  }

  /** Returns how many events are at `time` or later. */
  countFrom(time: Millis): number {
    const { length } = this.#items;
    const last = this.#items[length - 1];
    return !last || last.time < time ? 0 : length - countBefore(this.#items, time);
  }

  find(key: string): KnownEvent | undefined {
    if (this.#items.length <= MAX_SCANNED_EVENTS) return this.#items.find((known) => known.key === key);
    this.#byKey ??= new Map(this.#items.map((known) => [known.key, known]));
    return this.#byKey.get(key);
  }

  /** Adds an event whose key is not known. */
  add(known: KnownEvent): void {
    insertInOrder(this.#items, known);
    this.#byKey?.set(known.key, known);
    if (this.#groups && known.event) {
      for (const [grouping, groups] of this.#groups) addToGroup(grouping, groups, known as FullEvent);
    }
  }

  /** Puts an event in the place of one with the same key and time. */
  replace(before: KnownEvent, known: KnownEvent): void {
    this.#items[findIndexOf(this.#items, before)] = known;
    this.#byKey?.set(known.key, known);
    if (!this.#groups || !known.event) return;
    for (const [grouping, groups] of this.#groups) {
      if (!before.event) addToGroup(grouping, groups, known as FullEvent);
      else {
        const name = grouping.nameOf(known.event, groups.ids, groups.variant);
        const { events } = (name !== undefined && groups.byName.get(name)) || NO_GROUP;
        const index = findIndexOf(events, known);
        if (index >= 0) events[index] = known as FullEvent;
      }
    }
  }

  /** Returns the groups that a grouping makes, by name. Built once for each variant, and kept up to date. */
  groupBy(grouping: Grouping, ids: Ids, variant = ''): ReadonlyMap<string, EventGroup> {
    return this.#groupBy(grouping, ids, variant).byName;
  }

  /** Returns the group of this name, which may be empty; it is the same object until another variant is asked for. */
  getGroup(grouping: Grouping, ids: Ids, name: string, variant = ''): EventGroup {
    const { byName } = this.#groupBy(grouping, ids, variant);
    const known = byName.get(name);
    if (known) return known;
    const group: EventGroup = { events: [], followers: undefined };
    byName.set(name, group);
    return group;
  }

  #groupBy(grouping: Grouping, ids: Ids, variant: string): Groups {
    this.#groups ??= new Map();
    const built = this.#groups.get(grouping);
    if (built?.variant === variant) return built;
    const groups: Groups = { variant, ids, byName: new Map() };
    for (const known of this.#items) if (known.event) addToGroup(grouping, groups, known as FullEvent);
    this.#groups.set(grouping, groups);
    return groups;
  }
}

const NO_GROUP = { events: [] as FullEvent[] };

function addToGroup(grouping: Grouping, { byName, ids, variant }: Groups, known: FullEvent): void {
  const name = grouping.nameOf(known.event, ids, variant);
  if (name === undefined) return;
  const group = byName.get(name);
  if (group) insertInOrder(group.events, known);
  else byName.set(name, { events: [known], followers: undefined });
  if (group?.followers) for (const follow of group.followers) follow(known);
}

/** The known events of one user by type. */
export type UserEvents = Map<string, KnownEvents>;

/** Indexes over several types, by the object that made them. Few users need one. */
const indexes = new WeakMap<UserEvents, Map<object, unknown>>();

/** Returns the events of a type; the same object from now on. */
export function getEventsOfType(events: UserEvents, type: string): KnownEvents {
  let known = events.get(type);
  if (!known) {
    known = new KnownEvents();
    events.set(type, known);
  }
  return known;
}

/** Returns the index that `build` made for this owner, and builds it the first time. */
export function getIndex<Index>(events: UserEvents, owner: object, build: () => Index): Index {
  let byOwner = indexes.get(events);
  if (!byOwner) {
    byOwner = new Map();
    indexes.set(events, byOwner);
  }
  let index = byOwner.get(owner) as Index | undefined;
  if (index === undefined) {
    index = build();
    byOwner.set(owner, index);
  }
  return index;
}

/** Returns a copy without indexes. @param from time of the earliest event to copy */
export function copyEvents(events: UserEvents, from: Millis = Number.NEGATIVE_INFINITY): UserEvents {
  const copy: UserEvents = new Map();
  for (const [type, { items }] of events) copy.set(type, new KnownEvents(items.slice(countBefore(items, from))));
  return copy;
}
