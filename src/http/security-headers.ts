import type { FastifyReply } from 'fastify';
import type { App } from './app.ts';

/** Pages may load and run only what this server serves. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "base-uri 'self'",
  "font-src 'self' https: data:",
  "form-action 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  "script-src-attr 'none'",
  "style-src 'self' 'unsafe-inline'",
];

/**
 * Headers that the OWASP Secure Headers Project recommends, without Strict-Transport-Security: TLS, if used, ends in a
 * proxy in front of this server. Constant, because computing them per request cost a tenth of the request.
 */
export const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY.join(';'),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

/** Adds the headers to every response. Register it before all other hooks, so that responses of failing hooks have them. */
export function registerSecurityHeaders(app: App): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done();
  });
}

/** Lets pages of these origins show a page in a frame, beside those of the own origin. @param origins `*`: every one */
export function allowFrames(reply: FastifyReply, origins: readonly string[]): FastifyReply {
  if (origins.length === 0) return reply;
  const ancestors = origins.includes('*') ? '*' : ["'self'", ...origins].join(' ');
  const policy = CONTENT_SECURITY_POLICY.map((one) =>
    one.startsWith('frame-ancestors ') ? `frame-ancestors ${ancestors}` : one,
  );
  return reply.removeHeader('x-frame-options').header('content-security-policy', policy.join(';'));
}
