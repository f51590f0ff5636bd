import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import { type Actor, INSTALLATION_SCOPES, type Principal, type Scope } from '../model/principal.ts';
import { maskNetworkAddress } from '../privacy/mask-network-address.ts';

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

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)\.?$/i;

const ALL_SCOPES: ReadonlySet<Scope> = new Set(INSTALLATION_SCOPES);

/** Routes of plugins: console files, and the API documentation. */
const PLUGIN_ROUTES = /^\/(\*|[\w.-]*|assets\/.*|api\/docs(\/.*)?)$/;

/**
 * Sets `request.principal`, and rejects requests to routes without the scope that they declare with `unauthorized` or
 * `forbidden`. A route of the API that declares none cannot be registered.
 *
 * With API keys, a request needs one of them. Without API keys, any process on this machine may call, but only under a
 * loopback name (the server then listens on loopback only, see config.ts). The check of the name rejects pages from other
 * sites whose domain was made to resolve to this machine (DNS rebinding).
 */
export function authenticate(app: FastifyInstance, apiKeys: readonly string[]): void {
  const digests = apiKeys.map(hashKey);
  app.decorateRequest('principal', null as unknown as Principal);
  app.addHook('onRoute', ({ url, config, method }) => {
    if (config?.scope === undefined && !PLUGIN_ROUTES.test(url)) throw new Error(`${method} ${url} declares no scope`);
  });
  app.addHook('onRequest', (request, _reply, done) => {
    const { scope = 'public' } = request.routeOptions.config;
    if (scope === 'public') return done();
    try {
      request.principal = digests.length === 0 ? authenticateByHost(request) : authenticateByKey(request, digests);
      requireScope(request.principal, scope);
      done();
    } catch (error) {
      done(error as TidingsError);
    }
  });
}

function requireScope({ scopes }: Principal, scope: Scope): void {
  if (!scopes.has(scope)) throw new TidingsError('forbidden', `This needs the scope ${scope}.`);
}

function authenticateByHost(request: FastifyRequest): Principal {
  if (LOOPBACK_HOST.test(request.hostname)) return toPrincipal(request, { kind: 'local', id: 'api', name: 'api' });
  throw new TidingsError(
    'unauthorized',
    'Without API keys, Tidings accepts requests to localhost only: use that name, or set TIDINGS_API_KEYS.',
  );
}

function authenticateByKey(request: FastifyRequest, digests: readonly Buffer[]): Principal {
  const key = getApiKey(request);
  if (key === undefined) {
    throw new TidingsError('unauthorized', 'Send an API key: authorization: Bearer KEY, or x-api-key: KEY.');
  }
  const index = findDigest(digests, hashKey(key));
  if (index < 0) throw new TidingsError('unauthorized', 'This API key is unknown.');
  return toPrincipal(request, { kind: 'key', id: `environment ${index + 1}`, name: `api key ${index + 1}` });
}

function toPrincipal({ ip }: FastifyRequest, actor: Omit<Actor, 'from'>): Principal {
  return {
    tenantId: DEFAULT_TENANT,
    environment: 'live',
    actor: { ...actor, from: maskNetworkAddress(ip) },
    scopes: ALL_SCOPES,
  };
}

function getApiKey({ headers }: FastifyRequest): string | undefined {
  const header = headers['x-api-key'];
  if (typeof header === 'string') return header;
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Returns the index of a digest, or -1. Compares all of them in constant time, so that the duration reveals nothing. */
function findDigest(digests: readonly Buffer[], wanted: Buffer): number {
  let found = -1;
  digests.forEach((digest, index) => {
    if (timingSafeEqual(digest, wanted)) found = index;
  });
  return found;
}

function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
