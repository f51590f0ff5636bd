import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { App } from './app.ts';
import type { MayCall } from './cross-origin.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True: the URL alone proves what a request to this public route may do, and no cookie does, so any page may send it. */
    readonly takesAnyOrigin?: true;
  }
}

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Rejects every request that would change something and that a page of another origin makes a browser send, but for routes with
 * `takesAnyOrigin`. Programs send no `origin`, and are not concerned.
 * @param mayCall whether the page may call from its origin nevertheless
 * @param publicUrl where browsers reach the console; null: under the host that they send
 */
export function rejectForeignOrigins(app: App, publicUrl: string | null, mayCall: MayCall): void {
  const own = publicUrl === null ? undefined : new URL(publicUrl);
  app.addHook('onRequest', (request, _reply, done) => {
    const { takesAnyOrigin } = request.routeOptions.config;
    if (SAFE_METHODS.has(request.method) || takesAnyOrigin || isOwnOrigin(request, own) || mayCall(request))
      return done();
    done(
      new TidingsError(
        'foreign_origin',
        'A page of another origin may not change anything here; send the request from a server, or from the console.',
      ),
    );
  });
}

function isOwnOrigin({ headers }: FastifyRequest, own: URL | undefined): boolean {
  const { origin, host } = headers;
  // Set by the browser alone, and true behind a proxy that rewrites the host as well.
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (origin === undefined) return true;
  // Also behind a proxy that rewrites the host. A page that was put between browser and proxy has the host, but no TLS.
  if (own && toHost(origin) === own.host) return new URL(origin).origin === own.origin;
  // The scheme is not known: TLS may end in a proxy. Both hosts are read as URLs: in lower case, without the usual port.
  const scheme = /^https?:/.exec(origin)?.[0];
  return toHost(origin) !== undefined && toHost(origin) === toHost(`${scheme}//${host}`);
}

function toHost(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
