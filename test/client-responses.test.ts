import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';

/* Responses of a proxy that look like a success. A caller that read a result from them would take what was lost for done. */

let server: Server;
let answer: { status: number; text: string };
let tidings: Tidings;

beforeAll(async () => {
  server = createServer((_request, response) => response.writeHead(answer.status).end(answer.text));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  tidings = new Tidings({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, apiKey: 'a key' });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test.each([
  [200, ''],
  [202, ' '],
  [204, ''],
  [200, 'null'],
  [200, '"ok"'],
  [200, '<html></html>'],
])('%s with the body "%s" is no result', async (status, text) => {
  answer = { status, text };
  await expect(tidings.events.send([])).rejects.toMatchObject({ code: 'unexpected_response', status });
});

test('an address without http:// is rejected at once, and not tried again and again', () => {
  expect(() => new Tidings({ baseUrl: 'localhost:8000' })).toThrow(
    'baseUrl must be the address of an installation of Tidings',
  );
});
