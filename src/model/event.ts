/** Milliseconds since the Unix epoch (UTC). Every time is in this unit unless its name says otherwise. */
export type Millis = number;

export type Json = null | boolean | number | string | Json[] | JsonObject;

export type JsonObject = { [key: string]: Json };

/** The tenant that the bootstrap makes, and the one that a caller, a command or the catalog directory acts for by default. */
export const DEFAULT_TENANT = 'default';

/**
 * A fact about a user, posted by a service. Its properties and traits are as posted, with one exception: the addresses of
 * the user (ADDRESS_TRAITS) are masks, unless a rule or template of the active catalog reads them from `traits`.
 */
export interface Event {
  readonly tenantId: string;
  readonly userId: string;
  /** The caller's ID, or one derived from the content. Unique within the tenant. */
  readonly eventId: string;
  /** 128-bit identity as a UUID, derived from the caller's ID or from the content. Part of the primary key. */
  readonly key: string;
  readonly type: string;
  /** Event time: when the event happened, according to the caller. */
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  /** Correlation and causation ids, source and more, as rules and templates read them. Absent: the event has no context. */
  readonly context?: JsonObject | undefined;
  /** True for a stored event whose original cannot be opened: properties and traits have masks for addresses. */
  readonly unreadable?: true;
}

/** Known traits of a user. Per trait, the value with the newest event time wins; ADDRESS_TRAITS are masks. */
export interface Profile {
  readonly traits: JsonObject;
  /** Event time of the value, by trait. */
  readonly traitTimes: { readonly [trait: string]: Millis };
}

/** The type of event emitted by `set`. */
export const PROFILE_UPDATED = 'profile.updated';

/** The type of the event by which a rule reacts to the merge of another user into this one. Tidings alone posts it. */
export const USER_MERGED = 'user.merged';

/**
 * Traits that hold an address of the user. If an event has two traits of the same kind, the one listed first counts. Rules
 * cannot set these traits.
 */
export const ADDRESS_TRAITS: { readonly [trait: string]: AddressKind } = {
  email: 'email',
  email_address: 'email',
  phone: 'phone',
  phone_number: 'phone',
};

export type AddressKind = 'email' | 'phone';

/** Returns the kind of address that a trait holds; undefined for any other trait. */
export function getAddressKind(trait: string): AddressKind | undefined {
  return Object.hasOwn(ADDRESS_TRAITS, trait) ? ADDRESS_TRAITS[trait] : undefined;
}

/** The first value that violates a schema: its path (`properties.items[2].price`) and what the schema expects. */
export interface SchemaViolation {
  readonly path: string;
  readonly message: string;
}

/** Validates properties and traits of an event against the schemas of the catalog. Returns null if they are valid. */
export type ValidateEvent = (type: string, properties: JsonObject, traits: JsonObject) => SchemaViolation | null;

/** An event emitted by a rule, about the same user. `set` emits one of type `profile.updated`. */
export interface Emitted {
  readonly eventId: string;
  readonly type: string;
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly rule: string;
  readonly causedBy: string;
  /** The context of the trigger; absent: it has no context. */
  readonly context?: JsonObject | undefined;
  readonly depth: number;
}
