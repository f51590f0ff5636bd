import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { readAll, toBytes } from './bytes.ts';

/** A request as the stand-in received it. */
export interface SeenRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly bytes: Buffer;
  /** The bytes as text. */
  readonly body: string;
}

/** Answer of the stand-in to one request. */
export interface StandInReply {
  /** Default: 200. */
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  /** An object is written as JSON. */
  readonly body?: string | Buffer | object;
  /** Pause before the reply, in ms. */
  readonly delay?: number;
  /**
   * Instead of a reply: `hang` never answers; `reset` closes the connection once the whole request is read; `reset_early` before
   * its body is read; `reset_midway` in the middle of the response; `reject_stream` ends the stream as not processed (HTTP/2 alone).
   */
  readonly instead?: 'hang' | 'reset' | 'reset_early' | 'reset_midway' | 'reject_stream';
}

export type StandInScript = StandInReply | ((request: SeenRequest) => StandInReply | Promise<StandInReply>);

/** A server that stands in for a provider: it records the requests, and answers as the test says. */
export interface StandIn {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** All requests since the start, in order of arrival. One that was reset early is among them, without its body. */
  readonly requests: readonly SeenRequest[];
  /** Sets how requests are answered from now on. */
  reply(script: StandInScript): void;
  /** Ends the server and all connections at once. */
  stop(): Promise<void>;
}

/**
 * Starts a stand-in. A request with no body that JSON could read is recorded all the same.
 * @param keeps whether requests are recorded; default: they are
 */
export async function startStandIn(
  first: StandInScript = {},
  { keeps = true }: { readonly keeps?: boolean } = {},
): Promise<StandIn> {
  let script = first;
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    // Clients are aborted, and so are their connections.
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const early = typeof script === 'object' && script.instead === 'reset_early';
    const bytes = early ? Buffer.alloc(0) : await readAll(request);
    const seen = { method, path, headers, bytes, body: bytes.toString('utf8') };
    if (keeps) requests.push(seen);
    const reply = typeof script === 'function' ? await script(seen) : script;
    if (reply.delay) await delay(reply.delay);
    if (reply.instead === 'hang') return;
    if (reply.instead === 'reset' || reply.instead === 'reset_early') return void request.socket.destroy();
    const content = toBytes(reply.body);
    const type = typeof reply.body === 'object' && !Buffer.isBuffer(reply.body) ? 'application/json' : 'text/plain';
    response.writeHead(reply.status ?? 200, {
      'content-type': type,
      ...reply.headers,
      'content-length': content.length,
    });
    if (reply.instead !== 'reset_midway') return void response.end(content);
    response.write(content.subarray(0, Math.max(1, content.length - 1)));
    await delay(20);
    request.socket.destroy();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    reply(next) {
      script = next;
    },
    async stop() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
