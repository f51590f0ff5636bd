import { z } from 'zod';
import { SCOPES, type Scope } from '../../model/principal.ts';
import { storable, timestamp } from '../routes/schemas.ts';

/** The shapes of API keys. */

const MAX_NAME_CHARS = 200;
const MAX_PER_MINUTE = 10_000_000;

/** Scopes that a key can have: `me` is for the tokens of users. */
const KEY_SCOPES = SCOPES.filter((scope) => scope !== 'me') as [Scope, ...Scope[]];

const scopes = z
  .array(z.enum(KEY_SCOPES, 'write scopes of docs/security.md, such as events:write'))
  .min(1, 'has no scope')
  .max(SCOPES.length)
  .describe('Rights of the key, at most those of its creator');

const name = storable(z.string().trim().min(1, 'has no characters').max(MAX_NAME_CHARS)).describe(
  'For reading; never a secret',
);
const perMinute = z
  .int()
  .min(1)
  .max(MAX_PER_MINUTE)
  .nullable()
  .describe('Requests per minute; null: the limit of the installation. 100 events count as one request');
const expiresAt = z.iso
  .datetime({ offset: true, error: 'write a date and time with a zone, such as 2027-01-31T00:00:00Z' })
  .nullable()
  .describe('When it stops working; null: never');

export const newKey = z.strictObject({
  name,
  scopes,
  environment: z
    .enum(['live', 'test'])
    .optional()
    .describe(
      'test: its events, users and messages are apart, and nothing leaves the sandbox. By default that of the caller',
    ),
  is_installation: z.boolean().default(false).describe('May act for every tenant, which x-tidings-tenant names'),
  per_minute: perMinute.default(null),
  expires_at: expiresAt.default(null),
});

export const keyChange = z.strictObject({
  name: name.optional(),
  scopes: scopes.optional(),
  per_minute: perMinute.optional(),
  expires_at: expiresAt.optional(),
});

export const rotation = z.strictObject({
  overlap: z
    .string()
    .max(50)
    .default('24h')
    .describe('For how long the old key still works, such as 24h or 0s; at most 30d'),
});

export const apiKey = z.object({
  key_id: z.string().describe('The 8 characters after td_live_ or td_test_'),
  name: z.string(),
  environment: z.enum(['live', 'test']),
  status: z.enum(['active', 'expired', 'revoked']),
  scopes: z.array(z.string()).readonly(),
  is_installation: z.boolean(),
  last4: z.string().describe('The last 4 characters of the key'),
  per_minute: z.number().nullable(),
  created_by: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  revoked_at: timestamp.nullable(),
  rotated_from: z.string().nullable().describe('The key that it replaces'),
  replaced_by: z.string().nullable(),
  last_used_at: timestamp.nullable().describe('Exact to a minute'),
});

export const issuedKey = apiKey.extend({ key: z.string().describe('The key itself. It is shown this once') });
