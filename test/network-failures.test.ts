import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { http } from '../src/channels/http/http.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { useDeliveries } from './support/deliveries.ts';
import { type HttpsProxy, startHttpsProxy } from './support/https-proxy.ts';

/** Failures before the first byte of a message reaches its provider: each is an attempt, tried again, and shown as what it was. */

const start = useDeliveries();
const client = new GuardedClient(({ hostname }) => hostname === '127.0.0.1' || hostname.endsWith('.invalid'));
const servers: Server[] = [];
let proxy: HttpsProxy;
beforeAll(async () => {
  proxy = await startHttpsProxy();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(async () => {
  await client.close();
  await proxy.close();
});

/** Returns the port of a server that does this with each connection. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const CASES: readonly (readonly [what: string, toUrl: () => Promise<string>])[] = [
  ['a name that does not exist', async () => 'https://no-such-carrier.invalid/send'],
  ['a certificate that no authority has signed', async () => `${proxy.url}/send`],
  ['a server without TLS', async () => `https://127.0.0.1:${await listen((socket) => socket.end('hello'))}/send`],
  [
    'a connection that ends in its TLS handshake',
    async () => `https://127.0.0.1:${await listen((socket) => socket.resetAndDestroy())}/send`,
  ],
  [
    'a port where nothing listens',
    async () => {
      const port = await listen(() => {});
      for (const server of servers.splice(0)) server.close();
      return `https://127.0.0.1:${port}/send`;
    },
  ],
];

test.each(CASES)(
  '%s: the message is not in doubt, the attempt says why, and another one follows',
  async (_what, toUrl) => {
    const settings = http.settings.parse({ url: await toUrl(), body: { text: '{{text}}' }, success: { body: 'ok' } });
    const provider = await http.open(settings, { http: client, clock: Date.now });
    const tidings = await start({ email: provider });
    await tidings.worker();
    const id = await tidings.post('held');
    await expect.poll(async () => (await tidings.attempts(id)).length, { timeout: 10_000 }).toBe(1);
    const [attempt] = await tidings.attempts(id);
    expect(attempt).toMatchObject({ outcome: 'retry', reason: expect.stringMatching(/\w/) });
    expect(await tidings.delivery(id)).toMatchObject({ status: 'queued', reason_code: 'retrying' });
    tidings.clock.now += 600_000;
    await expect.poll(async () => (await tidings.attempts(id)).length, { timeout: 10_000 }).toBeGreaterThan(1);
  },
  30_000,
);
