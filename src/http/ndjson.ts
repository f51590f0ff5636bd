import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { App } from './app.ts';

/** Media type of lines of JSON. */
export const NDJSON = 'application/x-ndjson';

/** Accepts lines of JSON as the stream that they are, in this scope only: no body is read before its handler does. */
export function keepNdjsonStreams(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
}

/** Returns the body of a request of such a scope. @throws TidingsError for a compressed one */
export function readNdjson({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): Readable {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new TidingsError('unsupported_media_type', 'Send the lines without a content-encoding.');
  return body instanceof Readable ? body : Readable.from([]);
}

/** Returns lines of JSON as text. */
export function toNdjson(lines: readonly unknown[]): string {
  return lines.map((one) => `${JSON.stringify(one)}\n`).join('');
}
