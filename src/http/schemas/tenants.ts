import { z } from 'zod';
import { canonicalizeLocale } from '../../lib/text/locale.ts';
import { parseMailbox } from '../../lib/text/mailbox.ts';
import { LIVE_TENANT_ID, TENANT_ID_HINT } from '../../model/tenant.ts';
import { TRACKING } from '../../model/tracking.ts';
import { isKnownLocale, isKnownZone } from '../../tenants/tenant-settings.ts';
import type { TenantUsage, TenantView } from '../../tenants/tenants.ts';
import { listOf, nextCursor, pageQuery, storable, storedObject, timestamp } from './common.ts';
import { channelLimits } from './rate-limits.ts';

/* Tenants: organizations that share an installation, each with users, a catalog and keys of its own. */

const MAX_NAME_CHARS = 200;
const MAX_ADDRESS_CHARS = 500;
const MAX_BRANDING_CHARS = 16_384;

const tenantId = z
  .string(TENANT_ID_HINT)
  .regex(LIVE_TENANT_ID, TENANT_ID_HINT)
  .meta({ examples: ['acme'] });

const name = storable(z.string().trim().min(1, 'has no characters').max(MAX_NAME_CHARS)).meta({ examples: ['Acme'] });

const MAX_FALLBACKS = 100;
const MAX_USAGE_DAYS = 366;
const USAGE_HINT = `write a number of days, 1 to ${MAX_USAGE_DAYS}`;

const localeTag = z
  .string()
  .refine(
    (text) => canonicalizeLocale(text) === text,
    'write a language tag in its usual spelling, such as gl or pt-BR',
  );

/** Whether a text is a URL below which files can be. */
function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.search === '' && url.hash === '' && url.username === '';
}

const settings = z.strictObject({
  locale: z
    .string()
    .refine(isKnownLocale, 'write a language tag, such as de or pt-BR')
    .optional()
    .meta({ description: 'Locale of messages to users without one', examples: ['de'] }),
  zone: z
    .string()
    .refine(isKnownZone, 'write an IANA time zone, such as Europe/Berlin')
    .optional()
    .meta({ description: 'Time zone of messages to users without one', examples: ['Europe/Berlin'] }),
  mail_from: z
    .string()
    .refine(
      (text) => parseMailbox(text) !== undefined,
      'write an address, such as hello@acme.example, or Acme <hello@acme.example>',
    )
    .optional()
    .meta({ description: 'The sender of emails', examples: ['Acme <hello@acme.example>'] }),
  legal_name: storable(z.string().trim().min(1, 'has no characters').max(MAX_NAME_CHARS))
    .optional()
    .meta({ description: 'Name of the company, which marketing emails show', examples: ['Acme Inc.'] }),
  postal_address: storable(z.string().trim().min(1, 'has no characters').max(MAX_ADDRESS_CHARS))
    .optional()
    .meta({
      description: 'Postal address of the company, which marketing emails show; may have several lines',
      examples: ['1 Main Street\nSpringfield, IL 62701, USA'],
    }),
  preference_link_days: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .meta({
      description: 'Days for which a link to the page of preferences shows all of it; later it only stops messages',
      examples: [30],
    }),
  tracking: z
    .enum(TRACKING)
    .optional()
    .meta({
      description: 'What is found out about the readers of emails, for types that say nothing else',
      examples: ['opens'],
    }),
  branding: storedObject
    .refine((value) => JSON.stringify(value).length <= MAX_BRANDING_CHARS, 'is larger than 16 KiB')
    .optional()
    .meta({ description: 'For templates, as tenant.branding', examples: [{ color: '#0044ff' }] }),
  variables: storedObject
    .refine((value) => JSON.stringify(value).length <= MAX_BRANDING_CHARS, 'is larger than 16 KiB')
    .optional()
    .meta({
      description: 'Variables of templates, as app_name, frontend_url and support_email',
      examples: [{ app_name: 'Acme', frontend_url: 'https://acme.example', support_email: 'help@acme.example' }],
    }),
  asset_base_url: z
    .string()
    .max(1000)
    .refine(isBaseUrl, 'write the URL of a folder, such as https://static.acme.example/mail')
    .optional()
    .meta({
      description: 'URL of the folder with the files of {{asset "logo.png"}}',
      examples: ['https://static.acme.example/mail'],
    }),
  locale_fallbacks: z
    .record(localeTag, z.array(localeTag).min(1).max(10))
    .refine((value) => Object.keys(value).length <= MAX_FALLBACKS, `has more than ${MAX_FALLBACKS} locales`)
    .optional()
    .meta({
      description: 'Locales whose templates stand in for a missing one in the locale of a user',
      examples: [{ gl: ['es'] }],
    }),
  template_source: z
    .enum(['files', 'api'])
    .optional()
    .meta({ description: 'Where its templates are made; absent: files of the catalog', examples: ['api'] }),
  limits: channelLimits.optional(),
});

/** Settings in a change: null removes one. */
const settingsChange = z.strictObject(
  Object.fromEntries(Object.entries(settings.shape).map(([field, schema]) => [field, schema.nullable()])) as {
    [field in keyof typeof settings.shape]: z.ZodNullable<(typeof settings.shape)[field]>;
  },
);

const fields = z.object({
  tenant_id: z.string().meta({ examples: ['acme'] }),
  name: z.string().meta({ examples: ['Acme'] }),
  status: z.enum(['active', 'suspended', 'moving', 'deleting']),
  follows: z
    .string()
    .nullable()
    .meta({ description: 'The tenant whose catalog it has; null: its own', examples: ['default'] }),
  settings: settings.meta({ examples: [{ locale: 'de' }] }),
  revision: z.int().describe('Grows with each change, as the etag'),
  created_at: timestamp,
  updated_at: timestamp,
  suspended_at: timestamp.nullable(),
});

export const tenant = fields.meta({
  id: 'Tenant',
  description: 'A tenant of the installation',
}) as unknown as z.ZodType<TenantView>;

const usage = z
  .object({
    from: timestamp.describe('Start of the first day that is counted'),
    events: z.int().describe('Events that were decided'),
    decided: z.int().describe('Notifications that were decided to be sent'),
    sent: z.int().describe('Messages that a provider accepted, or the sandbox kept'),
  })
  .meta({ id: 'TenantUsage', description: 'What a tenant used in the last days, those of UTC' });

const listedTenant = fields
  .extend({ usage: usage.nullable().describe('Null: not asked for') })
  .meta({ id: 'ListedTenant', description: 'A tenant in a list' }) as unknown as z.ZodType<
  TenantView & { readonly usage: TenantUsage | null }
>;

export const tenantsQuery = z.strictObject({
  ...pageQuery.shape,
  usage_days: z.coerce
    .number(USAGE_HINT)
    .int(USAGE_HINT)
    .min(1, USAGE_HINT)
    .max(MAX_USAGE_DAYS, USAGE_HINT)
    .optional()
    .meta({ description: 'Days, with today, whose usage is shown; absent: none', examples: [30] }),
});

export const tenantPage = z
  .object({ tenants: listOf(listedTenant), next: nextCursor })
  .meta({ id: 'TenantPage', description: 'Tenants in order of their ids' });

export const newTenant = z
  .strictObject({
    tenant_id: tenantId,
    name: name.optional().describe('Default: the id'),
    follows: z
      .string()
      .max(100)
      .optional()
      .describe('The tenant whose catalog it has until it applies its own; default: the tenant of the caller'),
    settings: settings.default({}),
  })
  .meta({ id: 'NewTenant', description: 'A tenant to be created', examples: [{ tenant_id: 'acme', name: 'Acme' }] });

export const tenantChange = z.strictObject({ name: name.optional(), settings: settingsChange.optional() }).meta({
  id: 'TenantChange',
  description: 'Changes to a tenant; what is absent stays, and a setting that is null is removed',
  examples: [{ name: 'Acme Inc.' }],
});

export const tenantParams = z.object({
  tenant_id: z
    .string()
    .max(100)
    .meta({ examples: ['acme'] }),
});

export const followBody = z
  .strictObject({
    tenant_id: z
      .string()
      .max(100)
      .meta({ examples: ['default'] }),
  })
  .meta({ id: 'FollowedTenant', description: 'The tenant to follow', examples: [{ tenant_id: 'default' }] });

export const followResult = z
  .object({
    version: z.int().describe('The version that is active afterwards'),
    changed: z.boolean().describe('Whether another content is active'),
  })
  .meta({ id: 'FollowResult' });
