import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { Principal, Scope } from '../model/principal.ts';
import type { Access } from '../tenants/access.ts';
import type { Credentials } from '../tenants/authenticator.ts';
import { AddressLimits } from './address-limits.ts';
import { chargeQuota, useQuota } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`. The only source of the tenant and the rights of every route; absent on public routes. */
    principal: Principal;
    /**
     * Finds out whether the request would still be admitted: for responses that go on for long. Undefined: it would; otherwise the
     * code of the problem. Throws, or rejects, if that cannot be known now.
     * @param scopes that it needs besides that of its route
     */
    findRevocation(scopes?: Iterable<Scope>): string | undefined | Promise<string | undefined>;
  }
  interface FastifyContextConfig {
    /** Scope that the principal of a request must have; `public`: anyone may call the route. */
    readonly scope?: Scope | 'public';
    /** True: the token of a user reaches the route as well; it answers with what is the user's own, and nothing else. */
    readonly takesUsers?: true;
    /** True: a session of the webhook portal reaches the route; no other one, even with its scope. */
    readonly takesPortal?: true;
    /** Number of requests that a request with this body counts as, from 1; absent: 1. */
    readonly countRequests?: (body: unknown) => number;
    /** True: requests to this public route are not counted, because few addresses send many of them. */
    readonly isUnlimited?: true;
    /** True: a request to this public route begins a login. */
    readonly beginsLogin?: true;
  }
}

/** Routes of plugins: console files, and the API documentation. */
const PLUGIN_ROUTES = /^\/(\*|[\w.-]*|assets\/.*|console\/(portal|portal\/\*|\*)|api\/docs(\/.*)?)$/;
/** Pages that are large, for anyone. */
const DOCS_ROUTES = /^\/api\/docs(\/|$)/;
/** Routes for load balancers, which ask as often as they like. */
const PROBE_ROUTES = /^\/healthz\//;

/** Tells who sends a request to a public route; failures count as everywhere. Throws, or rejects with, why it has no principal. */
export type Identify = (request: FastifyRequest) => Promise<Principal>;

/**
 * Sets `request.principal`, and rejects requests to routes without the scope that they declare with `unauthorized` or
 * `forbidden`, and those beyond a limit with `rate_limited`. A route of the API that declares no scope cannot be registered.
 */
export function authenticate(app: FastifyInstance, { principals, quotas }: Access): Identify {
  const limits = new AddressLimits();
  app.decorateRequest('principal', null as unknown as Principal);
  app.decorateRequest('findRevocation', function (this: FastifyRequest, scopes: Iterable<Scope> = []) {
    const { scope } = this.routeOptions.config;
    const { tenantId, userId } = this.principal;
    const needed = [scope as Scope, ...scopes];
    const judge = (now: Principal) =>
      now.tenantId === tenantId && now.userId === userId && needed.every((one) => now.scopes.has(one))
        ? undefined
        : 'forbidden';
    const fail = (error: unknown) => {
      if (error instanceof TidingsError && error.status < 500) return error.code;
      throw error;
    };
    try {
      const found = principals.resolve(readCredentials(this));
      return found instanceof Promise ? found.then(judge).catch(fail) : judge(found);
    } catch (error) {
      return fail(error);
    }
  });
  app.addHook('onRoute', ({ url, config, method }) => {
    if (config?.scope === undefined && !PLUGIN_ROUTES.test(url)) throw new Error(`${method} ${url} declares no scope`);
  });
  app.addHook('onRequest', (request, reply, done) => {
    const { config, url } = request.routeOptions;
    const { scope } = config;
    if (scope === undefined || scope === 'public') {
      const isLimited =
        (scope === 'public' && !config.isUnlimited && !PROBE_ROUTES.test(url ?? '')) || DOCS_ROUTES.test(url ?? '');
      const count = () => {
        if (isLimited) limits.countPublicRequest(request.ip);
        if (config.beginsLogin) limits.countLogin(request.ip);
      };
      return done(catchError(count));
    }
    const credentials = readCredentials(request);
    const reject = (error: unknown) => {
      if (isUnauthorized(error)) limits.countFailure(credentials);
      if (error instanceof TidingsError && error.status === 401) challenge(reply);
      done(error as TidingsError);
    };
    const admit = (principal: Principal) => {
      limits.remember(credentials);
      request.principal = principal;
      if (principal.environment === 'test') reply.header('x-tidings-environment', 'test');
      const isOwn = config.takesUsers && principal.userId !== undefined;
      const isOutside = principal.actor.kind === 'portal' && !config.takesPortal;
      const isForbidden = isOutside || (!isOwn && !principal.scopes.has(scope));
      // Requests without the scope count as well.
      const over = principal.quota && useQuota(quotas, principal.quota, reply);
      const why = isOutside
        ? 'The webhook portal reaches endpoints of webhooks alone.'
        : `This needs the scope ${scope}.`;
      done(over ?? (isForbidden ? new TidingsError('forbidden', why) : undefined));
    };
    let principal: Principal | Promise<Principal>;
    try {
      limits.checkFailures(credentials);
      principal = principals.resolve(credentials);
    } catch (error) {
      return reject(error);
    }
    if (principal instanceof Promise) principal.then(admit, reject);
    else admit(principal);
  });
  app.addHook('preHandler', (request, reply, done) => {
    const { countRequests } = request.routeOptions.config;
    const quota = countRequests && request.principal.quota;
    if (quota) chargeQuota(quotas, quota, countRequests(request.body) - 1, reply);
    done();
  });
  return async (request) => {
    const credentials = readCredentials(request);
    // A page asks before its member has logged in: that is no failure.
    if (credentials.token === undefined) return principals.resolve(credentials);
    limits.checkFailures(credentials);
    try {
      const principal = await principals.resolve(credentials);
      limits.remember(credentials);
      return principal;
    } catch (error) {
      if (isUnauthorized(error)) limits.countFailure(credentials);
      throw error;
    }
  };
}

function catchError(work: () => void): TidingsError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as TidingsError;
  }
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof TidingsError && error.code === 'unauthorized';
}

/** Adds the header that a response with status 401 must have (RFC 9110, section 11.6.1). */
function challenge(reply: FastifyReply): void {
  reply.header('www-authenticate', 'Bearer');
}

/** Returns what a request says of its sender. */
function readCredentials({ headers, ip }: FastifyRequest): Credentials {
  const tenantId = headers['x-tidings-tenant'];
  return {
    headers,
    token: readToken(headers),
    // An empty one is no tenant, and not the default one: a program whose variable is empty must not change another tenant.
    tenantId: typeof tenantId === 'string' ? tenantId : undefined,
    // Not request.hostname: that trusts x-forwarded-host, which every caller can send.
    hostname: /^(\[[^\]]*\]|[^:]*)/.exec(headers.host ?? '')?.[0] ?? '',
    address: ip,
  };
}

function readToken(headers: FastifyRequest['headers']): string | undefined {
  const key = headers['x-api-key'];
  if (typeof key === 'string') return key;
  return /^Bearer +(\S.*)$/i.exec(headers.authorization ?? '')?.[1];
}
