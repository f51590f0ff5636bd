import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { App } from './app.ts';

/** Header that names a request, in requests and in responses. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** An id that a caller may choose: what logs and headers hold without quoting. */
const WELL_FORMED = /^[A-Za-z0-9][A-Za-z0-9._:@=+/-]{0,127}$/;

export function createRequestId(): string {
  return `req_${randomUUID()}`;
}

/** Returns the id that the caller gave a request, or a new one if it gave none or one that is not well-formed. */
export function getRequestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : createRequestId();
}

/** Adds the id of the request to every response. */
export function registerRequestIds(app: App): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
}
