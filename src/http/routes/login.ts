import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { LoginError, type LoginProblem } from '../../members/login-error.ts';
import { CALLBACK_PATH, type OidcLogin } from '../../members/oidc-login.ts';
import type { Sessions } from '../../members/sessions.ts';
import type { App, HttpDependencies } from '../app.ts';

/** A page of the console: what may follow a login. Another address would make the login a redirect to anywhere. */
const CONSOLE_PAGE = /^\/console\/[\x21-\x7e]{0,500}$/;
/** A page as older links name it. */
const OLD_PAGE = /^#\/[\x21-\x7e]{0,500}$/;

/**
 * Login of members by OpenID Connect. A browser calls these routes, so each answers with a redirect: to the provider, or to the
 * console, which says what went wrong.
 */
export function registerLoginRoutes(
  app: App,
  { log }: HttpDependencies,
  oidc: OidcLogin | null,
  sessions: Sessions,
): void {
  app.get(
    '/api/v1/login',
    {
      config: { scope: 'public', beginsLogin: true },
      schema: {
        summary: 'Log in to the console: leads the browser to the OpenID provider',
        tags: ['members'],
        // For browsers: a client has no use for it.
        hide: true,
        querystring: z.object({ to: z.string().max(2048).optional() }),
        response: { 302: z.null() },
      },
    },
    async ({ query, headers }, reply) => {
      const to = toPage(query.to ?? '');
      try {
        const { url, cookies } = await requireOidc(oidc).begin(to, headers);
        return reply.header('set-cookie', cookies).header('cache-control', 'no-store').redirect(url);
      } catch (error) {
        return reply.header('cache-control', 'no-store').redirect(toProblemPage(error));
      }
    },
  );

  app.get(
    CALLBACK_PATH,
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Complete a login: the OpenID provider leads the browser here',
        tags: ['members'],
        // For browsers: a client has no use for it.
        hide: true,
        // The provider chooses the parameters, and may add some.
        querystring: z.looseObject({}),
        response: { 302: z.null() },
      },
    },
    async ({ raw, headers }, reply) => {
      const login = requireOidc(oidc);
      const at = (raw.url ?? '').indexOf('?');
      const given = at < 0 ? '' : (raw.url as string).slice(at);
      reply.header('cache-control', 'no-store').header('set-cookie', login.forget(given));
      try {
        const { identity, to } = await login.finish(given, headers);
        return reply.header('set-cookie', await sessions.start(identity)).redirect(toPage(to));
      } catch (error) {
        return reply.redirect(toProblemPage(error));
      }
    },
  );

  /** Returns the page of the console that says why a login failed; throws what is not of the login. */
  function toProblemPage(error: unknown): string {
    if (!(error instanceof LoginError)) throw error;
    if (SERIOUS.has(error.problem)) log.warn({ err: error }, 'a login to the console failed');
    return `/#/login?problem=${error.problem}`;
  }
}

/** Problems that an operator must know of: the others are of the one that logs in. */
const SERIOUS: ReadonlySet<LoginProblem> = new Set(['provider_unavailable', 'login_failed', 'too_many_logins']);

/** Returns the page of the console that a login leads to: the one that is asked for, or the first one. */
function toPage(asked: string): string {
  if (CONSOLE_PAGE.test(asked)) return asked;
  return OLD_PAGE.test(asked) ? `/console${asked.slice(1)}` : '/console/';
}

function requireOidc(oidc: OidcLogin | null): OidcLogin {
  if (oidc) return oidc;
  throw new TidingsError('not_found', 'No OpenID provider is configured here; set TIDINGS_OIDC_ISSUER.');
}
