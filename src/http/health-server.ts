import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Health } from '../health/health.ts';
import type { WriteMetrics } from '../telemetry/telemetry.ts';

/** Time (ms) within which a probe must have sent its request. */
const REQUEST_TIMEOUT_MS = 5000;
/** Probes at a time, at most; further connections are closed. */
const MAX_CONNECTIONS = 100;

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `/healthz/live`, `/healthz/ready` and, if they are on, `/metrics`, for a process without the API. Who reaches the port may
 * read them: they hold no personal data.
 *
 * @param port 0: any free one
 * @param writeMetrics null: metrics are off
 * @throws Error of the system, such as EADDRINUSE
 */
export async function serveHealth(
  health: Health,
  host: string,
  port: number,
  writeMetrics: WriteMetrics | null = null,
): Promise<HealthServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', async ({ url = '', method = '' }, response) => {
    const path = url.split('?', 1)[0];
    const isRead = method === 'GET' || method === 'HEAD';
    if (path === '/metrics' && isRead && writeMetrics) return sendMetrics(response, writeMetrics);
    const answer =
      path === '/healthz/live' && isRead
        ? health.live()
        : path === '/healthz/ready' && isRead
          ? await health.ready()
          : { status: 404, body: { status: 'unknown', detail: 'GET /healthz/live or /healthz/ready' } };
    response.writeHead(answer.status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : JSON.stringify(answer.body));
  });
  server.listen({ host, port });
  await once(server, 'listening');
  return { url: toUrl(server, host), close: () => close(server) };
}

async function sendMetrics(response: ServerResponse, writeMetrics: WriteMetrics): Promise<void> {
  try {
    const { type, text } = await writeMetrics();
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  } catch {
    response.writeHead(500).end();
  }
}

function toUrl(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
