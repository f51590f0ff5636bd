import type { Event, Json } from '../model/event.ts';
import { isSameValue, mergeTraits } from '../users/profile.ts';
import type { UserState } from './facts.ts';

/**
 * Tells the people of a batch what is to come. Each event leaves `person.coming` when it is known.
 * @param events in the order in which they are decided
 */
export function queuePending<E extends Event>(events: readonly E[], getUser: (event: E) => UserState): void {
  for (let place = events.length - 1; place >= 0; place--) {
    const event = events[place] as E;
    const user = getUser(event);
    if (user.pending) user.pending.push(event);
    else user.pending = [event];
  }
}

/** It is known from now on. */
export function shiftPending(user: UserState, event: Event): void {
  const { pending: coming } = user;
  if (coming !== undefined && coming[coming.length - 1] === event) coming.pop();
}

/**
 * The person with all events that came together. Only for what acts at once, and cannot be taken back: a wait that is open
 * is ended or moved by an event when that is decided.
 */
export function withPending(user: UserState): UserState {
  const { pending: coming } = user;
  if (coming === undefined || coming.length === 0) return user;
  const known = new Map(user.events);
  const copied = new Set<string>();
  for (const event of coming) {
    const { type, key, eventId, time } = event;
    if (!copied.has(type)) {
      copied.add(type);
      known.set(type, [...(known.get(type) ?? [])]);
    }
    known.get(type)?.push({ key, eventId, time, event });
  }
  return { ...user, events: known };
}

/** The person as they will be when this event is decided. */
export function stateAt(user: UserState, event: Event): UserState {
  const { pending: coming = [] } = user;
  const last = coming.indexOf(event);
  if (last < 0) return user;
  let { profile } = user;
  for (let place = coming.length - 1; place >= last; place--) {
    const { traits, time } = coming[place] as Event;
    profile = mergeTraits(profile, traits, time);
  }
  return { ...user, profile };
}

/** The events to come that will change a trait to what is wanted, each against the profile that it will find. */
export function pendingTraitChanges(
  { pending: coming = [], profile: now }: UserState,
  isWanted: (trait: string, to: Json) => boolean,
): Event[] {
  let profile = now;
  return [...coming].reverse().filter(({ traits, time }) => {
    const before = profile.traits;
    profile = mergeTraits(profile, traits, time);
    return Object.keys(traits).some((trait) => {
      const to = profile.traits[trait] ?? null;
      return !isSameValue(before[trait] ?? null, to) && isWanted(trait, to);
    });
  });
}
