import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { GuardedClient } from '../../http-out/guarded-client.ts';
import type { JsonObject } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import {
  deleteIssuer,
  type Issuer,
  listIssuers,
  loadIssuer,
  lockIssuer,
  saveIssuer,
} from '../../store/members/issuers.ts';
import { lockAccess } from '../../store/members/lock-tenant.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { isoTime } from '../../time/iso-time.ts';
import { DEFAULT_ALGORITHMS, TOKEN_ALGORITHMS } from '../../tokens/algorithms.ts';
import { findKeyFault } from '../../tokens/key-set.ts';
import { OWN_ISSUER } from '../../tokens/own-tokens.ts';
import type { App, HttpDependencies } from '../app.ts';
import { anyObject, pathText, problemSchema, storable, timestamp } from './schemas.ts';

/** Issuers of a tenant, and static keys of one, at most. */
const MAX_ISSUERS = 20;
const MAX_STATIC_KEYS = 10;

const name = storable(z.string().min(1).max(512));

const body = z.strictObject({
  jwks_url: z.string().max(2048).optional().describe('HTTPS URL of the JWK set; or public_keys'),
  public_keys: z
    .object({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(MAX_STATIC_KEYS) })
    .optional()
    .describe('A JWK set of public keys, for a tenant whose issuer publishes none'),
  audiences: z.array(name).min(1).max(10).describe('The claim aud must hold one of them'),
  algorithms: z
    .array(z.enum(TOKEN_ALGORITHMS))
    .min(1)
    .optional()
    .describe(`By default ${DEFAULT_ALGORITHMS.join(', ')}`),
  user_claim: name.optional().describe('Claim that holds the user id, such as customer_uuid; by default sub'),
});

const issuerView = z.object({
  issuer: z.string(),
  jwks_url: z.string().nullable(),
  public_keys: anyObject.nullable(),
  audiences: z.array(z.string()).readonly(),
  algorithms: z.array(z.string()).readonly(),
  user_claim: z.string(),
  revision: z.number(),
  created_at: timestamp,
  updated_at: timestamp,
});

const params = z.object({ issuer: pathText.describe('The claim iss, with / written as %2F') });

/** Issuers of JSON Web Tokens: whose users a tenant trusts. */
export function registerIssuerRoutes(app: App, { database, clock, outbound }: HttpDependencies): void {
  app.get(
    '/api/v1/issuers',
    {
      config: { scope: 'issuers:read' },
      schema: {
        summary: 'List the issuers of tokens whose users this tenant trusts',
        tags: ['access'],
        response: { 200: z.object({ issuers: z.array(issuerView) }), '4xx': problemSchema },
      },
    },
    async ({ principal }) => ({
      issuers: (await listIssuers(database.forTenant(principal.tenantId), principal.tenantId)).map(toView),
    }),
  );

  app.get(
    '/api/v1/issuers/:issuer',
    {
      config: { scope: 'issuers:read' },
      schema: {
        summary: 'Show an issuer',
        tags: ['access'],
        params,
        response: { 200: issuerView, '4xx': problemSchema },
      },
    },
    async ({ principal, params }) => {
      const found = await loadIssuer(database.forTenant(principal.tenantId), principal.tenantId, params.issuer);
      if (!found) throw notFound();
      return toView(found);
    },
  );

  app.put(
    '/api/v1/issuers/:issuer',
    {
      config: { scope: 'issuers:write' },
      schema: {
        summary: 'Trust an issuer of tokens, by the URL of its JWK set or by static public keys',
        tags: ['access'],
        params,
        body,
        response: { 200: issuerView, 201: issuerView, '4xx': problemSchema },
      },
    },
    async ({ principal, params, body }, reply) => {
      const wanted = toIssuer(principal, params.issuer, body, outbound);
      const now = clock();
      const [before, after] = await withTransaction(database.forTenant(principal.tenantId), async (connection) => {
        await lockAccess(connection, principal.tenantId);
        const known = await lockIssuer(connection, principal.tenantId, params.issuer);
        if (!known && (await listIssuers(connection, principal.tenantId)).length >= MAX_ISSUERS) {
          throw new TidingsError('too_many_issuers', `A tenant has at most ${MAX_ISSUERS} issuers; delete one first.`);
        }
        const saved = await saveIssuer(connection, wanted, now);
        await audit(connection, principal, known ? 'issuer.changed' : 'issuer.added', known, saved, now);
        return [known, saved] as const;
      });
      return reply.status(before ? 200 : 201).send(toView(after));
    },
  );

  app.delete(
    '/api/v1/issuers/:issuer',
    {
      config: { scope: 'issuers:write' },
      schema: {
        summary: 'Trust an issuer no more: its tokens pass no more from now on',
        tags: ['access'],
        params,
        response: { 204: z.null(), '4xx': problemSchema },
      },
    },
    async ({ principal, params }, reply) => {
      const now = clock();
      await withTransaction(database.forTenant(principal.tenantId), async (connection) => {
        const known = await lockIssuer(connection, principal.tenantId, params.issuer);
        if (!known) throw notFound();
        await deleteIssuer(connection, principal.tenantId, params.issuer);
        await audit(connection, principal, 'issuer.deleted', known, undefined, now);
      });
      return reply.status(204).send(null);
    },
  );
}

type Connection = Parameters<typeof appendAuditEntry>[0];

async function audit(
  connection: Connection,
  { tenantId, actor }: Principal,
  action: string,
  before: Issuer | undefined,
  after: Issuer | undefined,
  now: number,
): Promise<void> {
  const subject = (after ?? before)!.issuer;
  const state = (issuer: Issuer | undefined) => issuer && (toView(issuer) as unknown as JsonObject);
  await appendAuditEntry(
    connection,
    { tenantId, actor, action, subject, detail: {}, before: state(before) ?? null, after: state(after) ?? null },
    now,
  );
}

function toIssuer(
  { tenantId }: Principal,
  issuer: string,
  { jwks_url, public_keys, audiences, algorithms, user_claim }: z.infer<typeof body>,
  client: GuardedClient,
): Parameters<typeof saveIssuer>[1] {
  if (issuer.startsWith(OWN_ISSUER)) {
    throw new TidingsError('invalid_issuer', `An issuer that begins with ${OWN_ISSUER} is Tidings itself.`);
  }
  if ((jwks_url === undefined) === (public_keys === undefined)) {
    throw new TidingsError('invalid_issuer', 'Write either jwks_url or public_keys.', { path: 'jwks_url' });
  }
  const fault = jwks_url === undefined ? undefined : client.findFault(jwks_url);
  if (fault !== undefined) {
    const right = 'write an https:// URL with a public host name';
    throw new TidingsError('invalid_issuer', `jwks_url ${fault}; ${right}.`, { path: 'jwks_url' });
  }
  checkStaticKeys(public_keys?.keys ?? []);
  return {
    tenantId,
    issuer,
    jwksUrl: jwks_url ?? null,
    publicKeys: (public_keys as JsonObject | undefined) ?? null,
    audiences: [...new Set(audiences)],
    algorithms: [...new Set<string>(algorithms ?? DEFAULT_ALGORITHMS)],
    userClaim: user_claim ?? 'sub',
  };
}

function checkStaticKeys(keys: readonly { readonly [name: string]: unknown }[]): void {
  const ids = new Set<unknown>();
  keys.forEach((key, index) => {
    const fault = findKeyFault(key as JsonObject);
    const path = `public_keys.keys.${index}`;
    if (fault !== undefined) throw new TidingsError('invalid_issuer', `${path} ${fault}.`, { path });
    if (keys.length > 1 && (typeof key.kid !== 'string' || ids.has(key.kid))) {
      throw new TidingsError('invalid_issuer', `${path}.kid must be a text of its own: a token names its key by it.`, {
        path: `${path}.kid`,
      });
    }
    ids.add(key.kid);
  });
}

function toView(issuer: Issuer): z.infer<typeof issuerView> {
  return {
    issuer: issuer.issuer,
    jwks_url: issuer.jwksUrl,
    public_keys: issuer.publicKeys,
    audiences: issuer.audiences,
    algorithms: issuer.algorithms,
    user_claim: issuer.userClaim,
    revision: issuer.revision,
    created_at: isoTime(issuer.createdAt),
    updated_at: isoTime(issuer.updatedAt),
  };
}

function notFound(): TidingsError {
  return new TidingsError('not_found', 'This tenant has no such issuer.');
}
