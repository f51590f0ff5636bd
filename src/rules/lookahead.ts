import type { Event, Json } from '../model/event.ts';
import { isSame, mergeTraits } from '../users/profile.ts';
import type { PersonFacts } from './facts.ts';

/**
 * Tells the people of a batch what is to come. Each event leaves `person.coming` when it is known.
 * @param events in the order in which they are decided
 */
export function announce<E extends Event>(events: readonly E[], personOf: (event: E) => PersonFacts): void {
  for (let place = events.length - 1; place >= 0; place--) {
    const event = events[place] as E;
    const person = personOf(event);
    if (person.coming) person.coming.push(event);
    else person.coming = [event];
  }
}

/** It is known from now on. */
export function arrive(person: PersonFacts, event: Event): void {
  const { coming } = person;
  if (coming !== undefined && coming[coming.length - 1] === event) coming.pop();
}

/**
 * The person with all events that came together. Only for what acts at once, and cannot be taken back: a wait that is open
 * is ended or moved by an event when that is decided.
 */
export function foreseen(person: PersonFacts): PersonFacts {
  const { coming } = person;
  if (coming === undefined || coming.length === 0) return person;
  const known = new Map(person.known);
  const copied = new Set<string>();
  for (const event of coming) {
    const { type, key, eventId, time } = event;
    if (!copied.has(type)) {
      copied.add(type);
      known.set(type, [...(known.get(type) ?? [])]);
    }
    known.get(type)?.push({ key, eventId, time, event });
  }
  return { ...person, known };
}

/** The person as they will be when this event is decided. */
export function whenDecided(person: PersonFacts, event: Event): PersonFacts {
  const { coming = [] } = person;
  const last = coming.indexOf(event);
  if (last < 0) return person;
  let { profile } = person;
  for (let place = coming.length - 1; place >= last; place--) {
    const { traits, time } = coming[place] as Event;
    profile = mergeTraits(profile, traits, time);
  }
  return { ...person, profile };
}

/** The events to come that will change a trait to what is wanted, each against the profile that it will find. */
export function changesToCome(
  { coming = [], profile: now }: PersonFacts,
  isWanted: (trait: string, to: Json) => boolean,
): Event[] {
  let profile = now;
  return [...coming].reverse().filter(({ traits, time }) => {
    const before = profile.traits;
    profile = mergeTraits(profile, traits, time);
    return Object.keys(traits).some((trait) => {
      const to = profile.traits[trait] ?? null;
      return !isSame(before[trait] ?? null, to) && isWanted(trait, to);
    });
  });
}
