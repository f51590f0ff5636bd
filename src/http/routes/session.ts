import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../../errors.ts';
import { useOwnerLink } from '../../members/owner-link.ts';
import type { LoggedIn, Sessions } from '../../members/sessions.ts';
import type { Principal } from '../../model/principal.ts';
import type { App, HttpDependencies } from '../app.ts';
import type { Identify } from '../auth.ts';
import { loginResult, ownerLink, session } from '../schemas/members.ts';

/** The session of a member in the console, and what the sender of a request may do. */
export function registerSessionRoutes(
  app: App,
  { database, clock, apiKeys, oidc }: HttpDependencies,
  identify: Identify,
  sessions: Sessions,
): void {
  app.get(
    '/api/v1/session',
    {
      config: { scope: 'public' },
      schema: {
        operationId: 'getSession',
        summary: 'Show who I am and what I may do',
        tags: ['members'],
        response: { 200: session },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const [who, loggedIn] = await Promise.all([tryToIdentify(request), sessions.find(request.headers)]);
      const login = { oidc: oidc !== null, required: apiKeys.length > 0 || oidc !== null };
      return { login, ...describePrincipal(who), tenants: describeTenants(loggedIn) };
    },
  );

  app.post(
    '/api/v1/session',
    {
      config: { scope: 'public', errors: ['link_used'] },
      schema: {
        operationId: 'useOwnerLink',
        summary: 'Log in by the one-time link that a start prints',
        tags: ['members'],
        body: ownerLink,
        response: { 200: loginResult },
      },
    },
    async ({ body }, reply) => {
      const identity = await useOwnerLink(database.owner, body.link, clock());
      return reply.header('set-cookie', await sessions.start(identity)).send({ logged_in: true });
    },
  );

  app.delete(
    '/api/v1/session',
    {
      config: { scope: 'public' },
      schema: { operationId: 'logOut', summary: 'Log out', tags: ['members'], response: { 200: loginResult } },
    },
    async ({ headers }, reply) => reply.header('set-cookie', await sessions.end(headers)).send({ logged_in: false }),
  );

  /** Returns the principal of a request, or why it lacks one. */
  async function tryToIdentify(request: FastifyRequest): Promise<Principal | TidingsError> {
    try {
      return await identify(request);
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
