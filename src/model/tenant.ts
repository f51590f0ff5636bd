import type { JsonObject } from './event.ts';

/** Settings of a tenant; absent: those of the installation. */
export interface TenantSettings {
  /** Locale of messages to users without one, such as `de` or `pt-BR`. */
  readonly locale?: string;
  /** IANA time zone of messages to users without one, such as `Europe/Berlin`: their `user.time_zone` in templates. */
  readonly zone?: string;
  /** The sender of emails: an address, or a name and an address in angle brackets. */
  readonly mail_from?: string;
  /** For templates, as `tenant.branding`. */
  readonly branding?: JsonObject;
}

/** Name and settings of a tenant. */
export interface TenantProfile {
  readonly name: string;
  readonly settings: TenantSettings;
}
