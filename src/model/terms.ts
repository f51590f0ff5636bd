import type { Millis } from './event.ts';

/** Frequencies with which a user wants a notification type, the most often first. */
export const FREQUENCIES = ['IMMEDIATE', 'HOURLY', 'DAILY', 'WEEKLY', 'NEVER'] as const;
export type Frequency = (typeof FREQUENCIES)[number];

/** States of a consent, as a user says. */
export const SAID_CONSENTS = ['granted', 'withdrawn'] as const;
/** `pending`: it was granted, and counts once the user has confirmed it by the link in a message to the address. */
export const CONSENT_STATES = [...SAID_CONSENTS, 'pending'] as const;
export type ConsentState = (typeof CONSENT_STATES)[number];

/** The value that a decision shows for consent that waits for its confirmation. */
export const WAITS_FOR_CONFIRMATION = 'waits_for_confirmation';

/** Method of a consent that was confirmed by the address itself. */
export const DOUBLE_OPT_IN = 'double_opt_in';

/** A value that was said, and the event time at which it was said. `null`: what was said before no longer holds. */
export type Said<T> = readonly [value: T | null, at: Millis];

/**
 * The switch of a scope: on, off, or, for everything, `listed`: only what a narrower scope turns on.
 * Numbers and not words, because they are stored with each user who has said something.
 */
export type Switch = 0 | 1 | 'listed';

/** Terms of a user for one scope. */
export interface ScopeTerms {
  readonly on?: Said<Switch>;
  /** Channels of a notification type that are on; the others are off. */
  readonly channels?: Said<readonly string[]>;
  /** Frequency of a notification type. */
  readonly freq?: Said<Frequency>;
}

/** Days of the week, Monday first. */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

/**
 * When digests are sent: minutes since local midnight, and the day of the week from 1, Monday, to 7; null: as the tenant says.
 */
export type DigestTime = readonly [at: number | null, day: number | null];

/** Quiet hours: minutes since local midnight, the end excluded, and the zone; null: that of the user. */
export type QuietHours = readonly [start: number, end: number, zone: string | null];

/** A pause of the messages to a user: until when, and why. */
export type Pause = readonly [until: Millis, reason: string];

/** Time in ms within which a pause ends: what would wait for longer is dropped. */
export const MAX_PAUSE_MS: Millis = 14 * 86_400_000;
export const MAX_PAUSE_REASON_CHARS = 200;

/** The address that a consent is bound to. */
export interface ConsentBinding {
  /** Keyed hash and mask of the address that it is bound to; absent: the channel has no address, or any address is meant. */
  readonly hash?: string;
  readonly mask?: string;
  /**
   * The hash of the address that the traits had then, empty without one; absent: the same address. A consent for the address
   * that receives, which a request has put before that of the traits, holds while the traits do not change.
   */
  readonly traitHash?: string;
}

/** The latest consent for a purpose and a channel. */
export interface ConsentTerms extends ConsentBinding {
  readonly state: (typeof SAID_CONSENTS)[number];
  readonly at: Millis;
  /** Present for a grant of an import: it counts only while the user has said nothing else. */
  readonly imported?: true;
}

/** A consent that waits for its confirmation. It decides nothing. */
export interface PendingConsent extends ConsentBinding {
  readonly at: Millis;
  /** When it can no longer be confirmed; absent: nothing says so. */
  readonly until?: Millis;
}

/**
 * The terms of a user: what they have said about the messages that they get. Merged from events, per key the newest event time
 * wins (see src/users/terms.ts).
 */
export interface Terms {
  /** By scope: see `PreferenceScope`. */
  readonly p?: { readonly [scope: string]: ScopeTerms };
  /** `0`: none, whatever the tenant's are. */
  readonly q?: Said<QuietHours | 0>;
  /** When digests are sent. */
  readonly d?: Said<DigestTime>;
  /** The pause of messages that an operator has set; it may be over. */
  readonly h?: Said<Pause>;
  /** By `PURPOSE/channel`. */
  readonly k?: { readonly [key: string]: ConsentTerms };
  /** By `PURPOSE/channel`: the latest consent that waits for its confirmation. */
  readonly w?: { readonly [key: string]: PendingConsent };
  /** Preferences of before this time are reset. */
  readonly reset?: Millis;
}

/** The terms of a user who has said nothing. */
export const NO_TERMS: Terms = Object.freeze({});

/** Size of the terms of a user, at most, in characters of JSON. */
export const MAX_TERMS_CHARS = 64 * 1024;

/**
 * The name of a scope: `*` everything, `ch:CHANNEL`, `c:CATEGORY`, `c:CATEGORY/CHANNEL`, `t:TYPE`, `t:TYPE/CHANNEL`.
 */
export type PreferenceScope = string;

/** Event types that change the terms of a user. Tidings alone posts them. */
export const PREFERENCE_UPDATED = 'preference.updated';
export const CONSENT_RECORDED = 'consent.recorded';
