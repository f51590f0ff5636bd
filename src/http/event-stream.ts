import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Millis } from '../model/event.ts';

/** Times in ms, from the shortest on, after which a reader connects again: they do not all come at once. */
const RETRY_MS: Millis = 1000;
const RETRY_SPREAD_MS: Millis = 4000;
/** Time in ms that a reader has to take the end of its stream. */
const MAX_FAREWELL_MS: Millis = 1000;

/**
 * Why a stream ends. A reader that connects again with Last-Event-ID misses nothing; one that is no longer admitted gets the code
 * of the problem with which a request of it would be rejected.
 */
export type EndCode = 'expired' | 'stopping' | 'unavailable' | (string & {});

/** Finds out whether the reader is still admitted: undefined, or the code of a problem. Throws if that cannot be known now. */
export type FindRevocation = () => string | undefined | Promise<string | undefined>;

/** Begins a response of server-sent events, and returns where they are written. */
export function beginEventStream(reply: FastifyReply): ServerResponse {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as { [name: string]: string }),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
    // Proxies that collect responses are to pass this one on as it comes.
    'x-accel-buffering': 'no',
  });
  return reply.raw;
}

/** Tells the reader when to connect again after the stream has ended. */
export function writeRetry(response: ServerResponse): void {
  response.write(`retry: ${RETRY_MS + Math.floor(Math.random() * RETRY_SPREAD_MS)}\n\n`);
}

export function endEventStream(response: ServerResponse, code: EndCode): void {
  response.end(`event: end\ndata: ${JSON.stringify({ code })}\n\n`);
  // One that does not read does not keep the server from closing.
  setTimeout(() => response.destroy(), MAX_FAREWELL_MS);
}
