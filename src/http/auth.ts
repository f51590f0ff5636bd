import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import { DEFAULT_TENANT } from '../model/event.ts';

/** Who calls, and for which tenant: every route asks here and nowhere else. */
export interface Caller {
  readonly tenantId: string;
  /** For the audit trail; never a secret. */
  readonly actor: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
}

/**
 * The routes that show or change something of a tenant. The pattern of the matched route is looked at, not the URL as it
 * was written: `/%61pi/v1/…` is the same route. The others (health, the console's files, the documentation) are open.
 */
const PROTECTED = /^\/(api\/v\d+|events|audit)(\/|$)/;

/**
 * Without keys everybody on this machine is let in: the server then listens on loopback only (see config.ts), and under no
 * name but the machine's own. A page from elsewhere, whose name was made to lead here (DNS rebinding), is nobody.
 */
export function authenticate(app: FastifyInstance, apiKeys: readonly string[]): void {
  const digests = apiKeys.map(digest);
  app.decorateRequest('caller', null as unknown as Caller);
  app.addHook('onRequest', (request, _reply, done) => {
    request.caller = ANONYMOUS;
    if (!PROTECTED.test(request.routeOptions.url ?? '')) return done();
    if (digests.length === 0) {
      if (LOOPBACK.test(request.hostname)) return done();
      return done(
        new TidingsError('unauthorized', 'Without API keys only localhost is answered: use that name, or set a key.'),
      );
    }
    const given = keyOf(request);
    const index = given === undefined ? -1 : find(digests, digest(given));
    if (index < 0) {
      const problem =
        given === undefined
          ? 'Send an API key: authorization: Bearer KEY, or x-api-key: KEY.'
          : 'This API key is not known here.';
      return done(new TidingsError('unauthorized', problem));
    }
    request.caller = { tenantId: DEFAULT_TENANT, actor: `api key ${index + 1}` };
    done();
  });
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)\.?$/i;

const ANONYMOUS: Caller = { tenantId: DEFAULT_TENANT, actor: 'api' };

function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['x-api-key'];
  if (typeof header === 'string') return header;
  return /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

/** Compares all of them, each in constant time: the answer's time tells nothing. */
function find(digests: readonly Buffer[], given: Buffer): number {
  let found = -1;
  digests.forEach((one, index) => {
    if (timingSafeEqual(one, given)) found = index;
  });
  return found;
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
