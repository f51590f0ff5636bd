import type { FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import type { Seal } from '../privacy/seal.ts';
import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';

type PartKind = 'text' | 'number' | 'uuid';

type Position<T extends readonly PartKind[]> = { [K in keyof T]: T[K] extends 'number' ? number : string };

/** Characters of the keyed hash at the start of a cursor: 192 bits. */
const HASH_CHARS = 32;

/** The longest cursor that is read: one that holds the longest texts takes less. */
const MAX_CURSOR_CHARS = 16_384;

/**
 * Cursors of lists: the `next` of a page, sent back as `after`, or its `previous`, sent back as `before`. Each is bound by a keyed hash to the list, the tenant and the
 * filter of the request that it was made for. One that was altered, or that comes from another list, is rejected.
 */
export class Cursors {
  readonly #seal: Pick<Seal, 'sign'>;

  constructor(seal: Pick<Seal, 'sign'>) {
    this.#seal = seal;
  }

  /** Returns the cursor for a position in the list of this request. `read` decodes it. */
  write(request: ListRequest, parts: readonly (string | number)[]): string {
    const text = JSON.stringify(parts);
    return this.#sign(request, text) + Buffer.from(text).toString('base64url');
  }

  /**
   * Returns the cursor for the rest of a list: that of the last item of a full page; null if the page has less than `limit`
   * items.
   */
  next<T>(
    request: ListRequest,
    items: readonly T[],
    limit: number,
    toParts: (last: T) => readonly (string | number)[],
  ): string | null {
    const last = items.length >= limit ? items.at(-1) : undefined;
    return last === undefined ? null : this.write(request, toParts(last));
  }

  /**
   * Decodes a parameter of this request. Returns null without it: the list starts at its beginning. Throws
   * `invalid_request` unless it is a cursor of this list with parts of these kinds.
   */
  read<const T extends readonly PartKind[]>(
    request: ListRequest,
    kinds: T,
    name: 'after' | 'before' = 'after',
  ): Position<T> | null {
    const cursor = (request.query as { readonly [name: string]: string | undefined })[name];
    if (cursor === undefined) return null;
    const text = Buffer.from(cursor.slice(HASH_CHARS), 'base64url').toString();
    const isOwn = cursor.length <= MAX_CURSOR_CHARS && cursor.slice(0, HASH_CHARS) === this.#sign(request, text);
    const parts = isOwn ? decode(text) : null;
    if (Array.isArray(parts) && parts.length === kinds.length && kinds.every((kind, i) => hasKind(kind, parts[i]))) {
      return parts as Position<T>;
    }
    throw new TidingsError(
      'invalid_request',
      `${name} is not a cursor of this list with this filter; send the ${name === 'after' ? 'next' : 'previous'} of a page of it.`,
      { pointer: name },
    );
  }

  #sign({ principal, routeOptions, params, query }: ListRequest, text: string): string {
    const { after, before, around, limit, ...filter } = query as { readonly [name: string]: unknown };
    const list = [routeOptions.url, principal.tenantId, sortEntries(params), sortEntries(filter), text];
    return this.#seal.sign(`cursor ${JSON.stringify(list)}`);
  }
}

/** A request for a page of a list. */
type ListRequest = Pick<FastifyRequest, 'principal' | 'routeOptions' | 'params' | 'query'>;

function sortEntries(value: unknown): unknown {
  return Object.entries(value ?? {})
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The longest text that a cursor holds: an id that a path may have. */
const MAX_TEXT_CHARS = 1024;

function hasKind(kind: PartKind, value: unknown): boolean {
  if (kind === 'number') {
    return typeof value === 'number' && Number.isInteger(value) && value <= LAST_TIME && value >= FIRST_TIME;
  }
  if (typeof value !== 'string') return false;
  return kind === 'uuid' ? UUID.test(value) : !value.includes('\0') && value.length <= MAX_TEXT_CHARS;
}
