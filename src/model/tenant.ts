import type { Channel } from './delivery.ts';
import type { JsonObject } from './event.ts';
import { liveTenantId } from './principal.ts';
import type { ScopedLimits } from './rate-limit.ts';
import type { Tracking } from './tracking.ts';

/** Ids that a live tenant can have; the table of tenants has the same pattern, with the ending of test tenants. */
export const LIVE_TENANT_ID: RegExp = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** Characters of such an id, for messages. */
export const TENANT_ID_HINT = 'write lower-case letters, digits, - and _, at most 63, starting with a letter or digit';

/** Returns whether a live or test tenant can have this id. */
export function isTenantId(text: string): boolean {
  return LIVE_TENANT_ID.test(liveTenantId(text));
}

/** Settings of a tenant; absent: those of the installation. */
export interface TenantSettings {
  /** Locale of messages to users without one, such as `de` or `pt-BR`. */
  readonly locale?: string;
  /** IANA time zone of messages to users without one, such as `Europe/Berlin`: their `user.time_zone` in templates. */
  readonly zone?: string;
  /** The sender of emails: an address, or a name and an address in angle brackets. */
  readonly mail_from?: string;
  /** Finding out about the readers of its emails, for types that say nothing else. Absent: nothing. */
  readonly tracking?: Tracking;
  /** For templates, as `tenant.branding`. */
  readonly branding?: JsonObject;
  /** Rate limits of its messages by channel: of the tenant and of each of its users. */
  readonly limits?: { readonly [channel in Channel]?: Omit<ScopedLimits, 'global'> };
}

/** Name and settings of a tenant. */
export interface TenantProfile {
  readonly name: string;
  readonly settings: TenantSettings;
}
