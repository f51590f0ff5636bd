import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { Principal, Scope } from '../model/principal.ts';
import type { Credentials } from '../tenants/authenticator.ts';
import type { Principals } from '../tenants/principals.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`. The only source of the tenant and the rights of every route; absent on public routes. */
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** Scope that the principal of a request must have; `public`: anyone may call the route. */
    readonly scope?: Scope | 'public';
  }
}

/** Routes of plugins: console files, and the API documentation. */
const PLUGIN_ROUTES = /^\/(\*|[\w.-]*|assets\/.*|api\/docs(\/.*)?)$/;

/**
 * Sets `request.principal`, and rejects requests to routes without the scope that they declare with `unauthorized` or
 * `forbidden`. A route of the API that declares none cannot be registered.
 */
export function authenticate(app: FastifyInstance, principals: Principals): void {
  app.decorateRequest('principal', null as unknown as Principal);
  app.addHook('onRoute', ({ url, config, method }) => {
    if (config?.scope === undefined && !PLUGIN_ROUTES.test(url)) throw new Error(`${method} ${url} declares no scope`);
  });
  app.addHook('onRequest', (request, reply, done) => {
    const { scope = 'public' } = request.routeOptions.config;
    if (scope === 'public') return done();
    const reject = (error: unknown) => {
      challenge(reply, error);
      done(error as TidingsError);
    };
    const admit = (principal: Principal) => {
      request.principal = principal;
      if (principal.scopes.has(scope)) done();
      else reject(new TidingsError('forbidden', `This needs the scope ${scope}.`));
    };
    let principal: Principal | Promise<Principal>;
    try {
      principal = principals.resolve(readCredentials(request));
    } catch (error) {
      return reject(error);
    }
    if (principal instanceof Promise) principal.then(admit, reject);
    else admit(principal);
  });
}

/** Adds the header that a response with status 401 must have (RFC 9110, section 11.6.1). */
function challenge(reply: FastifyReply, error: unknown): void {
  if (error instanceof TidingsError && error.status === 401) reply.header('www-authenticate', 'Bearer');
}

/** Returns what a request says of its sender. */
export function readCredentials({ headers, hostname, ip }: FastifyRequest): Credentials {
  const tenantId = headers['x-tidings-tenant'];
  return {
    headers,
    token: readToken(headers),
    tenantId: typeof tenantId === 'string' && tenantId !== '' ? tenantId : undefined,
    hostname,
    address: ip,
  };
}

function readToken(headers: FastifyRequest['headers']): string | undefined {
  const key = headers['x-api-key'];
  if (typeof key === 'string') return key;
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
}
