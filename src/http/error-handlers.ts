import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import { joinWords } from '../lib/text/join-words.ts';
import { PROBLEM_MEDIA_TYPE, toProblem, toTidingsError } from './problem.ts';
import { createRequestId, REQUEST_ID_HEADER } from './request-id.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** The limit of routes that set none: the default of Fastify. */
const DEFAULT_BODY_LIMIT = 1024 * 1024;

/** Bytes that are read of a body that is too large. A client that sends more sees its connection reset. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

interface RegisteredRoute {
  readonly path: RegExp;
  readonly methods: readonly string[];
}

/**
 * Sends every error of every route as a problem document. Call it before the routes are registered: it collects their paths
 * and methods, to tell a wrong method (405) from an unknown path (404).
 */
export function registerErrorHandlers(app: FastifyInstance): void {
  const routes: RegisteredRoute[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    // The route of the console's files matches every path.
    if (!url.includes('*')) routes.push({ path: toPathPattern(url), methods: [method].flat() });
  });
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    // By hand: a path that arrives need not be one that the URL class accepts.
    const path = request.url.replace(/[?#].*$/s, '');
    const allowed = new Set(routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods));
    const error = toRoutingError(request.method, path, allowed);
    if (error.code === 'method_not_allowed') reply.header('allow', [...allowed].join(', '));
    sendProblem(error, request, reply);
  });
}

/** Returns a pattern for whole paths from a route such as `/api/v1/audit/:user_id`. */
function toPathPattern(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^$(){}|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}

function toRoutingError(method: string, path: string, allowed: ReadonlySet<string>): TidingsError {
  // The route exists, but a part of the path is longer than the router accepts.
  if (allowed.has(method)) return new TidingsError('invalid_request', 'A part of the path is too long.');
  const missing = `There is no ${method} ${path.slice(0, 200)}`;
  return allowed.size > 0
    ? new TidingsError('method_not_allowed', `${missing}, but ${joinWords([...allowed])}; see /api/docs.`)
    : new TidingsError('not_found', `${missing}; see /api/docs.`);
}

/** Logs errors that an operator must know of, and sends the problem document. Also handles errors before routing. */
export function sendProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  // The caller closed the connection within its body. The ECONNRESET is not one of the database, and no response arrives.
  const isAborted = request.raw.destroyed && !request.raw.complete;
  const problem = isAborted
    ? new TidingsError('invalid_request', 'The request ended early.')
    : toTidingsError(error, request.routeOptions?.bodyLimit ?? DEFAULT_BODY_LIMIT, findMediaType(request));
  if (problem.code === 'payload_too_large') discardBody(request, reply);
  const fields = { err: error, request_id: request.id };
  if (problem.code === 'internal') request.log.error(fields, 'request failed because of an internal error');
  else if (problem.code === 'unavailable') request.log.warn(fields, 'database unavailable');
  reply
    .status(problem.status)
    // Set again: a request that fails before routing has passed no hook.
    .headers(SECURITY_HEADERS)
    .header(REQUEST_ID_HEADER, request.id)
    .headers(problem.retryAfter === undefined ? {} : { 'retry-after': String(problem.retryAfter) })
    .type(PROBLEM_MEDIA_TYPE)
    .send(toProblem(problem, request.id));
}

/** Returns the media type that a route takes, if it is not JSON. */
function findMediaType({ routeOptions }: FastifyRequest): string | undefined {
  return (routeOptions?.schema as { readonly consumes?: readonly string[] } | undefined)?.consumes?.[0];
}

/**
 * Reads the rest of a body that is too large, and discards it: a client that is still writing reads the response only then. If
 * the connection were closed instead, it would see a reset connection.
 */
function discardBody({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) return;
  // Set by Fastify, to close the connection.
  reply.removeHeader('connection');
  let left = MAX_DISCARDED_BYTES;
  raw.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) raw.destroy();
  });
}

/**
 * Responds to input that is not HTTP, or that ends or stops before its headers or its body are complete, and closes the
 * connection. Node's own response would have no body, and Fastify's another shape.
 */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toConnectionError(error.code);
  const requestId = createRequestId();
  const body = JSON.stringify(toProblem(problem, requestId));
  const headers = {
    ...SECURITY_HEADERS,
    [REQUEST_ID_HEADER]: requestId,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`);
}

function toConnectionError(code: string | undefined): TidingsError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TidingsError('request_timeout', 'The request did not arrive within 60 seconds.');
    case 'HPE_HEADER_OVERFLOW':
      return new TidingsError('headers_too_large', 'The headers may have at most 16 KiB.');
    default:
      return new TidingsError('invalid_request', 'The input is not a valid HTTP request.');
  }
}
