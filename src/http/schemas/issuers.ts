import { z } from 'zod';
import type { JsonObject } from '../../model/event.ts';
import { DEFAULT_ALGORITHMS, TOKEN_ALGORITHMS } from '../../tokens/algorithms.ts';
import { jsonObject, listOf, pathText, storable, storedObject, timestamp, userId } from './common.ts';

/* Tokens of users: the issuers that a tenant trusts, and the tokens and keys of Tidings itself. */

/** Static keys of an issuer, at most. */
const MAX_STATIC_KEYS = 10;

const name = storable(z.string().min(1).max(512));
const keySet = z.object({
  keys: z.array(storedObject).min(1).max(MAX_STATIC_KEYS),
}) as unknown as z.ZodType<JsonObject & { readonly keys: readonly JsonObject[] }>;

export const issuerParams = z.object({
  issuer: pathText.meta({ description: 'The claim iss, with / written as %2F', examples: ['https://id.example.com'] }),
});

export const issuerSettings = z
  .strictObject({
    jwks_url: z.string().max(2048).optional().describe('HTTPS URL of the JWK set; or public_keys'),
    public_keys: keySet.optional().describe('A JWK set of public keys, for an issuer that publishes none'),
    audiences: z
      .array(name)
      .min(1)
      .max(10)
      .meta({ description: 'The claim aud must hold one of them', examples: [['app']] }),
    algorithms: z
      .array(z.enum(TOKEN_ALGORITHMS))
      .min(1)
      .max(TOKEN_ALGORITHMS.length)
      .optional()
      .meta({ description: `By default ${DEFAULT_ALGORITHMS.join(', ')}`, examples: [['RS256']] }),
    user_claim: name
      .optional()
      .meta({ description: 'Claim that holds the user id; by default sub', examples: ['customer_uuid'] }),
  })
  .meta({
    id: 'IssuerSettings',
    examples: [{ jwks_url: 'https://id.example.com/.well-known/jwks.json', audiences: ['app'] }],
  });

export const issuer = z
  .object({
    issuer: z.string().meta({ examples: ['https://id.example.com'] }),
    jwks_url: z
      .string()
      .nullable()
      .meta({ examples: ['https://id.example.com/.well-known/jwks.json'] }),
    public_keys: jsonObject.nullable(),
    audiences: listOf(z.string()),
    algorithms: listOf(z.string()),
    user_claim: z.string().meta({ examples: ['sub'] }),
    revision: z.int().describe('Grows with each change; send it as If-Match'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Issuer', description: 'An issuer of tokens whose users this tenant trusts' });

export const issuerList = z.object({ issuers: listOf(issuer) }).meta({ id: 'IssuerList' });

export const tokenParams = z.object({
  user_id: storable(z.string().min(1).max(256))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: ids have no such character
    .refine((id) => !/[\u0000-\u001f\u007f]/.test(id), 'has a control character')
    .meta({ description: 'Your id of the user', examples: ['user-1042'] }),
});

export const newToken = z
  .strictObject({
    lifetime: z
      .string()
      .optional()
      .meta({ description: '1m to 24h; by default 15m', examples: ['15m'] }),
  })
  .meta({ id: 'NewToken' });

export const userToken = z
  .object({ token: z.string(), user_id: userId, expires_at: timestamp })
  .meta({ id: 'UserToken', description: 'A token with which a user reaches /api/v1/me' });

export const signingKey = z
  .object({
    key_id: z.string(),
    public_key: jsonObject,
    created_at: timestamp,
    retired_at: timestamp.nullable().describe('Signs no more since then; null: it signs'),
  })
  .meta({ id: 'SigningKey', description: 'A key that signs the tokens of this tenant' });

export const signingKeyList = z.object({ signing_keys: listOf(signingKey) }).meta({ id: 'SigningKeyList' });

export const signingKeyRotation = z
  .strictObject({ revoke: z.boolean().optional().describe('Tokens signed so far pass no more') })
  .meta({ id: 'SigningKeyRotation' });

export const rotatedSigningKey = z.object({ key_id: z.string() }).meta({ id: 'RotatedSigningKey' });
