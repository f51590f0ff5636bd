import type { StoredVersion } from './catalog.ts';
import type { Channel, Priority } from './delivery.ts';
import type { JsonObject, Millis } from './event.ts';

/** Begins the ids of users who are known by an address alone; the rest is its keyed hash. */
export const ADDRESS_USER = 'addr:';

/** Returns the keyed hash of the address that a user is known by alone; undefined: they are not. */
export function getAddressHash(userId: string | undefined): string | undefined {
  return userId?.startsWith(ADDRESS_USER) ? userId.slice(ADDRESS_USER.length) : undefined;
}

/** The built-in rule of every catalog that sends what was asked for directly. It is not listed as a rule of the tenant. */
export const DIRECT_RULE = '@direct';

/** The same for tests of templates, by whose name they are known. */
export const TEST_RULE = '@test';

/** Events by which Tidings itself asks for a notification, and moves one that is scheduled. */
export const NOTIFICATION_REQUESTED = 'notification.requested';
export const NOTIFICATION_RESCHEDULED = 'notification.rescheduled';

/** Content that a request brings, in the place of the templates of its type. Channels without such a part leave it out. */
export interface OwnContent {
  /** The subject of an email, the title of push and in-app messages. */
  readonly title?: string;
  readonly text?: string;
  /** Part of an email. */
  readonly html?: string;
  /** Name of a template that the provider keeps; then there is nothing else. */
  readonly provider_template?: string;
}

/** A local time. `recipient`: in the zone of the user, or in `fallback` for a user without one. */
export interface LocalSchedule {
  /** `2026-12-01T09:00`, with seconds or without. */
  readonly local: string;
  /** `recipient`, or an IANA zone. */
  readonly zone: string;
  /** Zone of the tenant; absent: UTC. */
  readonly fallback?: string;
}

/** When a notification is to be sent: an instant (ISO 8601), or a local time. */
export type Schedule = string | LocalSchedule;

/** Origin of the zone of a local time. */
export const ZONE_SOURCES = ['recipient', 'request', 'tenant', 'default'] as const;
export type ZoneSource = (typeof ZONE_SOURCES)[number];

/** Data that the messages of a test show in the place of those of an event: a sample, or an event that happened. */
export interface TestData {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  readonly matched?: JsonObject;
  readonly data?: JsonObject;
  readonly items?: readonly JsonObject[];
  readonly total?: number;
}

/** The part of a request that makes it a test of templates. */
export interface TestPart {
  readonly shown: TestData;
  /** A version of a template of the API, a draft too; absent: the active templates. */
  readonly template?: StoredVersion;
  /** Absent: that of the user. */
  readonly locale?: string;
}

/** The parts of a request that its notification obeys. */
export interface DirectPart {
  /** Absent: all channels of the type. */
  readonly channels?: readonly Channel[];
  /** Absent: that of the type. */
  readonly priority?: Priority;
  /** After this the message is of no use; absent: as the type says. */
  readonly expiresAt?: Millis;
  readonly content?: OwnContent;
  /** Its templates show them as `event`. */
  readonly variables: JsonObject;
  /** Absent: it is no test. */
  readonly test?: TestPart;
}
