import type { Channel } from './delivery.ts';
import type { Millis } from './event.ts';
import type { Frequency } from './terms.ts';

/** A time of day that begins and ends, in minutes since local midnight; the end is excluded, and may be on the next day. */
export interface Hours {
  readonly start: number;
  readonly end: number;
}

/** A source of consent: a record of it, or a trait of the user that is true. */
export type ConsentSource = 'record' | { readonly trait: string };

/** Consent that counts only once the user has confirmed it by a link in a message to their address. */
export interface DoubleOptIn {
  /** The notification type of that message. */
  readonly type: string;
  /** Time in ms for which it can be confirmed. */
  readonly within: Millis;
  /** Words that a text message confirms it with, as `toWord` returns them. Absent: only the link of the message does. */
  readonly keywords?: readonly string[];
}

/** Time in ms for which consent can be confirmed, unless the policy says otherwise; and the longest that it may say. */
export const DEFAULT_CONFIRMATION_MS: Millis = 7 * 86_400_000;
export const MAX_CONFIRMATION_MS: Millis = 30 * 86_400_000;

/** Hours in which the law allows messages by a channel. */
export interface LegalHours extends Hours {
  /**
   * Zones that a user whose zone is not known may be in: all of their hours must allow the message. Empty: that of the tenant.
   */
  readonly zones: readonly string[];
  /** Categories that the law lets pass. */
  readonly pass: readonly string[];
  /** Regions and zones of the holders of phone numbers, by calling code without `+`; absent: nothing. The longest counts. */
  readonly callingCodes?: {
    readonly [code: string]: { readonly region?: string; readonly zones: readonly string[] };
  };
  /** Stricter hours, by the region of the user: their trait `region`, or that of the calling code. */
  readonly regions: { readonly [region: string]: readonly RegionHours[] };
}

/** Hours of a region, from a day (UTC) on; of several, the latest day that has begun counts. */
export interface RegionHours extends Hours {
  readonly from: string;
  /** Law or page that says so. */
  readonly source: string;
  /** Zones that users there may be in; absent: those of the calling code, or of the channel. */
  readonly zones?: readonly string[];
  /** Weekdays on which nothing is allowed, 1 for Monday to 7; absent: none. */
  readonly notOn?: readonly number[];
}

/** The greatest number of messages of a cap. */
export const MAX_CAP = 1000;

/** Messages of a channel that a user gets, at most; at least one of the periods. What is beyond them waits. */
export interface Cap {
  readonly perMinute?: number;
  readonly perHour?: number;
  /** By the calendar, in the zone of the user. */
  readonly perDay?: number;
  /** Messages that may come at once, within the shortest of the periods. */
  readonly burst?: number;
}

/** The policy of a tenant, as parsed from preferences.yaml. Scopes are named as in the terms of users (`PreferenceScope`). */
export interface Policy {
  /** The zone of users whose own is not known. */
  readonly zone: string;
  /** By scope: whether it is on for users who have not chosen. */
  readonly defaults: { readonly [scope: string]: boolean };
  /** By scope: whether it is on or off for every user, whatever they chose. */
  readonly locks: { readonly [scope: string]: boolean };
  /** Scopes of types and categories that no user can turn off. SECURITY is always one. */
  readonly required: readonly string[];
  /** By `CATEGORY` or `CATEGORY/channel`: any of these is consent. */
  readonly consent: { readonly [purpose: string]: readonly ConsentSource[] };
  /** By `CATEGORY/channel`; absent: nothing needs to be confirmed. */
  readonly doubleOptIn?: { readonly [purpose: string]: DoubleOptIn };
  readonly legalHours: { readonly [channel in Channel]?: LegalHours };
  /** Quiet hours of users who have not chosen their own; in the zone of the user unless it names one. */
  readonly quietHours?: Hours & { readonly zone?: string };
  /** Time over which what is held until the same instant is spread. */
  readonly holdSpread: Millis;
  /** By scope of a type or category: the products of which the user must have one. */
  readonly audiences: { readonly [scope: string]: readonly string[] };
  /** By scope of a type or category: how often it goes to users who have not chosen, at most. */
  readonly frequency: { readonly [scope: string]: Frequency };
  readonly caps: { readonly [channel in Channel]?: Cap };
  /** Categories, and `URGENT`, whose messages caps neither hold nor count. */
  readonly capsPass: readonly string[];
  /** When digests are sent, unless the user says otherwise; absent: DEFAULT_DIGEST_TIME. */
  readonly digestTime?: { readonly at: number; readonly day: number };
}

/** Digests are sent at 09:00 local time, weekly ones on Monday. */
export const DEFAULT_DIGEST_TIME: NonNullable<Policy['digestTime']> = { at: 9 * 60, day: 1 };

/** The policy of a catalog without preferences.yaml. */
export const NO_POLICY: Policy = Object.freeze({
  zone: 'UTC',
  defaults: {},
  locks: {},
  required: [],
  consent: {},
  legalHours: {},
  holdSpread: 0,
  audiences: {},
  frequency: {},
  caps: {},
  capsPass: [],
});

/** The category that is always required. */
export const REQUIRED_CATEGORY = 'SECURITY';

/** Trait with the products of a user: a text, or a list of them. */
export const PRODUCTS_TRAIT = 'products';
/** Trait with the region of a user, for legal hours: `US-FL`. */
export const REGION_TRAIT = 'region';
