import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import { DEFAULT_TENANT } from '../model/event.ts';

/** Identity of a request: the tenant it acts for and the actor for the audit log. */
export interface Caller {
  readonly tenantId: string;
  /** Never contains a secret, e.g. `api key 2`. */
  readonly actor: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`. The only source of the tenant for every route. */
    caller: Caller;
  }
}

/**
 * Routes that read or change data of a tenant. Matched against the pattern of the route, not against the URL as written:
 * `/%61pi/v1/…` is the same route. All other routes (health, console files, API documentation) are public.
 */
const PROTECTED_ROUTES = /^\/(api\/v\d+|events|audit)(\/|$)/;

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)\.?$/i;

const ANONYMOUS: Caller = { tenantId: DEFAULT_TENANT, actor: 'api' };

/**
 * Sets `request.caller`, and rejects requests to protected routes with `unauthorized`.
 *
 * With API keys, a request needs one of them. Without API keys, any process on this machine may call, but only under a
 * loopback name (the server then listens on loopback only, see config.ts). The check of the name rejects pages from other
 * sites whose domain was made to resolve to this machine (DNS rebinding).
 */
export function authenticate(app: FastifyInstance, apiKeys: readonly string[]): void {
  const digests = apiKeys.map(hashKey);
  app.decorateRequest('caller', null as unknown as Caller);
  app.addHook('onRequest', (request, _reply, done) => {
    request.caller = ANONYMOUS;
    if (!PROTECTED_ROUTES.test(request.routeOptions.url ?? '')) return done();
    try {
      request.caller = digests.length === 0 ? authenticateByHost(request) : authenticateByKey(request, digests);
      done();
    } catch (error) {
      done(error as TidingsError);
    }
  });
}

function authenticateByHost({ hostname }: FastifyRequest): Caller {
  if (LOOPBACK_HOST.test(hostname)) return ANONYMOUS;
  throw new TidingsError(
    'unauthorized',
    'Without API keys, Tidings accepts requests to localhost only: use that name, or set TIDINGS_API_KEYS.',
  );
}

function authenticateByKey(request: FastifyRequest, digests: readonly Buffer[]): Caller {
  const key = getApiKey(request);
  if (key === undefined) {
    throw new TidingsError('unauthorized', 'Send an API key: authorization: Bearer KEY, or x-api-key: KEY.');
  }
  const index = findDigest(digests, hashKey(key));
  if (index < 0) throw new TidingsError('unauthorized', 'This API key is unknown.');
  return { tenantId: DEFAULT_TENANT, actor: `api key ${index + 1}` };
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
