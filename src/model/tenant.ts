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

/** Locales to use in the place of one, the best first: `{ gl: [es, pt] }`. */
export type LocaleFallbacks = { readonly [locale: string]: readonly string[] };

/** Settings of a tenant; absent: those of the installation. */
export interface TenantSettings {
  /** Locale of messages to users without one, such as `de` or `pt-BR`. */
  readonly locale?: string;
  /** IANA time zone of messages to users without one, such as `Europe/Berlin`: their `user.time_zone` in templates. */
  readonly zone?: string;
  /** The sender of emails: an address, or a name and an address in angle brackets. */
  readonly mail_from?: string;
  /** Name and postal address of the company, as marketing emails show them: `Acme Inc.`, lines of an address. */
  readonly legal_name?: string;
  readonly postal_address?: string;
  /** Days for which a link to the page of preferences shows all of it; later it only stops messages. Absent: 30. */
  readonly preference_link_days?: number;
  /** Finding out about the readers of its emails, for types that say nothing else. Absent: nothing. */
  readonly tracking?: Tracking;
  /** For templates, as `tenant.branding`. */
  readonly branding?: JsonObject;
  /** Variables of its templates: `app_name`, `frontend_url`, `support_email` and any others. */
  readonly variables?: JsonObject;
  /** URL of the folder with the files of `{{asset "logo.png"}}`. */
  readonly asset_base_url?: string;
  /** Locales whose templates stand in for a missing one in the locale of a user, by that locale: `{ gl: [es] }`. */
  readonly locale_fallbacks?: LocaleFallbacks;
  /** The source of its templates: files of the catalog, or the API. Absent: files. */
  readonly template_source?: 'files' | 'api';
  /** Rate limits of its messages by channel: of the tenant and of each of its users. */
  readonly limits?: { readonly [channel in Channel]?: Omit<ScopedLimits, 'global'> };
}

/** A tenant without a name and settings. */
export const NO_TENANT: TenantProfile = Object.freeze({ name: '', settings: {} });

/** Name and settings of a tenant. */
export interface TenantProfile {
  readonly name: string;
  readonly settings: TenantSettings;
}
