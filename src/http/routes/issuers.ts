import type { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { JsonObject } from '../../model/event.ts';
import { listIssuers, loadIssuer } from '../../store/members/issuers.ts';
import { DEFAULT_ALGORITHMS } from '../../tokens/algorithms.ts';
import { checkIssuer, type IssuerSettings, putIssuer, removeIssuer, toIssuerView } from '../../tokens/issuers.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readIfMatch, withEtag } from '../if-match.ts';
import { issuer, issuerList, issuerParams, issuerSettings } from '../schemas/issuers.ts';

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
      issuers: (await listIssuers(database.forTenant(principal.tenantId), principal.tenantId)).map(toIssuerView),
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
      return withEtag(reply, toIssuerView(found));
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
      const settings = toSettings(params.issuer, body);
      checkIssuer(settings, outbound);
      const pool = database.forTenant(principal.tenantId);
      const { saved, isNew } = await putIssuer(pool, principal, settings, expected, clock());
      return reply.status(isNew ? 201 : 200).send(withEtag(reply, toIssuerView(saved)));
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
      const pool = database.forTenant(principal.tenantId);
      const removed = await removeIssuer(pool, principal, params.issuer, readIfMatch(request), clock());
      if (!removed) throw notFound();
      return toIssuerView(removed);
    },
  );
}

function toSettings(
  issuer: string,
  { jwks_url, public_keys, audiences, algorithms, user_claim }: z.infer<typeof issuerSettings>,
): IssuerSettings {
  return {
    issuer,
    jwksUrl: jwks_url ?? null,
    publicKeys: (public_keys as JsonObject | undefined) ?? null,
    audiences: [...new Set(audiences)],
    algorithms: [...new Set<string>(algorithms ?? DEFAULT_ALGORITHMS)],
    userClaim: user_claim ?? 'sub',
  };
}

function notFound(): TidingsError {
  return new TidingsError('not_found', 'This tenant has no such issuer.');
}
