import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { etagOf, Tidings } from '../packages/client/src/tidings.ts';
import { buildApiDocument } from '../src/http/openapi/build-document.ts';

/** Operations that the client does not have, each with the reason. */
const LEFT_OUT: { readonly [operation: string]: string } = {
  'POST /events': 'the same as POST /api/v1/events, for callers with the address of the reference document',
  'GET /audit/{user_id}': 'the same as GET /api/v1/audit/{user_id}, likewise',
  'GET /customer-notifications/{id}': 'the same as GET /api/v1/customer-notifications/{id}, likewise',
  'PATCH /customer-notifications/{id}': 'the same as PATCH /api/v1/customer-notifications/{id}, likewise',
  'GET /api/v1/audit-log/export': 'a file of lines for other programs; auditLog.list reads the same entries',
  'GET /api/v1/metrics/export': 'a file for other programs; the other methods of metrics read the same',
  'GET /api/v1/suppressions/export': 'a file of lines; suppressions.list reads the same',
  'POST /api/v1/users/{user_id}/export': 'an archive for a file; `tidings users export` writes it',
  'GET /api/v1/users/{user_id}/inbox/stream': 'a stream of server-sent events, for a reader of those',
  'GET /api/v1/me/inbox/stream': 'a stream of server-sent events, for a reader of those',
  'GET /api/v1/stream': 'a stream of server-sent events, for a reader of those',
  'GET /api/v1/batches/{id}/results/export': 'a file of lines; batches.results reads the same',
  'GET /api/v1/session': 'the cookie of the console',
  'POST /api/v1/session': 'the cookie of the console',
  'DELETE /api/v1/session': 'the cookie of the console',
  'POST /api/v1/webhooks/portal-sessions': 'for the page that the link opens',
};

type Method = (...values: unknown[]) => unknown;

let documented: { name: string; pattern: RegExp }[];

beforeAll(async () => {
  const { paths } = (await buildApiDocument()) as { paths: Record<string, Record<string, unknown>> };
  documented = Object.entries(paths)
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
    // A path without parameters before one with them.
    .sort((a, b) => Number(a.includes('{')) - Number(b.includes('{')))
    .map((name) => ({ name, pattern: new RegExp(`^${name.replaceAll('.', '\\.').replace(/\{\w+\}/g, 'value')}$`) }));
});

/** Calls every method of a client; returns the requests, as `method path`. Each parameter is `value`. */
async function callAll(): Promise<string[]> {
  const requests: string[] = [];
  const tidings = new Tidings({
    baseUrl: 'http://localhost',
    fetch: async (url, init) => {
      requests.push(`${init?.method} ${new URL(String(url)).pathname}`);
      return Response.json({});
    },
  });
  for (const resource of Object.values(tidings)) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(resource))) {
      if (name === 'constructor') continue;
      const result = (resource[name] as Method).call(resource, ...Array(4).fill('value')) as { page?: Method };
      await (result.page ? result.page() : result);
    }
  }
  return requests;
}

test('the client offers every operation of the OpenAPI document, but for those listed here', async () => {
  const requests = await callAll();
  const isOffered = (pattern: RegExp) => requests.some((request) => pattern.test(request));
  expect(documented.filter(({ pattern }) => !isOffered(pattern)).map(({ name }) => name)).toEqual(
    documented.filter(({ name }) => name in LEFT_OUT).map(({ name }) => name),
  );
});

test('docs/client.md names every method of the client', async () => {
  const page = await readFile(new URL('../docs/client.md', import.meta.url), 'utf8');
  const rows = Object.entries(new Tidings({ baseUrl: 'http://localhost' })).map(([name, resource]) => {
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).filter((one) => one !== 'constructor');
    return [name, methods.toSorted()] as const;
  });
  const shown = [...page.matchAll(/^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$/gm)].map(
    ([, name = '', methods = '']) => [name, (methods.match(/\w+/g) ?? []).toSorted()] as const,
  );
  expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(rows));
});

test('every method of the client calls an operation of the OpenAPI document', async () => {
  const requests = await callAll();
  expect(requests.length).toBeGreaterThan(40);
  expect(requests.filter((request) => !documented.some(({ pattern }) => pattern.test(request)))).toEqual([]);
});

test('an etag that a proxy made weak is good for ifMatch', async () => {
  const fetch = async () => Response.json({}, { headers: { etag: 'W/"7"' } });
  const tidings = new Tidings({ baseUrl: 'http://localhost', fetch });
  const catalog = await tidings.catalog.get();
  expect([etagOf(catalog), etagOf({ ...catalog })]).toEqual(['"7"', undefined]);
});

test('a parameter reaches its place in the address as it is; one that no address can have is an error', async () => {
  const seen: string[] = [];
  const tidings = new Tidings({
    baseUrl: 'http://localhost/behind/',
    fetch: async (url) => {
      seen.push(String(url));
      return Response.json({});
    },
  });
  await tidings.users.explain('a/b?c#ü %2f', 'X');
  expect(seen).toEqual(['http://localhost/behind/api/v1/explain/a%2Fb%3Fc%23%C3%BC%20%252f/X']);
  for (const id of ['', '.', '..']) {
    await expect(tidings.users.audit(id)).rejects.toThrow(RangeError);
    expect(() => tidings.users.events(id)).toThrow(RangeError);
  }
  expect(seen).toHaveLength(1);
});
