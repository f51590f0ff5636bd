import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { nameProviders } from '../../src/delivery/account-states.ts';
import { checkDatabase } from '../../src/health/database-checks.ts';
import { Health } from '../../src/health/health.ts';
import type { HttpDependencies } from '../../src/http/app.ts';
import { buildServer } from '../../src/http/server.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { ApiShape } from './api-shape.ts';
import { silent, type TestTidings } from './tidings.ts';

export interface TestServer {
  readonly url: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** @param body a string is sent as it is */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends a request of another method. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the route answers; tests look into it
  readonly body: any;
}

const CONSOLE = fileURLToPath(new URL('../../packages/console/dist', import.meta.url));

const ELEMENTS = fileURLToPath(new URL('../../packages/inbox/dist', import.meta.url));

/** Made once: every server of a test process has the same routes. */
let shape: ApiShape | undefined;

/** The API on a real socket. Each response is compared with the OpenAPI document. */
export async function testServer(
  tidings: TestTidings,
  options: {
    apiKeys?: readonly string[];
    consoleDir?: string;
    log?: Logger;
    perMinute?: number;
    maxKeptBytes?: number;
    trustedProxies?: readonly string[];
    /** Default: a free one. */
    port?: number;
    /** Default: the providers of the workers. */
    installation?: HttpDependencies['installation'];
    listOpenCircuits?: HttpDependencies['listOpenCircuits'];
    publicUrl?: string;
    kafka?: HttpDependencies['kafka'];
    connectorSettings?: HttpDependencies['connectorSettings'];
    receiptAccounts?: HttpDependencies['receiptAccounts'];
    oidc?: HttpDependencies['oidc'];
    streams?: HttpDependencies['streams'];
    allowedOrigins?: readonly string[];
    /** Default: the built ones. */
    elementsDir?: string;
    /** URLs that the server may reach although they are not public ones: those of servers of the test. */
    exempt?: (url: URL) => boolean;
  } = {},
): Promise<TestServer> {
  const outbound = new GuardedClient(options.exempt);
  const server = await buildServer({
    pipeline: tidings.pipeline,
    database: tidings.database.tenants,
    catalogs: tidings.catalogs,
    seal: tidings.seal,
    clock: () => tidings.clock.now,
    apiKeys: options.apiKeys ?? [],
    publicUrl: options.publicUrl ?? null,
    oidc: options.oidc ?? null,
    outbound,
    ...(options.kafka && { kafka: options.kafka }),
    ...(options.connectorSettings && { connectorSettings: options.connectorSettings }),
    ...(options.streams && { streams: options.streams }),
    allowedOrigins: options.allowedOrigins ?? [],
    elementsDir: options.elementsDir ?? ELEMENTS,
    ...(options.receiptAccounts && { receiptAccounts: options.receiptAccounts }),
    databaseUrl: tidings.database.url,
    ...(options.perMinute !== undefined && { perMinute: options.perMinute }),
    ...(options.maxKeptBytes !== undefined && { maxKeptBytes: options.maxKeptBytes }),
    ...(options.trustedProxies && { trustedProxies: options.trustedProxies }),
    log: options.log ?? silent,
    consoleDir: options.consoleDir ?? CONSOLE,
    state: { stopping: false },
    installation: options.installation ?? nameProviders(tidings.providers),
    ...(options.listOpenCircuits && { listOpenCircuits: options.listOpenCircuits }),
    health: new Health({
      checks: [checkDatabase(tidings.database.pool)],
      clock: () => tidings.clock.now,
      state: { stopping: false },
    }),
  });
  const url = await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  shape ??= new ApiShape(server.swagger());
  const known = shape;
  const call = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const answer = await fetchAnswer(`${url}${path}`, init);
    known.check(init.method ?? 'GET', path, answer);
    return answer;
  };
  const send: TestServer['send'] = (method, path, body, headers = {}) =>
    call(path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    url,
    get: (path, headers = {}) => call(path, { headers }),
    post: (path, body, headers) => send('POST', path, body, headers),
    send,
    close: async () => {
      await server.close();
      await outbound.close();
    },
  };
}

async function fetchAnswer(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    // A stream has no end.
    await response.body?.cancel();
    return { status: response.status, headers: response.headers, body: '' };
  }
  const text = await response.text();
  const json = /[/+]json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}
