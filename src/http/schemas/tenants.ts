import { z } from 'zod';
import { parseMailbox } from '../../lib/text/mailbox.ts';
import { LIVE_TENANT_ID, TENANT_ID_HINT } from '../../model/tenant.ts';
import { TRACKING } from '../../model/tracking.ts';
import { isKnownLocale, isKnownZone } from '../../tenants/tenant-settings.ts';
import type { TenantView } from '../../tenants/tenants.ts';
import { listOf, nextCursor, storable, storedObject, timestamp } from './common.ts';
import { channelLimits } from './rate-limits.ts';

/* Tenants: organizations that share an installation, each with users, a catalog and keys of its own. */

const MAX_NAME_CHARS = 200;
const MAX_BRANDING_CHARS = 16_384;

const tenantId = z
  .string(TENANT_ID_HINT)
  .regex(LIVE_TENANT_ID, TENANT_ID_HINT)
  .meta({ examples: ['acme'] });

const name = storable(z.string().trim().min(1, 'has no characters').max(MAX_NAME_CHARS)).meta({ examples: ['Acme'] });

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
  limits: channelLimits.optional(),
});

/** Settings in a change: null removes one. */
const settingsChange = z.strictObject(
  Object.fromEntries(Object.entries(settings.shape).map(([field, schema]) => [field, schema.nullable()])) as {
    [field in keyof typeof settings.shape]: z.ZodNullable<(typeof settings.shape)[field]>;
  },
);

export const tenant = z
  .object({
    tenant_id: z.string().meta({ examples: ['acme'] }),
    name: z.string().meta({ examples: ['Acme'] }),
    status: z.enum(['active', 'suspended', 'deleting']),
    follows: z
      .string()
      .nullable()
      .meta({ description: 'The tenant whose catalog it has; null: its own', examples: ['default'] }),
    settings: settings.meta({ examples: [{ locale: 'de' }] }),
    revision: z.int().describe('Grows with each change, as the etag'),
    created_at: timestamp,
    updated_at: timestamp,
    suspended_at: timestamp.nullable(),
  })
  .meta({ id: 'Tenant', description: 'A tenant of the installation' }) as unknown as z.ZodType<TenantView>;

export const tenantPage = z
  .object({ tenants: listOf(tenant), next: nextCursor })
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
