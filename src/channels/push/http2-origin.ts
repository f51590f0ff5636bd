import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from 'node:http2';
import type { LookupFunction } from 'node:net';
import type { Millis } from '../../model/event.ts';
import { Http2Connection, type Http2Failure } from './http2-connection.ts';

/** Requests that wait for a free stream, at most; more are rejected at once. */
const MAX_WAITING = 10_000;
/** Connections that one request tries, if each is gone as soon as it is open. */
const MAX_CONNECTIONS_TRIED = 3;
/** Bytes of a response that are read. */
const MAX_RESPONSE_BYTES = 64 * 1024;
/** Time in ms without a response after which the connection is probed. */
const PROBE_AFTER_MS: Millis = 5000;

/** Type of the frame that opens a stream (RFC 9113, 6.2). */
const HEADERS_FRAME = 1;

export interface Http2Request {
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
  readonly signal: AbortSignal;
  /** Asked right before the request is made; after false it is not. */
  readonly mayHandOver?: () => boolean;
}

export interface Http2Response {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: string;
}

export type Http2Result = { readonly response: Http2Response } | { readonly failure: Http2Failure };

/**
 * One origin over HTTP/2, by one connection at a time. A request is made once. No stream is opened before the SETTINGS of the
 * server, nor more than they allow; a GOAWAY tells which requests were surely not processed; a connection that does not answer a
 * ping is closed.
 */
export class Http2Origin {
  readonly #origin: string;
  readonly #lookup: LookupFunction | undefined;
  readonly #pings: { readonly every: Millis; readonly within: Millis };
  readonly #all = new Set<Http2Connection>();
  #current: Http2Connection | undefined;
  #waiting = 0;
  #closed = false;

  constructor(
    origin: string,
    lookup: LookupFunction | undefined,
    pings: { readonly every: Millis; readonly within: Millis } = { every: 60_000, within: 10_000 },
  ) {
    this.#origin = origin;
    this.#lookup = lookup;
    this.#pings = pings;
  }

  async request(request: Http2Request): Promise<Http2Result> {
    const connection = await this.#reserve(request.signal);
    if (typeof connection === 'string') return { failure: notHandedOver(connection, request.signal.aborted) };
    try {
      if (request.mayHandOver?.() === false) {
        return { failure: notHandedOver('the request was not handed over: too much time had passed', false) };
      }
      return await this.#exchange(connection, request);
    } finally {
      connection.release();
    }
  }

  /** Closes the connections. Requests that are under way end first, if they end within 5 s. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current = undefined;
    await Promise.all([...this.#all].map((connection) => connection.close()));
  }

  /** Returns a connection with a stream reserved on it, or why there cannot be one. */
  async #reserve(signal: AbortSignal): Promise<Http2Connection | string> {
    if (this.#waiting >= MAX_WAITING) return 'too many requests wait for the connection';
    this.#waiting++;
    try {
      let tried = 0;
      for (;;) {
        if (signal.aborted) return 'the send was aborted before the message was handed over';
        if (this.#closed) return 'the account is being closed';
        const connection = this.#getConnection();
        const fault = await connection.whenOpen(signal);
        if (fault !== undefined) return fault;
        if (connection.reserve()) return connection;
        if (connection.isUsable) await connection.whenRoom(signal);
        else if (++tried >= MAX_CONNECTIONS_TRIED) return 'the server closed the connection';
      }
    } finally {
      this.#waiting--;
    }
  }

  #getConnection(): Http2Connection {
    if (this.#current?.isUsable) return this.#current;
    const connection = new Http2Connection(this.#origin, this.#lookup, this.#pings);
    this.#all.add(connection);
    connection.onClosed(() => {
      this.#all.delete(connection);
      if (this.#current === connection) this.#current = undefined;
    });
    this.#current = connection;
    return connection;
  }

  #exchange(connection: Http2Connection, { path, headers, body, signal }: Http2Request): Promise<Http2Result> {
    return new Promise((resolve) => {
      let stream: ClientHttp2Stream;
      const bytes = Buffer.from(body);
      try {
        stream = connection.request({ ':method': 'POST', ':path': path, ...headers, 'content-length': bytes.length });
      } catch {
        resolve({ failure: { ...notHandedOver('the connection was closed', false), isOfConnection: true } });
        return;
      }
      const probe = setTimeout(() => connection.probe(), PROBE_AFTER_MS);
      const abort = () => stream.close(constants.NGHTTP2_CANCEL);
      signal.addEventListener('abort', abort, { once: true });
      const chunks: Buffer[] = [];
      let size = 0;
      let answered: OutgoingHttpHeaders | undefined;
      stream.on('response', (received) => {
        answered = received;
      });
      stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_RESPONSE_BYTES) chunks.push(chunk);
        else stream.close(constants.NGHTTP2_CANCEL);
      });
      // The request itself could not be written, as when the server has just announced its end.
      let isUnsent = false;
      stream.on('frameError', (type) => {
        if (type === HEADERS_FRAME) isUnsent = true;
      });
      // The close that follows tells what became of the request.
      stream.on('error', () => {});
      stream.on('close', () => {
        clearTimeout(probe);
        signal.removeEventListener('abort', abort);
        // The event of a GOAWAY may come after those of the streams that it ended.
        setImmediate(() => {
          const status = Number(answered?.[':status']);
          if (answered && status > 0) {
            const response = { status, headers: answered as Http2Response['headers'] };
            resolve({ response: { ...response, body: Buffer.concat(chunks).toString('utf8') } });
          } else resolve({ failure: connection.describeFailure(stream, { isAborted: signal.aborted, isUnsent }) });
        });
      });
      if (signal.aborted) abort();
      else stream.end(bytes);
    });
  }
}

function notHandedOver(reason: string, timedOut: boolean): Http2Failure {
  return { reason, handedOver: false, timedOut, isOfConnection: false };
}
