import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { isIP, type LookupFunction, connect as netConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { Millis } from '../../model/event.ts';
import { untilAborted } from '../until-aborted.ts';

/** Time in ms for the connection, TLS and the SETTINGS of the server. */
const MAX_OPEN_MS: Millis = 10_000;
/** Time in ms that requests under way have to end when the connection is closed. */
const MAX_DRAIN_MS: Millis = 5000;
/** Streams of a server whose SETTINGS name no limit. */
const DEFAULT_MAX_STREAMS = 100;
/** Bytes of the debug data of a GOAWAY frame that are read. */
const MAX_GOAWAY_BYTES = 1024;

/** A request without a response. */
export interface Http2Failure {
  readonly reason: string;
  /** Whether the server may have processed it. False: it surely has not. */
  readonly handedOver: boolean;
  readonly timedOut: boolean;
  /** Debug data of the GOAWAY frame that ended it, if there was any. */
  readonly goaway?: string;
  /** Whether the server ended the connection in good order, so that a new one will do. */
  readonly isOfConnection: boolean;
}

/** A connection over HTTP/2: knows how many streams it may have, and which of them the server has surely not processed. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #pongWithin: Millis;
  readonly #opened: Promise<string | undefined>;
  readonly #closed: Promise<void>;
  readonly #pings: NodeJS.Timeout;
  readonly #whenRoom = new Set<() => void>();
  #settle: (fault: string | undefined) => void = () => {};
  #maxStreams: number | undefined;
  #streams = 0;
  #isProbed = false;
  #isSilent = false;
  #isEnding = false;
  #goaway: { readonly lastStreamId: number; readonly data?: string } | undefined;

  constructor(
    origin: string,
    lookup: LookupFunction | undefined,
    pings: { readonly every: Millis; readonly within: Millis },
  ) {
    this.#pongWithin = pings.within;
    this.#opened = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#socket = openSocket(new URL(origin), lookup);
    const session = connect(origin, { createConnection: () => this.#socket, settings: { enablePush: false } });
    this.#session = session;
    const tooLate = setTimeout(() => this.#end('the server did not respond in time'), MAX_OPEN_MS);
    this.#pings = setInterval(() => this.probe(), pings.every);
    this.#pings.unref();
    session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      clearTimeout(tooLate);
      this.#maxStreams = maxConcurrentStreams ?? DEFAULT_MAX_STREAMS;
      this.#settle(undefined);
      this.#wake();
    });
    session.on('goaway', (_code, lastStreamId, data) => {
      const text = data ? Buffer.from(data).subarray(0, MAX_GOAWAY_BYTES).toString('utf8') : '';
      this.#goaway = { lastStreamId, ...(text === '' ? {} : { data: text }) };
      this.#isEnding = true;
      this.#endIfIdle();
      this.#wake();
    });
    let fault = 'the connection was closed';
    session.on('error', (error: NodeJS.ErrnoException) => {
      fault = typeof error.code === 'string' ? `the connection failed (${error.code})` : 'the connection failed';
    });
    this.#closed = new Promise((resolve) => {
      session.on('close', () => {
        clearTimeout(tooLate);
        clearInterval(this.#pings);
        this.#isEnding = true;
        this.#settle(fault);
        this.#wake();
        resolve();
      });
    });
  }

  /** Whether new requests may use it, as far as is known. */
  get isUsable(): boolean {
    return !this.#isEnding && !this.#session.closed && !this.#session.destroyed;
  }

  onClosed(action: () => void): void {
    void this.#closed.then(action);
  }

  /** Waits until requests may be made. Returns why they cannot; undefined: they can. */
  async whenOpen(signal: AbortSignal): Promise<string | undefined> {
    return untilAborted(this.#opened, signal, 'the server did not respond in time');
  }

  /** Reserves a stream. Returns false if there is no room for one. `release` must follow. */
  reserve(): boolean {
    if (!this.isUsable || this.#maxStreams === undefined || this.#streams >= this.#maxStreams) return false;
    this.#streams++;
    return true;
  }

  release(): void {
    this.#streams--;
    this.#endIfIdle();
    this.#wakeNext();
  }

  /** Waits until there may be room for a stream, or the connection or the signal ends. */
  async whenRoom(signal: AbortSignal): Promise<void> {
    let wake = () => {};
    const room = new Promise<void>((resolve) => {
      wake = resolve;
      this.#whenRoom.add(wake);
    });
    await untilAborted(room, signal, undefined);
    // The room that it was woken for is there for the next.
    if (!this.#whenRoom.delete(wake) && signal.aborted) this.#wakeNext();
  }

  /** @throws Error if the connection is no longer open */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    return this.#session.request(headers);
  }

  /**
   * Returns what became of a request without a response.
   * @param isUnsent whether it was surely not written
   */
  describeFailure(
    stream: ClientHttp2Stream,
    { isAborted, isUnsent }: { readonly isAborted: boolean; readonly isUnsent: boolean },
  ): Http2Failure {
    const goaway = this.#goaway;
    const wasRejected = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    const isAfterGoaway = goaway !== undefined && stream.id !== undefined && stream.id > goaway.lastStreamId;
    const handedOver = stream.id !== undefined && !isUnsent && !wasRejected && !isAfterGoaway;
    const timedOut = isAborted || this.#isSilent;
    const reason = timedOut ? 'there was no response in time' : 'the server ended the connection without a response';
    return {
      reason: handedOver ? reason : `${reason}, and did not process the request`,
      handedOver,
      timedOut,
      isOfConnection: isUnsent || wasRejected || isAfterGoaway,
      ...(goaway?.data === undefined ? {} : { goaway: goaway.data }),
    };
  }

  /** Sends a ping, unless one is under way, and closes the connection if no answer comes in time. */
  probe(): void {
    if (this.#isProbed || this.#session.destroyed || this.#session.connecting) return;
    this.#isProbed = true;
    const tooLate = setTimeout(() => {
      this.#isSilent = true;
      this.#end('the server did not respond in time');
    }, this.#pongWithin);
    const done = (error: Error | null) => {
      clearTimeout(tooLate);
      this.#isProbed = false;
      if (error && !this.#session.destroyed) this.#end('the connection was lost');
    };
    try {
      this.#session.ping(done);
    } catch {
      done(null);
    }
  }

  async close(): Promise<void> {
    this.#isEnding = true;
    this.#endIfIdle();
    const tooLate = setTimeout(() => this.#end('the connection was closed'), MAX_DRAIN_MS);
    await this.#closed;
    clearTimeout(tooLate);
  }

  #end(fault: string): void {
    this.#settle(fault);
    this.#isEnding = true;
    this.#session.destroy();
    // A session that ends in good order waits for the server to close the connection, which it may never do.
    this.#socket.destroy();
  }

  /** Closes the connection as soon as no request of ours is left on it. */
  #endIfIdle(): void {
    if (this.#isEnding && this.#streams === 0) this.#end('the connection was closed');
  }

  #wakeNext(): void {
    const [next] = this.#whenRoom;
    if (!next) return;
    this.#whenRoom.delete(next);
    next();
  }

  #wake(): void {
    for (const wake of this.#whenRoom) wake();
    this.#whenRoom.clear();
  }
}

/** Opens the connection below: TLS with HTTP/2, or none of it for a server on this machine. */
function openSocket({ protocol, hostname, port }: URL, lookup: LookupFunction | undefined): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const options = { host, ...(lookup ? { lookup } : {}) };
  if (protocol === 'http:') return netConnect({ ...options, port: Number(port) || 80 });
  const name = isIP(host) === 0 ? { servername: host } : {};
  return tlsConnect({ ...options, ...name, port: Number(port) || 443, ALPNProtocols: ['h2'] });
}
