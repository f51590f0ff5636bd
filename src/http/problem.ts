import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type CatalogProblem, ERROR_CODES, type ErrorCode, TidingsError } from '../errors.ts';
import { isInvalidValueError, isTransient } from '../store/pg/errors.ts';
import { HEADERS } from './headers.ts';

/** A problem document (RFC 9457). `code` is stable; docs/errors.md has a section for each. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly path?: string;
  /** Of `invalid_catalog`: every mistake, with file, line and column. */
  readonly problems?: readonly CatalogProblem[];
}

const MEDIA_TYPE = 'application/problem+json';

/** Every error of every route leaves as a problem document. Comes before the routes: it learns what each path takes. */
export function registerErrorHandlers(app: FastifyInstance): void {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // The console's files take every path.
    if (!url.includes('*')) routes.push({ path: patternOf(url), methods: [method].flat() });
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => {
    // Not every path that arrives is one that URL would take.
    const path = request.url.replace(/[?#].*$/s, '');
    const what = `There is no ${request.method} ${path.slice(0, 200)}`;
    const allowed = new Set(routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods));
    // A part of it is too long for the router.
    if (allowed.has(request.method)) throw new TidingsError('invalid_request', 'A part of the path is too long.');
    const problem =
      allowed.size > 0
        ? new TidingsError('method_not_allowed', `${what}, but ${[...allowed].join(' and ')}; see /api/docs.`)
        : new TidingsError('not_found', `${what}; see /api/docs.`);
    return reply
      .status(problem.status)
      .headers(allowed.size > 0 ? { allow: [...allowed].join(', ') } : {})
      .type(MEDIA_TYPE)
      .send(documentOf(problem));
  });
}

/** `/api/v1/audit/:user_id` as an expression over whole paths. */
function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^$(){}|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}

/** For the error handler, and for what fails before there is a route. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  // The caller hung up in the middle of its body: its ECONNRESET says nothing of the database, and nobody hears an answer.
  const hasHungUp = request.raw.destroyed && !request.raw.complete;
  const problem = hasHungUp ? new TidingsError('invalid_request', 'The request ended early.') : problemOf(error);
  if (problem.code === 'internal') request.log.error({ err: error }, 'a request failed in our own code');
  else if (problem.code === 'unavailable') request.log.warn({ err: error }, 'the database cannot be reached');
  reply
    .status(problem.status)
    // Again: what fails before there is a route has passed no hook.
    .headers(HEADERS)
    .headers(problem.retryAfter === undefined ? {} : { 'retry-after': String(problem.retryAfter) })
    .type(MEDIA_TYPE)
    .send(documentOf(problem));
}

/**
 * For what is no HTTP, or stops before its headers or its body are complete: the connection gets a problem document and ends.
 * Node's own answer would have no body, Fastify's another shape.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new TidingsError('request_timeout', 'The request did not arrive within a minute.')
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? new TidingsError('headers_too_large', 'The headers may have at most 16 KiB.')
        : new TidingsError('invalid_request', 'This is no HTTP request that can be read.');
  const body = JSON.stringify(documentOf(problem));
  const headers = {
    ...HEADERS,
    'content-type': MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`);
}

export function documentOf(problem: TidingsError): Problem {
  const { title, status } = ERROR_CODES[problem.code];
  return {
    type: `https://github.com/tidings/tidings/blob/main/docs/errors.md#${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    ...(problem.path === '' ? {} : { path: problem.path }),
    ...(problem.problems ? { problems: problem.problems } : {}),
  };
}

function problemOf(error: FastifyError): TidingsError {
  if (error instanceof TidingsError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const first = error.validation[0];
    const path = (first?.instancePath ?? '').replaceAll('/', '.').replace(/^\./, '');
    if (first?.keyword === 'unrecognized_keys') {
      const names = (first.params.keys as string[]).map((name) => JSON.stringify(name)).join(', ');
      return new TidingsError('invalid_request', `${names} is no parameter of this route; see /api/docs.`);
    }
    return new TidingsError('invalid_request', `${path || 'The request'}: ${first?.message ?? 'is not valid'}`, {
      path,
    });
  }
  if (isTransient(error)) {
    return new TidingsError('unavailable', 'Nothing was changed; try again.', { retryAfter: 2, cause: error });
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new TidingsError('payload_too_large', 'A body may have at most 5 MiB; send fewer events at a time.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new TidingsError('unsupported_media_type', 'Send JSON with the header content-type: application/json.');
    case 'FST_ERR_BAD_URL':
      return new TidingsError(
        'invalid_request',
        'The path is not valid: write a % as %25, and other signs as %XX in UTF-8.',
      );
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new TidingsError('invalid_request', 'A part of the path is too long.');
  }
  // 403: a path out of the console's folder.
  if (error.statusCode === 403 || error.statusCode === 404)
    return new TidingsError('not_found', 'There is no such thing here.');
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new TidingsError('invalid_request', error.message);
  }
  // A value from a path or query that the database cannot take, such as a NUL in an id.
  if (isInvalidValueError(error))
    return new TidingsError('invalid_request', 'A value of the request cannot be used here.');
  return new TidingsError('internal', 'The error is in our log; nothing about your request was wrong.', {
    cause: error,
  });
}
