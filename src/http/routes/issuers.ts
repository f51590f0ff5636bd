import type { z } from 'zod';
import { TidingsError, toOutdated } from '../../errors.ts';
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
import { DEFAULT_ALGORITHMS } from '../../tokens/algorithms.ts';
import { MAX_SET_BYTES } from '../../tokens/issuer-keys.ts';
import { findKeyFault } from '../../tokens/key-set.ts';
import { OWN_ISSUER } from '../../tokens/own-tokens.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readIfMatch, withEtag } from '../if-match.ts';
import { issuer, issuerList, issuerParams, issuerSettings } from '../schemas/issuers.ts';

/** Issuers of a tenant, at most. */
const MAX_ISSUERS = 20;

/** Issuers of JSON Web Tokens: whose users a tenant trusts. */
export function registerIssuerRoutes(app: App, { database, clock, outbound }: HttpDependencies): void {
  app.get(
    '/api/v1/issuers',
    {
      config: { scope: 'issuers:read' },
      schema: {
        operationId: 'listIssuers',
        summary: 'List the issuers of tokens whose users this tenant trusts',
        tags: ['tokens'],
        response: { 200: issuerList },
      },
    },
    async ({ principal }) => ({
      issuers: (await listIssuers(database.forTenant(principal.tenantId), principal.tenantId)).map(toView),
    }),
  );

  app.get(
    '/api/v1/issuers/:issuer',
    {
      config: { scope: 'issuers:read', errors: ['not_found'] },
      schema: {
        operationId: 'getIssuer',
        summary: 'Show an issuer',
        tags: ['tokens'],
        params: issuerParams,
        response: { 200: issuer },
      },
    },
    async ({ principal, params }, reply) => {
      const found = await loadIssuer(database.forTenant(principal.tenantId), principal.tenantId, params.issuer);
      if (!found) throw notFound();
      return withEtag(reply, toView(found));
    },
  );

  app.put(
    '/api/v1/issuers/:issuer',
    {
      config: { scope: 'issuers:write', errors: ['invalid_issuer', 'too_many_issuers', 'outdated'] },
      schema: {
        operationId: 'putIssuer',
        summary: 'Trust an issuer of tokens, by the URL of its JWK set or by static public keys',
        tags: ['tokens'],
        params: issuerParams,
        body: issuerSettings,
        response: { 200: issuer, 201: issuer },
      },
    },
    async (request, reply) => {
      const { principal, params, body } = request;
      const expected = readIfMatch(request);
      const wanted = toIssuer(principal, params.issuer, body, outbound);
      const now = clock();
      const [before, after] = await withTransaction(database.forTenant(principal.tenantId), async (connection) => {
        await lockAccess(connection, principal.tenantId);
        const known = await lockIssuer(connection, principal.tenantId, params.issuer);
        if (known && expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
        if (!known && (await listIssuers(connection, principal.tenantId)).length >= MAX_ISSUERS) {
          throw new TidingsError('too_many_issuers', `A tenant has at most ${MAX_ISSUERS} issuers; delete one first.`);
        }
        const saved = await saveIssuer(connection, wanted, now);
        await audit(connection, principal, known ? 'issuer.changed' : 'issuer.added', known, saved, now);
        return [known, saved] as const;
      });
      return reply.status(before ? 200 : 201).send(withEtag(reply, toView(after)));
    },
  );

  app.delete(
    '/api/v1/issuers/:issuer',
    {
      config: { scope: 'issuers:write', errors: ['not_found', 'outdated'] },
      schema: {
        operationId: 'deleteIssuer',
        summary: 'Trust an issuer no more: its tokens pass no more from now on',
        tags: ['tokens'],
        params: issuerParams,
        response: { 200: issuer },
      },
    },
    async (request) => {
      const { principal, params } = request;
      const now = clock();
      const expected = readIfMatch(request);
      const deleted = await withTransaction(database.forTenant(principal.tenantId), async (connection) => {
        const known = await lockIssuer(connection, principal.tenantId, params.issuer);
        if (!known) throw notFound();
        if (expected !== undefined && expected !== known.revision) throw toOutdated(known.revision);
        await deleteIssuer(connection, principal.tenantId, params.issuer);
        await audit(connection, principal, 'issuer.deleted', known, undefined, now);
        return known;
      });
      return toView(deleted);
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
  { jwks_url, public_keys, audiences, algorithms, user_claim }: z.infer<typeof issuerSettings>,
  client: GuardedClient,
): Parameters<typeof saveIssuer>[1] {
  if (issuer.startsWith(OWN_ISSUER)) {
    throw new TidingsError('invalid_issuer', `An issuer that begins with ${OWN_ISSUER} is Tidings itself.`);
  }
  if ((jwks_url === undefined) === (public_keys === undefined)) {
    throw new TidingsError('invalid_issuer', 'Write either jwks_url or public_keys.', { pointer: '/jwks_url' });
  }
  const fault = jwks_url === undefined ? undefined : client.findFault(jwks_url);
  if (fault !== undefined) {
    const right = 'write an https:// URL with a public host name';
    throw new TidingsError('invalid_issuer', `jwks_url ${fault}; ${right}.`, { pointer: '/jwks_url' });
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
  if (JSON.stringify(keys).length > MAX_SET_BYTES) {
    const message = 'public_keys has more than 64 KiB; leave out what is no part of the public keys, such as x5c.';
    throw new TidingsError('invalid_issuer', message, { pointer: '/public_keys' });
  }
  const ids = new Set<unknown>();
  keys.forEach((key, index) => {
    const fault = findKeyFault(key as JsonObject);
    const path = `public_keys.keys.${index}`;
    const pointer = `/public_keys/keys/${index}`;
    if (fault !== undefined) throw new TidingsError('invalid_issuer', `${path} ${fault}.`, { pointer });
    if (keys.length > 1 && (typeof key.kid !== 'string' || ids.has(key.kid))) {
      throw new TidingsError('invalid_issuer', `${path}.kid must be a text of its own: a token names its key by it.`, {
        pointer: `${pointer}/kid`,
      });
    }
    ids.add(key.kid);
  });
}

function toView(one: Issuer): z.infer<typeof issuer> {
  return {
    issuer: one.issuer,
    jwks_url: one.jwksUrl,
    public_keys: one.publicKeys,
    audiences: one.audiences,
    algorithms: one.algorithms,
    user_claim: one.userClaim,
    revision: one.revision,
    created_at: isoTime(one.createdAt),
    updated_at: isoTime(one.updatedAt),
  };
}

function notFound(): TidingsError {
  return new TidingsError('not_found', 'This tenant has no such issuer.');
}
