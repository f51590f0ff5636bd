import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFetchFiles } from '../src/channels/email/fetch-files.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { startEndpoint } from './support/stand-ins/endpoint.ts';

/** Servers that answer, and then take their time over the body, or lie about it. */

let answer: (response: ServerResponse) => void = (response) => response.end();
const server = createServer((_, response) => answer(response));
const client = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
let url = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

/** Writes a byte every 100 ms, until the connection is closed. */
function trickle(response: ServerResponse): void {
  const timer = setInterval(() => response.write('x'), 100);
  response.on('close', () => clearInterval(timer));
}

test.each([
  ['one byte after the other', trickle],
  ['nothing', () => {}],
])('an endpoint that answers 200, and then %s, has the message', async (_, rest) => {
  answer = (response) => {
    response.writeHead(200, { 'content-length': 1_000_000 });
    response.write('ok');
    rest(response);
  };
  const endpoint = await startEndpoint();
  const startedAt = performance.now();
  expect(await endpoint.send({}, { url })).toMatchObject({ kind: 'sent' });
  expect(performance.now() - startedAt).toBeLessThan(5000);
  await endpoint.stop();
});

test('a response that counts, and comes byte by byte, ends at the deadline, and may have been accepted', async () => {
  answer = (response) => {
    response.writeHead(200);
    trickle(response);
  };
  const sent = client.send(url, { method: 'POST', body: 'x', maxBytes: 1000, maxMillis: 500 });
  await expect(sent).rejects.toMatchObject({ handedOver: true, timedOut: true });
});

test.each([
  ['a login page', { 'content-type': 'text/html' }, 'rejected', 'text/html'],
  ['compressed bytes', { 'content-type': 'application/pdf', 'content-encoding': 'gzip' }, 'rejected', 'compresses'],
  ['a length beyond the bound', { 'content-length': String(2 ** 40) }, 'rejected', 'bytes'],
  ['fewer bytes than it said', { 'content-length': '1000' }, 'retry', 'cannot be fetched'],
])('a file whose server gives %s is not sent', async (_, headers, kind, reason) => {
  answer = (response) => {
    response.writeHead(200, headers);
    response.write('some bytes');
    if ('content-length' in headers) setTimeout(() => response.destroy(), 50);
    else response.end();
  };
  const fetchFiles = createFetchFiles(client, Date.now);
  const file = { url, name: 'invoice.pdf', type: 'application/pdf' };
  const fetched = await fetchFiles(
    [file],
    { tenantId: 'default', account: { concurrency: 5 } },
    AbortSignal.timeout(5000),
  );
  expect(fetched).toMatchObject({ kind, reason: expect.stringContaining(reason) });
});
