/**
 * Look-ahead over the undecided events of the current batch. A rule that would send immediately must consider them, because
 * a send cannot be undone. An open wait needs no look-ahead: an event ends or moves it when that event is decided.
 */

import type { Event, Json } from '../model/event.ts';
import { isSameValue, mergeTraits } from '../users/profile.ts';
import type { UserState } from './facts.ts';
import type { UserEvents } from './known/known-events.ts';

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
    if (user.ahead) addPending(user.ahead, event);
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
  return { ...user, events: user.ahead ?? lookAhead(user, pending) };
}

/** Joins the known and the pending events. A pending event that becomes known is in both, so this is done once. */
function lookAhead(user: UserState, pending: readonly Event[]): UserEvents {
  const ahead = user.events.copy();
  user.ahead = ahead;
  for (const event of pending) addPending(ahead, event);
  return ahead;
}

function addPending(ahead: UserEvents, event: Event): void {
  const { type, key, eventId, time } = event;
  const known = ahead.ofType(type);
  if (!known.find(key)) known.add({ key, eventId, time, event });
}

/** Returns the user's state with the profile that a pending event will find. Any other event finds the profile as it is. */
export function stateAt(user: UserState, event: Event): UserState {
  const { pending = [] } = user;
  const last = pending.indexOf(event);
  if (last < 0) return user;
  let { profile } = user;
  for (let index = pending.length - 1; index >= last; index--) {
    const { traits, time } = pending[index] as Event;
    profile = mergeTraits(profile, traits, time);
  }
  return { ...user, profile };
}

/**
 * Returns the pending events that will change a trait as wanted, in the order in which they will be decided. Each is compared
 * with the profile that it will find.
 */
export function pendingTraitChanges(
  { pending = [], profile: now }: UserState,
  isWanted: (trait: string, to: Json) => boolean,
): Event[] {
  let profile = now;
  return [...pending].reverse().filter(({ traits, time }) => {
    const before = profile.traits;
    profile = mergeTraits(profile, traits, time);
    return Object.keys(traits).some((trait) => {
      const to = profile.traits[trait] ?? null;
      return !isSameValue(before[trait] ?? null, to) && isWanted(trait, to);
    });
  });
}
