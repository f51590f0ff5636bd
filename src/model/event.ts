/** Milliseconds since the Unix epoch (UTC). Every time is in this unit unless its name says otherwise. */
export type Millis = number;

export type Json = null | boolean | number | string | Json[] | JsonObject;

export type JsonObject = { [key: string]: Json };

/** The one tenant there is so far. */
export const DEFAULT_TENANT = 'default';

/** A fact about a person, posted by a service. What is stored: addresses are already split off and masked. */
export interface Event {
  readonly tenantId: string;
  readonly userId: string;
  /** The caller's id, or one derived from the content. Unique within the tenant. */
  readonly eventId: string;
  /** 128-bit identity as a UUID: of the caller's id, or of the content. Part of the primary key. */
  readonly key: string;
  readonly type: string;
  /** Event time: when it happened, as the caller says. */
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
}

/** What is known of a person: traits (newest event time wins per trait), addresses only as masks. */
export interface Profile {
  readonly traits: JsonObject;
  /** Per trait, the event time its value comes from. */
  readonly traitTimes: { readonly [trait: string]: Millis };
}

/** The type of event that `set` makes. */
export const PROFILE_UPDATED = 'profile.updated';

/** Traits that name how a person is reached; of two of a kind in one event the first listed counts. A rule sets none. */
export const ADDRESS_TRAITS: { readonly [trait: string]: AddressKind } = {
  email: 'email',
  email_address: 'email',
  phone: 'phone',
  phone_number: 'phone',
};

export type AddressKind = 'email' | 'phone';

/** The first place where an event does not fit: `properties.items[2].price`, and what would be right. */
export interface SchemaViolation {
  readonly path: string;
  readonly message: string;
}

/** Checks properties and traits against the schemas of the catalog; null: they fit. */
export type ValidateEvent = (type: string, properties: JsonObject, traits: JsonObject) => SchemaViolation | null;

/** An event that a rule makes, about the same person; `set` makes one of the type `profile.updated`. */
export interface Emitted {
  readonly eventId: string;
  readonly type: string;
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly rule: string;
  readonly causedBy: string;
  readonly depth: number;
}
