import type { Decision } from '../model/decision.ts';
import type { Event, Json, JsonObject, Millis, Profile } from '../model/event.ts';
import { NO_TERMS, type Terms } from '../model/terms.ts';
import type { AddressIds } from '../users/address-ids.ts';
import {
  type CountedUse,
  FIRED_OUTCOMES,
  type KnownEvent,
  type LeftOut,
  type TraitChangeTrigger,
  type Wait,
} from './facts.ts';
import { CountedUses } from './known/counted-uses.ts';
import { getEventsOfType, type UserEvents } from './known/known-events.ts';
import type { UserWaits } from './known/user-waits.ts';

/**
 * Everything that is known of one user while a batch is decided. Deciding changes it in place, so that the user's next event
 * sees what was decided; the transaction that loaded it writes the changes.
 */
export interface UserState {
  readonly userId: string;
  profile: Profile;
  /**
   * The address traits of the profile as they were posted, where that is known; undefined unless a rule reads them. See
   * visible-traits.ts.
   */
  addresses: JsonObject | undefined;
  /** The user's addresses as consents are compared with them; undefined under a catalog that compares none. */
  addressIds: AddressIds | undefined;
  /** Terms on which the user gets messages; NO_TERMS: they have said nothing. */
  terms: Terms;
  /** True if the original of the stored profile cannot be opened: it has masks for addresses. */
  unreadable?: true;
  /** Known events by type: loaded ones as far as the rules require them, and those of this batch. */
  events: UserEvents;
  /** Sends that limits count, by limit key. */
  readonly uses: Map<string, CountedUses>;
  /** Triggers whose pattern is complete, as `rule event-key`: only of rules on the fast path (patterns/prior-event.ts). */
  readonly completed: Set<string>;
  /** By id: the user's open waits, and the latest ended ones of the rules and keys that were asked for. */
  readonly waits: UserWaits;
  /** Undecided events of this batch in reverse order: the one that is decided now is the last. Undefined: none was queued. */
  pending: Event[] | undefined;
  /** Results of looking at the pending events; see lookahead.ts. Undefined: no rule has looked ahead. */
  lookedAhead: LookedAhead | undefined;
  /** Trait changes whose pattern was incomplete when they became known; undefined: no such change is known. */
  openTraitChanges: TraitChangeTrigger[] | undefined;
  /**
   * By `rule event-id`: the latest event time whose decisions say that the rule fired for that event (see already-fired.ts).
   * Undefined: no such decision was loaded.
   */
  firedAt: Map<string, Millis> | undefined;
  /** Event time before which decisions were left out of `firedAt` by a bound; undefined: none were. */
  firedKnownFrom?: Millis;
  /** Further waits that triggers have started, by id, without their contents; undefined: none. They are not changed. */
  startedWaits?: Map<string, Wait>;
  /** Facts that bounds of the look-ups left out; undefined: none. */
  leftOut?: LeftOut[];
}

/** Kept because a rule that looks ahead does so for each event of a batch. */
interface LookedAhead {
  /** The known and the pending events together, kept up to date from the first time on. */
  events: UserEvents | undefined;
  /** Profiles and changes of the events that were queued last, in the order in which they are decided. */
  outlook: ReadonlyMap<Event, Outlook> | undefined;
}

/**
 * The profile that a pending event will find, and its changes. It does not depend on how many of the others are decided
 * already.
 */
export interface Outlook {
  /** Place in `pending` as it was when the events were queued. */
  readonly index: number;
  /** The profile, and the addresses that rules see, with the event's traits. */
  readonly profile: Profile;
  readonly addresses: JsonObject | undefined;
  /** Traits whose value the event changes. */
  readonly changes: readonly { readonly trait: string; readonly to: Json }[];
}

/** Returns the state of an unknown user. */
export function newUserState(userId: string): UserState {
  return {
    userId,
    profile: { traits: {}, traitTimes: {} },
    addresses: undefined,
    addressIds: undefined,
    terms: NO_TERMS,
    events: new Map(),
    uses: new Map(),
    completed: new Set(),
    waits: new Map(),
    pending: undefined,
    lookedAhead: undefined,
    openTraitChanges: undefined,
    firedAt: undefined,
  };
}

/** Adds an event whose key is not known. */
export function addEvent({ events, lookedAhead }: UserState, type: string, known: KnownEvent): void {
  getEventsOfType(events, type).add(known);
  if (lookedAhead?.events) mergeInto(lookedAhead.events, type, known);
}

/**
 * Like `addEvent`, but merges with an entry of the same key: keeps the full event if either has it, and the union of their
 * `waitsFor` patterns.
 */
export function mergeEvent({ events, lookedAhead }: UserState, type: string, known: KnownEvent): void {
  mergeInto(events, type, known);
  if (lookedAhead?.events) mergeInto(lookedAhead.events, type, known);
}

function mergeInto(events: UserEvents, type: string, known: KnownEvent): void {
  const list = getEventsOfType(events, type);
  const before = list.find(known.key);
  if (!before) list.add(known);
  else if (!before.event && known.event) list.replace(before, known);
  // An event of this batch has no such set, and needs none.
  else if (before.waitsFor && known.waitsFor && known.waitsFor.size > 0) {
    list.replace(before, { ...before, waitsFor: new Set([...before.waitsFor, ...known.waitsFor]) });
  }
}

/** Adds a use of a limit that is not known yet. Changes the user state in place, as the functions below do. */
export function addUse(user: UserState, limitKey: string, use: CountedUse): void {
  const uses = user.uses.get(limitKey);
  if (uses) uses.add(use);
  else {
    const first = new CountedUses();
    first.add(use);
    user.uses.set(limitKey, first);
  }
}

/** Like `addUse`, but has no effect when the use is known. */
export function mergeUse(user: UserState, limitKey: string, use: CountedUse): void {
  if (!user.uses.get(limitKey)?.has(use.bucket, use.slot)) addUse(user, limitKey, use);
}

/** Adds to `firedAt` what the decisions on an event of this time say. */
export function recordFired(user: UserState, time: Millis, decisions: readonly Decision[]): void {
  for (const { rule, outcome, event_ids: ids } of decisions) {
    if (!FIRED_OUTCOMES.has(outcome)) continue;
    rememberFired(user, time, rule, String(ids[0]));
  }
}

/** Adds to `firedAt` that a rule fired for a trigger. @param time of the event on which that was decided */
export function rememberFired(user: UserState, time: Millis, rule: string, triggerId: string): void {
  user.firedAt ??= new Map();
  const name = `${rule} ${triggerId}`;
  user.firedAt.set(name, Math.max(user.firedAt.get(name) ?? time, time));
}
