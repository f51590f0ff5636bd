import type { FastifyRequest } from 'fastify';
import type { App } from './app.ts';

/** Routes that pages of other origins may call, with the token of a user: no cookie gives the scope `me`. */
const OWN_ROUTES = /^\/api\/v1\/me(?:[/?]|$)/;

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'authorization, content-type, last-event-id, x-tidings-tenant, idempotency-key',
  // Chromium keeps it for two hours at most.
  'access-control-max-age': '7200',
};

/** Returns whether the request is one of a page that TIDINGS_ALLOWED_ORIGINS names, to a route for it. */
export type MayCall = (request: FastifyRequest) => boolean;

/**
 * Lets pages of these origins call the routes under /api/v1/me, by the protocol of CORS. Credentials of the browser are not
 * allowed: the token in the header is all that counts. Call it before anything rejects foreign origins.
 * @param origins `*`: of every origin
 */
export function allowOrigins(app: App, origins: readonly string[]): MayCall {
  const all = origins.includes('*');
  const known = new Set(origins);
  const mayCall: MayCall = ({ url, headers: { origin } }) =>
    origin !== undefined && OWN_ROUTES.test(url) && (all || known.has(origin));
  if (origins.length === 0) return () => false;
  app.addHook('onRequest', (request, reply, done) => {
    if (!OWN_ROUTES.test(request.url)) return done();
    reply.header('vary', 'origin');
    if (!mayCall(request)) return done();
    reply.header('access-control-allow-origin', all ? '*' : request.headers.origin);
    reply.header('access-control-expose-headers', 'retry-after, x-request-id');
    const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (!isPreflight) return done();
    reply.headers(PREFLIGHT_HEADERS).status(204).send();
  });
  return mayCall;
}
