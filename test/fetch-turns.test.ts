import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createFetchFiles } from '../src/channels/email/fetch-files.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';

/** Tenants whose file servers are slow, and those beside them. */

const client = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
const hanging: ServerResponse[] = [];
let server: Server;
let base = '';
const account = { concurrency: 5 };
const stop = new AbortController();

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/slow') hanging.push(response);
    else response.setHeader('content-type', 'application/pdf').end('a file');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => answerAll());
afterAll(async () => {
  stop.abort();
  await client.close();
  server.close();
});

function answerAll() {
  for (const response of hanging.splice(0)) response.setHeader('content-type', 'application/pdf').end('a file');
}

function startFetching() {
  const fetchFiles = createFetchFiles(client, Date.now);
  const fetch = async (tenantId: string, path: '/slow' | '/quick') => {
    const fetched = await fetchFiles(
      [{ url: `${base}${path}`, name: 'invoice.pdf' }],
      { tenantId, account },
      AbortSignal.any([stop.signal, AbortSignal.timeout(15_000)]),
    );
    if (fetched === 'busy') return 'busy';
    if ('attachments' in fetched) fetched.release();
    return 'attachments' in fetched ? 'fetched' : fetched.kind;
  };
  return fetch;
}

/** Starts fetches from the slow server, and resolves when it has so many requests. */
async function hang(fetch: ReturnType<typeof startFetching>, tenantId: string, count: number, arrived: number) {
  const started = Array.from({ length: count }, () => fetch(tenantId, '/slow'));
  await expect.poll(() => hanging.length).toBe(arrived);
  return started;
}

test('a tenant alone has half of what a process may hold, and every other tenant still has its turn', async () => {
  const fetch = startFetching();
  const slow = await hang(fetch, 'slow', 12, 8);
  for (let n = 0; n < 20; n++) expect(await fetch(`quick ${n}`, '/quick')).toBe('fetched');
  answerAll();
  const results = await Promise.all(slow);
  expect(results.filter((result) => result === 'fetched')).toHaveLength(8);
  expect(results.filter((result) => result === 'busy')).toHaveLength(4);
});

test('a tenant whose files are slow has one email at a time, until they are quick again', async () => {
  const fetch = startFetching();
  const [first] = await hang(fetch, 'slow', 1, 1);
  // The same tenant is not bounded as long as nothing was slow.
  expect(await fetch('slow', '/quick')).toBe('fetched');
  await expect.poll(() => fetch('slow', '/quick'), { timeout: 10_000 }).toBe('busy');
  answerAll();
  expect(await first).toBe('fetched');
  expect(await fetch('slow', '/quick')).toBe('fetched');
  await hang(fetch, 'slow', 3, 3);
});

test('slow tenants together hold at most half of the slots of an account, and quick ones are not bounded by it', async () => {
  const fetch = startFetching();
  const tenants = ['a', 'b', 'c', 'd'];
  const first = tenants.map((tenant) => fetch(tenant, '/slow'));
  await expect.poll(() => hanging.length).toBe(4);
  for (const tenant of tenants) await expect.poll(() => fetch(tenant, '/quick'), { timeout: 10_000 }).toBe('busy');
  answerAll();
  await Promise.all(first);
  const again = tenants.map((tenant) => fetch(tenant, '/slow'));
  await expect.poll(() => hanging.length).toBe(2);
  expect(await Promise.all(again.slice(2))).toEqual(['busy', 'busy']);
  expect(await fetch('quick', '/quick')).toBe('fetched');
  answerAll();
  expect(await Promise.all(again.slice(0, 2))).toEqual(['fetched', 'fetched']);
});
