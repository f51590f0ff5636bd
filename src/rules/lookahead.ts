/**
 * Look-ahead over the undecided events of the current batch. A rule that would send immediately must consider them, because
 * a send cannot be undone. An open wait needs no look-ahead: an event ends or moves it when that event is decided.
 */

import type { Event, Json } from '../model/event.ts';
import { isSameValue } from '../users/profile.ts';
import { copyEvents, getEventsOfType, type UserEvents } from './known/known-events.ts';
import type { Outlook, UserState } from './user-state.ts';
import { mergeVisibleTraits, visibleTraits } from './visible-traits.ts';

/**
 * Adds events to `pending` of their users. Each is removed (`shiftPending`) when it is decided.
 * @param events in the order in which they will be decided
 */
export function queuePending(events: readonly Event[], users: { getUser(userId: string): UserState }): void {
  for (let index = events.length - 1; index >= 0; index--) {
    const event = events[index] as Event;
    const user = users.getUser(event.userId);
    if (user.pending) user.pending.push(event);
    else user.pending = [event];
    const { lookedAhead } = user;
    if (lookedAhead) lookedAhead.outlook = undefined;
    if (lookedAhead?.events) addPending(lookedAhead.events, event);
  }
}

/** Removes the event that is decided now from the user's pending events. No effect on an event that was not queued. */
export function shiftPending({ pending }: UserState, event: Event): void {
  if (pending !== undefined && pending[pending.length - 1] === event) pending.pop();
}

/** Returns the user's state as if all pending events were known, without changing it. */
export function withPending(user: UserState): UserState {
  const { pending } = user;
  if (pending === undefined || pending.length === 0) return user;
  const events = user.lookedAhead?.events ?? lookAhead(user, pending);
  return { ...user, events };
}

/** Joins the known and the pending events. A pending event that becomes known is in both, so this is done once. */
function lookAhead(user: UserState, pending: readonly Event[]): UserEvents {
  const ahead = copyEvents(user.events);
  getLookaheadMemory(user).events = ahead;
  for (const event of pending) addPending(ahead, event);
  return ahead;
}

function addPending(ahead: UserEvents, event: Event): void {
  const { type, key, eventId, time } = event;
  const known = getEventsOfType(ahead, type);
  if (!known.find(key)) known.add({ key, eventId, time, event });
}

/** Returns the user's state with the profile that a pending event will find. Any other event finds the profile as it is. */
export function stateAt(user: UserState, event: Event): UserState {
  const { pending } = user;
  if (pending === undefined || pending.length === 0) return user;
  const outlook = getOutlook(user, pending).get(event);
  return outlook && outlook.index < pending.length
    ? { ...user, profile: outlook.profile, addresses: outlook.addresses }
    : user;
}

/**
 * Returns the pending events that will change a trait as wanted, in the order in which they will be decided. Each is compared
 * with the profile that it will find.
 * @param decided key of the event that is decided now, which is left out; it may be pending still
 */
export function pendingTraitChanges(
  user: UserState,
  decided: string,
  isWanted: (trait: string, to: Json) => boolean,
): Event[] {
  const { pending } = user;
  if (pending === undefined || pending.length === 0) return [];
  const found: Event[] = [];
  for (const [event, { index, changes }] of getOutlook(user, pending)) {
    const isAhead = index < pending.length && event.key !== decided;
    if (isAhead && changes.some(({ trait, to }) => isWanted(trait, to))) found.push(event);
  }
  return found;
}

/** Returns the outlook of the pending events, in the order in which they will be decided. Made once for each batch. */
function getOutlook(user: UserState, pending: readonly Event[]): ReadonlyMap<Event, Outlook> {
  const memory = getLookaheadMemory(user);
  if (memory.outlook) return memory.outlook;
  const outlook = new Map<Event, Outlook>();
  let state: Pick<UserState, 'profile' | 'addresses'> = user;
  for (let index = pending.length - 1; index >= 0; index--) {
    const event = pending[index] as Event;
    const before = visibleTraits(state);
    state = mergeVisibleTraits(state, event.traits, event.time);
    const after = visibleTraits(state);
    const changes: Outlook['changes'][number][] = [];
    for (const trait of Object.keys(event.traits)) {
      const to = after[trait] ?? null;
      if (!isSameValue(before[trait] ?? null, to)) changes.push({ trait, to });
    }
    outlook.set(event, { index, profile: state.profile, addresses: state.addresses, changes });
  }
  memory.outlook = outlook;
  return outlook;
}

function getLookaheadMemory(user: UserState): NonNullable<UserState['lookedAhead']> {
  user.lookedAhead ??= { events: undefined, outlook: undefined };
  return user.lookedAhead;
}
