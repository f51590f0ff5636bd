/**
 * Look-ahead over the undecided events of the current batch. A rule that would send immediately must consider them, because
 * a send cannot be undone. An open wait needs no look-ahead: an event ends or moves it when that event is decided.
 */

import type { Event, Json } from '../model/event.ts';
import { isSameValue } from '../users/profile.ts';
import type { UserState } from './facts.ts';
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
  const events = new Map(user.events);
  const copied = new Set<string>();
  for (const event of pending) {
    const { type, key, eventId, time } = event;
    if (!copied.has(type)) {
      copied.add(type);
      events.set(type, [...(events.get(type) ?? [])]);
    }
    events.get(type)?.push({ key, eventId, time, event });
  }
  return { ...user, events };
}

/** Returns the user's state with the profile that a pending event will find. Any other event finds the profile as it is. */
export function stateAt(user: UserState, event: Event): UserState {
  const { pending = [] } = user;
  const last = pending.indexOf(event);
  if (last < 0) return user;
  let state = user;
  for (let index = pending.length - 1; index >= last; index--) {
    const { traits, time } = pending[index] as Event;
    state = { ...user, ...mergeVisibleTraits(state, traits, time) };
  }
  return state;
}

/**
 * Returns the pending events that will change a trait as wanted, in the order in which they will be decided. Each is compared
 * with the profile that it will find.
 */
export function pendingTraitChanges(user: UserState, isWanted: (trait: string, to: Json) => boolean): Event[] {
  let state: Pick<UserState, 'profile' | 'addresses'> = user;
  return [...(user.pending ?? [])].reverse().filter(({ traits, time }) => {
    const before = visibleTraits(state);
    state = mergeVisibleTraits(state, traits, time);
    const after = visibleTraits(state);
    return Object.keys(traits).some((trait) => {
      const to = after[trait] ?? null;
      return !isSameValue(before[trait] ?? null, to) && isWanted(trait, to);
    });
  });
}
