import type { FastifyReply, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';

/**
 * Returns the revision that a request says it changes: the number in `If-Match: "7"`. Undefined: the header is absent or `*`, and
 * the caller changes whatever revision there is.
 *
 * @throws TidingsError `invalid_request` for anything else
 */
export function readIfMatch({ headers }: FastifyRequest): number | undefined {
  const given = headers['if-match'];
  if (given === undefined || given === '*') return undefined;
  const revision = /^"(\d{1,15})"$/.exec(given)?.[1];
  if (revision !== undefined) return Number(revision);
  throw new TidingsError('invalid_request', 'If-Match must be the etag of an earlier response, such as "7".', {
    pointer: 'if-match',
  });
}

/** Returns a resource for the response, with its revision as the etag. */
export function withEtag<T extends { readonly revision: number }>(reply: FastifyReply, resource: T): T {
  setEtag(reply, resource.revision);
  return resource;
}

/** Tells the caller the revision, for a later `If-Match`. */
export function setEtag(reply: FastifyReply, revision: number): FastifyReply {
  return reply.header('etag', `"${revision}"`);
}
