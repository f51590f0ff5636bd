import { once } from 'node:events';
import {
  constants,
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { readAll, toBytes } from './bytes.ts';
import type { SeenRequest, StandIn, StandInReply, StandInScript } from './http-stand-in.ts';

export interface Http2StandIn extends StandIn {
  /** Number of connections since the start. */
  connections(): number;
  /** The most streams that were open at once, since the start. */
  maxStreams(): number;
  /**
   * Sends a GOAWAY on each connection.
   * @param lastStreamId streams above it count as not processed
   */
  goAway(lastStreamId: number, options?: { readonly code?: number; readonly data?: string }): void;
  /** Changes how many streams each connection may have. */
  allowStreams(count: number): void;
  /** Ends all connections at once, without a word of HTTP/2. */
  reset(): void;
}

/** Starts a server of HTTP/2 without TLS that stands in for a provider, as `startStandIn` does for HTTP/1.1. */
export async function startHttp2StandIn(
  first: StandInScript = {},
  {
    maxConcurrentStreams = 100,
    keeps = true,
  }: { readonly maxConcurrentStreams?: number; readonly keeps?: boolean } = {},
): Promise<Http2StandIn> {
  let script = first;
  const requests: SeenRequest[] = [];
  const sessions = new Set<Http2Session>();
  const sockets = new Set<Socket>();
  let [connections, open, most] = [0, 0, 0];
  const server = createServer({ settings: { maxConcurrentStreams } });
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    most = Math.max(most, ++open);
    stream.on('error', () => {});
    stream.on('close', () => open--);
    serve(stream, headers).catch(() => stream.destroy());
  });

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const early = typeof script === 'object' && script.instead === 'reset_early';
    const bytes = early ? Buffer.alloc(0) : await readAll(stream);
    const method = String(headers[':method']);
    const seen = { method, path: String(headers[':path']), headers, bytes, body: bytes.toString('utf8') };
    if (keeps) requests.push(seen);
    const reply: StandInReply = typeof script === 'function' ? await script(seen) : script;
    if (reply.delay) await delay(reply.delay);
    if (reply.instead === 'hang') return;
    if (reply.instead === 'reject_stream') return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    if (reply.instead === 'reset' || reply.instead === 'reset_early') return stream.session?.destroy();
    const content = toBytes(reply.body);
    stream.respond({ ':status': reply.status ?? 200, ...reply.headers });
    if (reply.instead !== 'reset_midway') return void stream.end(content);
    stream.write(content.subarray(0, Math.max(1, content.length - 1)));
    await delay(20);
    stream.session?.destroy();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    reply(next) {
      script = next;
    },
    connections: () => connections,
    maxStreams: () => most,
    goAway(lastStreamId, { code = 0, data = '' } = {}) {
      for (const session of sessions) session.goaway(code, lastStreamId, Buffer.from(data));
    },
    allowStreams(count) {
      for (const session of sessions) session.settings({ maxConcurrentStreams: count });
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async stop() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
