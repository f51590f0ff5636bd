import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { Principal } from '../../model/principal.ts';
import { useOwnerLink } from '../../members/owner-link.ts';
import type { LoggedIn, Sessions } from '../../members/sessions.ts';
import type { Principals } from '../../tenants/principals.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCredentials } from '../auth.ts';
import { problemSchema } from './schemas.ts';

const session = z.object({
  login: z.object({
    oidc: z.boolean().describe('GET /api/v1/login logs in'),
    required: z.boolean().describe('False: anyone on this machine may do everything'),
  }),
  actor: z
    .object({ kind: z.string(), name: z.string() })
    .nullable()
    .describe('Who sends this request; null: an unknown sender'),
  code: z.string().nullable().describe('Why the sender may do nothing: a code of docs/errors.md'),
  tenant_id: z.string().nullable(),
  environment: z.string().nullable(),
  scopes: z.array(z.string()).describe('What the sender may do'),
  tenants: z
    .array(z.object({ tenant_id: z.string(), name: z.string(), environment: z.string(), role: z.string() }))
    .describe('Tenants of a member; X-Tidings-Tenant chooses one'),
});

/** The session of a member in the console, and what the sender of a request may do. */
export function registerSessionRoutes(
  app: App,
  { database, clock, apiKeys, oidc }: HttpDependencies,
  principals: Principals,
  sessions: Sessions,
): void {
  app.get(
    '/api/v1/session',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Show who I am and what I may do',
        tags: ['access'],
        response: { 200: session, '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const [who, loggedIn] = await Promise.all([identify(request), sessions.find(request.headers)]);
      const login = { oidc: oidc !== null, required: apiKeys.length > 0 || oidc !== null };
      return { login, ...describePrincipal(who), tenants: describeTenants(loggedIn) };
    },
  );

  app.post(
    '/api/v1/session',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Log in by the one-time link that a start prints',
        tags: ['access'],
        body: z.strictObject({ link: z.string().max(200).describe('What stands after /login/ in the link') }),
        response: { 204: z.null(), '4xx': problemSchema },
      },
    },
    async ({ body }, reply) => {
      const identity = await useOwnerLink(database.owner, body.link, clock());
      return reply
        .header('set-cookie', await sessions.start(identity))
        .status(204)
        .send(null);
    },
  );

  app.delete(
    '/api/v1/session',
    {
      config: { scope: 'public' },
      schema: { summary: 'Log out', tags: ['access'], response: { 204: z.null(), '4xx': problemSchema } },
    },
    async ({ headers }, reply) =>
      reply
        .header('set-cookie', await sessions.end(headers))
        .status(204)
        .send(null),
  );

  /** Returns the principal of a request, or why it lacks one. */
  async function identify(request: Parameters<typeof readCredentials>[0]): Promise<Principal | TidingsError> {
    try {
      return await principals.resolve(readCredentials(request));
    } catch (error) {
      if (error instanceof TidingsError && error.status < 500) return error;
      throw error;
    }
  }
}

function describePrincipal(who: Principal | TidingsError) {
  if (who instanceof TidingsError) {
    return { actor: null, code: who.code, tenant_id: null, environment: null, scopes: [] };
  }
  const { actor, tenantId, environment, scopes } = who;
  return {
    actor: { kind: actor.kind, name: actor.name },
    code: null,
    tenant_id: tenantId,
    environment,
    scopes: [...scopes],
  };
}

function describeTenants(loggedIn: LoggedIn | undefined) {
  return (loggedIn?.memberships ?? []).map(({ tenantId, tenantName, environment, role }) => ({
    tenant_id: tenantId,
    name: tenantName,
    environment,
    role,
  }));
}
