import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { App } from './app.ts';

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Rejects every request that would change something and that a page of another origin makes a browser send. Programs send no
 * `origin`, and are not concerned.
 */
export function rejectForeignOrigins(app: App): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (SAFE_METHODS.has(request.method) || isOwnOrigin(request)) return done();
    done(
      new TidingsError(
        'foreign_origin',
        'A page of another origin may not change anything here; send the request from a server, or from the console.',
      ),
    );
  });
}

function isOwnOrigin({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers;
  // Set by the browser alone, and true behind a proxy that rewrites the host as well.
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (origin === undefined) return true;
  // The scheme is not known: TLS may end in a proxy. Both hosts are read as URLs: in lower case, without the usual port.
  const scheme = /^https?:/.exec(origin)?.[0];
  return toHost(origin) !== undefined && toHost(origin) === toHost(`${scheme}//${host}`);
}

function toHost(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
