import { createHash, randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TidingsError } from '../errors.ts';
import {
  beginKey,
  completeKey,
  dropOldResponses,
  type KeptResponse,
  type KeyId,
  LOCK_SECONDS,
  MAX_KEPT_BYTES,
  MAX_TENANT_KEPT_BYTES,
  releaseKey,
  renewKey,
} from '../store/idempotency-keys.ts';
import type { App, HttpDependencies } from './app.ts';
import { KeptBytes } from './kept-bytes.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Identifies what this request does: the same UUID whenever the caller repeats it with its Idempotency-Key, else a random
     * one. A route that creates something uses it as the id, or stores it: a repetition after a crash then finds what was made.
     */
    readonly operationId: string;
  }
  interface FastifyContextConfig {
    /** False: a POST that creates nothing, such as a login; it ignores an Idempotency-Key. */
    readonly idempotent?: false;
  }
}

/** Printable ASCII: a key also stands in a header. */
const KEY = /^[\x20-\x7e]{1,255}$/;

/** Interval in ms at which a request under way renews its lock. */
const RENEW_MS = (LOCK_SECONDS * 1000) / 3;

/** Renewals of one request, at most: a handler that never ends must not block its key forever. */
const MAX_RENEWALS = 30;

/** Times that the size of what a tenant has is looked at while it keeps as much as it may: each process may exceed it by that part. */
const CHECKS_OF_KEPT_BYTES = 16;

/** Longest `retry-after` in seconds while a request is under way. */
const MAX_RETRY_AFTER_SECONDS = 2;

/** Headers of a response that belong to what was made. */
const KEPT_HEADERS = ['content-type', 'location', 'etag', 'retry-after'] as const;

/** A request that works under its key. */
interface Work {
  readonly id: KeyId;
  readonly fence: number;
  readonly renewal: NodeJS.Timeout;
}

/** A request, as far as its key matters. */
interface Operation {
  readonly id: string;
  /** Absent: it has no key, or its response was kept. */
  work?: Work;
}

/**
 * Makes POST requests with an `Idempotency-Key` safe to repeat: the first response is kept for 24 hours and sent again. While
 * the first request is under way, others get `idempotency_in_progress`; another body gets `idempotency_key_reused`. What fails
 * before the work begins (authentication, validation), and every 429 and 5xx, is not kept: the caller may send it again.
 *
 * A request that is cut off blocks its key for a minute at most. The one that then takes over does the work again, with the same
 * `operationId`. Requests without a key cost nothing.
 */
export function registerIdempotency(
  app: App,
  { database, seal, log, maxKeptBytes = MAX_TENANT_KEPT_BYTES }: HttpDependencies,
): void {
  const keptBytes = new KeptBytes(maxKeptBytes / CHECKS_OF_KEPT_BYTES);
  const operations = new WeakMap<FastifyRequest, Operation>();
  // Made when a route asks for it: most requests have no use for one.
  app.decorateRequest('operationId', {
    getter(this: FastifyRequest) {
      const operation = operations.get(this) ?? { id: randomUUID() };
      operations.set(this, operation);
      return operation.id;
    },
  });

  // With callbacks where there is no key: a promise for each request would cost those without one.
  app.addHook('preHandler', (request, reply, done) => {
    let key: string | undefined;
    try {
      key = readKey(request);
    } catch (error) {
      return done(error as TidingsError);
    }
    if (key === undefined) return done();
    begin(request, reply, key).then((isAnswered) => (isAnswered ? undefined : done()), done);
  });

  /** Returns whether the request is answered: with the response that was kept. */
  async function begin(request: FastifyRequest, reply: FastifyReply, key: string): Promise<boolean> {
    const { tenantId, actor } = request.principal;
    const route = `${request.method} ${request.routeOptions.url}`;
    const id = { tenantId, actor: `${actor.kind} ${actor.id}`, route, key };
    const operation: Operation = { id: toUuid(Object.values(id)) };
    operations.set(request, operation);
    const state = await beginKey(database.forTenant(tenantId), seal, id, toFingerprint(request));
    switch (state.kind) {
      case 'mine':
        operation.work = { id, fence: state.fence, renewal: renewRegularly(id, state.fence) };
        return false;
      case 'complete':
        replay(reply, state.response);
        return true;
      case 'reused':
        throw new TidingsError(
          'idempotency_key_reused',
          'The Idempotency-Key was used for another request; use a new key for each request, and the same only to repeat one.',
          { pointer: 'idempotency-key' },
        );
      case 'in_progress':
        throw new TidingsError(
          'idempotency_in_progress',
          'The first request with this Idempotency-Key is under way; ask for its response a little later.',
          { pointer: 'idempotency-key', retryAfter: Math.min(state.retryAfter, MAX_RETRY_AFTER_SECONDS) },
        );
      case 'dropped':
        throw new TidingsError(
          'not_readable',
          'The request was answered already, and its response is no longer kept; look for what it made.',
          { pointer: 'idempotency-key' },
        );
      case 'unreadable':
        throw new TidingsError(
          'not_readable',
          'The request was answered already, and the response cannot be opened with the current encryption key.',
          { pointer: 'idempotency-key' },
        );
    }
  }

  // The response is kept before it is sent: a caller that has it never needs to ask again.
  app.addHook('onSend', (request, reply, payload, done) => {
    const operation = operations.get(request);
    const work = operation?.work;
    if (!work) return done(null, payload);
    delete operation.work;
    clearInterval(work.renewal);
    keep(work, toKeptResponse(reply, payload)).then(() => done(null, payload), done);
  });

  async function keep(work: Work, response: KeptResponse | undefined): Promise<void> {
    const pool = database.forTenant(work.id.tenantId);
    try {
      if (response) {
        const bytes = await completeKey(pool, seal, work.id, work.fence, response);
        if (keptBytes.add(work.id.tenantId, bytes)) dropLater(work.id.tenantId);
      } else await releaseKey(pool, work.id, work.fence);
    } catch (error) {
      // The work is done, and the caller must learn that. The key stays locked for LOCK_SECONDS; then it may be taken over.
      log.warn({ err: error }, 'the response to an Idempotency-Key could not be kept');
    }
  }

  /** The caller does not wait for it. */
  function dropLater(tenantId: string): void {
    dropOldResponses(database.forTenant(tenantId), tenantId, maxKeptBytes).catch((error: unknown) =>
      log.warn({ err: error }, 'old responses to Idempotency-Keys were not dropped'),
    );
  }

  function renewRegularly(id: KeyId, fence: number): NodeJS.Timeout {
    let left = MAX_RENEWALS;
    const renewal = setInterval(() => {
      if (--left === 0) clearInterval(renewal);
      renewKey(database.forTenant(id.tenantId), id, fence).catch((error: unknown) =>
        log.warn({ err: error }, 'an Idempotency-Key was not renewed'),
      );
    }, RENEW_MS);
    return renewal.unref();
  }
}

/** Returns the key of a request; undefined: it has no key, or its route ignores it. @throws TidingsError if it is not one */
function readKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return undefined;
  const { scope = 'public', idempotent = true } = request.routeOptions.config;
  if (scope === 'public' || !idempotent) return undefined;
  // Node.js joins several headers to one text: with a proxy that adds its own, each repetition would have a key of its own.
  if ((request.raw.headersDistinct['idempotency-key']?.length ?? 1) > 1) {
    throw new TidingsError('invalid_request', 'The request has several headers Idempotency-Key; send one.', {
      pointer: 'idempotency-key',
    });
  }
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new TidingsError('invalid_request', 'An Idempotency-Key has 1 to 255 printable ASCII characters.', {
    pointer: 'idempotency-key',
  });
}

/**
 * Returns a hash of what a request asks for: a repetition has the same. Of a CloudEvent in binary mode the headers are a part: they
 * hold the attributes, and the body only the data.
 */
function toFingerprint({ url, body, headers }: FastifyRequest): Buffer {
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith('ce-'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const text = `${url}\n${attributes.length > 0 ? `${JSON.stringify(attributes)}\n` : ''}`;
  return createHash('sha256')
    .update(text)
    .update(toJson(body) ?? '')
    .digest();
}

/** Returns a UUID (version 8, RFC 9562) from a hash of these texts. */
function toUuid(texts: readonly string[]): string {
  const bytes = createHash('sha256').update(texts.join('\n')).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Returns a response as it is kept; undefined: it is not kept. */
function toKeptResponse(reply: FastifyReply, payload: unknown): KeptResponse | undefined {
  const { statusCode } = reply;
  if (statusCode >= 500 || statusCode === 429) return undefined;
  if (payload !== null && payload !== undefined && typeof payload !== 'string') return undefined;
  const body = payload ?? '';
  if (Buffer.byteLength(body) > MAX_KEPT_BYTES) return undefined;
  const headers = KEPT_HEADERS.map((name) => [name, reply.getHeader(name)] as const).filter(
    ([, value]) => value !== undefined,
  );
  return {
    status: statusCode,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    body,
  };
}

function replay(reply: FastifyReply, { status, headers, body }: KeptResponse): FastifyReply {
  // A text is sent as it is: the serializer is for objects.
  return reply
    .status(status)
    .headers(headers)
    .header('idempotency-replayed', 'true')
    .send(body === '' ? undefined : body);
}

/** Returns a body as JSON. @throws TidingsError `invalid_request` if it is nested too deeply */
function toJson(body: unknown): string | undefined {
  try {
    return JSON.stringify(body);
  } catch {
    // The stack has an end, and a body of some kilobytes can be deeper.
    throw new TidingsError('invalid_request', 'The body is nested too deeply for a request with an Idempotency-Key.');
  }
}
