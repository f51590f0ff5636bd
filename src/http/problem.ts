import type { FastifyError } from 'fastify';
import { ERROR_CODES, type ErrorCode, type ProblemPart, TidingsError } from '../errors.ts';
import { isInvalidValueError, isTransient } from '../store/pg/errors.ts';

/**
 * A problem document (RFC 9457). `code` is stable and has a section in docs/errors.md, which this installation shows under
 * the URL `type` (see docs-pages.ts).
 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** Id of the request, as in the header `x-request-id` and in the log. */
  readonly request_id: string;
  /** Parts of the request that are wrong; absent: no part of its own. */
  readonly errors?: readonly ProblemPart[];
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** Path of the page with every code, which is served by each installation. */
export const ERROR_PAGE = '/api/docs/errors';

export function toProblem(error: TidingsError, requestId: string): Problem {
  const { title, status } = ERROR_CODES[error.code];
  return {
    type: `${ERROR_PAGE}#${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...toErrors(error),
  };
}

function toErrors({ errors, pointer, message }: TidingsError): { errors?: readonly ProblemPart[] } {
  if (errors !== undefined) return { errors };
  return pointer === '' ? {} : { errors: [{ pointer, message }] };
}

/** Returns the error for a body beyond the limit of its route. @param limit in bytes; a multiple of 1 MiB */
export function toBodyTooLarge(limit: number): TidingsError {
  return new TidingsError(
    'payload_too_large',
    `A body may have at most ${limit / 1024 ** 2} MiB; send less at a time.`,
  );
}

/**
 * Returns the error that the caller sees. An error that is not understood becomes `internal`, without its message.
 * @param bodyLimit of the route, in bytes
 * @param mediaType that the route takes; absent: JSON
 */
export function toTidingsError(error: FastifyError, bodyLimit: number, mediaType?: string): TidingsError {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return toBodyTooLarge(bodyLimit);
  if (error instanceof TidingsError) return error;
  if (isTransient(error)) {
    return new TidingsError('unavailable', 'Nothing was changed; send the request again.', {
      retryAfter: 2,
      cause: error,
    });
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' && mediaType !== undefined) {
    return new TidingsError('unsupported_media_type', `Send the body with the header content-type: ${mediaType}.`);
  }
  const known = KNOWN_FASTIFY_ERRORS[error.code];
  if (known) return new TidingsError(...known);
  // 403: a path that leads out of the folder of the console.
  if (error.statusCode === 403 || error.statusCode === 404) {
    return new TidingsError('not_found', 'There is no such resource.');
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new TidingsError('invalid_request', error.message);
  }
  // A value of the path or the query that PostgreSQL cannot store, such as an id with a NUL.
  if (isInvalidValueError(error)) {
    return new TidingsError('invalid_request', 'A value of the request has characters that cannot be stored.');
  }
  return new TidingsError('internal', 'The request is not the cause; the log of Tidings has the error.', {
    cause: error,
  });
}

const KNOWN_FASTIFY_ERRORS: { readonly [code: string]: readonly [ErrorCode, string] } = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'Send JSON with the header content-type: application/json.',
  ],
  FST_ERR_BAD_URL: [
    'invalid_request',
    'The path is not valid: write a % as %25, and other special characters as %XX in UTF-8.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'A part of the path is too long.'],
};
