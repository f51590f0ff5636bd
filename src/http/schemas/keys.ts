import { z } from 'zod';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { SCOPES, type Scope } from '../../model/principal.ts';
import type { KeyView } from '../../tenants/key-view.ts';
import { listOf, nextCursor, storable, timestamp, timeText } from './common.ts';

/* API keys. */

const MAX_NAME_CHARS = 200;
const MAX_PER_MINUTE = 10_000_000;

/** Scopes that a key can have: `me` is for the tokens of users. */
const KEY_SCOPES = SCOPES.filter((scope) => scope !== 'me') as [Scope, ...Scope[]];

const scopes = z
  .array(z.enum(KEY_SCOPES, { error: ({ input }) => suggestScope(input) }))
  .min(1, 'has no scope')
  .max(SCOPES.length)
  .meta({ description: 'Rights of the key, at most those of its creator', examples: [['users:read']] });

function suggestScope(given: unknown): string {
  const nearest = typeof given === 'string' ? findNearest(given, KEY_SCOPES) : undefined;
  if (nearest !== undefined) return `did you mean ${nearest}? All scopes are in /api/docs/security#scopes-and-roles`;
  return 'write scopes of /api/docs/security#scopes-and-roles, such as events:write';
}

const name = storable(z.string().trim().min(1, 'has no characters').max(MAX_NAME_CHARS)).describe(
  'For reading; never a secret',
);
const perMinute = z
  .int()
  .min(1)
  .max(MAX_PER_MINUTE)
  .nullable()
  .meta({
    description: 'Requests per minute; null: the limit of the installation. 100 events count as one request',
    examples: [6000],
  });
const expiresAt = timeText('write a date and time with a zone, such as 2027-01-31T00:00:00Z')
  .nullable()
  .meta({ description: 'When it stops working; null: never', examples: [null] });

export const newKey = z
  .strictObject({
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
  })
  .meta({ id: 'NewApiKey', description: 'A key to be created', examples: [{ name: 'shop', scopes: ['users:read'] }] });

export const keyChange = z
  .strictObject({
    name: name.optional(),
    scopes: scopes.optional(),
    per_minute: perMinute.optional(),
    expires_at: expiresAt.optional(),
  })
  .meta({
    id: 'ApiKeyChange',
    description: 'Changes to a key; what is absent stays',
    examples: [{ name: 'web shop' }],
  });

export const rotation = z
  .strictObject({
    overlap: z
      .string()
      .max(50)
      .default('24h')
      .meta({ description: 'For how long the old key still works, such as 24h or 0s; at most 30d', examples: ['24h'] }),
  })
  .meta({ id: 'ApiKeyRotation', description: 'How a key is rotated', examples: [{ overlap: '24h' }] });

const keyId = z.string().meta({ description: 'The 8 characters after td_live_ or td_test_', examples: ['4fT0kQzB'] });

const fields = z.object({
  key_id: keyId,
  name: z.string().meta({ examples: ['shop'] }),
  environment: z.enum(['live', 'test']),
  status: z.enum(['active', 'expired', 'revoked']),
  scopes: listOf(z.enum(SCOPES)).meta({ examples: [['users:read']] }),
  is_installation: z.boolean(),
  last4: z.string().meta({ description: 'The last characters of the key', examples: ['x7Qd'] }),
  per_minute: z
    .int()
    .nullable()
    .meta({ examples: [null] }),
  created_by: z.object({
    kind: z.enum(['key', 'member', 'user', 'portal', 'local', 'system']),
    id: z.string().meta({ examples: ['environment 1'] }),
    name: z.string().meta({ examples: ['api key 1'] }),
  }),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  revoked_at: timestamp.nullable(),
  rotated_from: keyId.nullable().describe('The key that it replaces'),
  replaced_by: keyId.nullable().describe('The key that replaces it'),
  last_used_at: timestamp.nullable().describe('Exact to a minute'),
});

export const apiKey = fields.meta({
  id: 'ApiKey',
  description: 'An API key, without its text',
}) satisfies z.ZodType<KeyView>;

export const apiKeyPage = z
  .object({ keys: listOf(apiKey), next: nextCursor })
  .meta({ id: 'ApiKeyPage', description: 'Keys, newest first' });

const text = z.string().meta({
  description: 'The key itself. It is shown this once',
  examples: ['td_live_4fT0kQzB…'],
});

export const issuedKey = fields
  .extend({ key: text })
  .meta({ id: 'IssuedApiKey', description: 'A new key, with its text' });

export const rotatedKey = fields
  .extend({ key: text, replaced: apiKey.describe('The old key, and when it expires') })
  .meta({ id: 'RotatedApiKey', description: 'The key that replaces another one, with its text' });
