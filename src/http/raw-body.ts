import type { App } from './app.ts';

/** Accepts bodies of every media type as the bytes that arrived, in this scope only; an empty body is an empty buffer. */
export function keepRawBodies(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}
