import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { type HttpRequest, parseHttpFile, readHttpFiles, substitute } from './support/http-files.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** requests/: a request for every route, as an editor sends it, against a running server. */

const KEY = 'a-key-of-enough-characters';
const files = readHttpFiles(new URL('../requests', import.meta.url));

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [KEY] });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

describe.each(files)('requests/$name', ({ requests, variables }) => {
  const responses = new Map<string, unknown>();

  test('names the address and the key as variables, and holds no key', () => {
    expect(variables.get('url')).toBe('http://localhost:8000');
    expect(variables.get('key')).toMatch(/^\{\{\$processEnv /);
  });

  test.each(requests.map((request) => [request.name, request] as const))('%s', async (_, request) => {
    const { status, body } = await send(request, responses);
    if (request.id !== undefined) responses.set(request.id, body);
    const isExpected = request.expected.length > 0 ? request.expected.includes(status) : status >= 200 && status < 300;
    expect(isExpected, `${request.file}:${request.line} was answered with ${status}: ${JSON.stringify(body)}`).toBe(
      true,
    );
  });
});

async function send(request: HttpRequest, responses: ReadonlyMap<string, unknown>) {
  const values = new Map([
    ['url', server.url],
    ['key', KEY],
  ]);
  const fill = (text: string) => substitute(text, values, responses);
  const response = await fetch(fill(request.url), {
    method: request.method,
    headers: request.headers.map(([name, value]) => [name, fill(value)] as [string, string]),
    ...(request.body !== undefined && { body: fill(request.body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '')
      ? (JSON.parse(text) as unknown)
      : text,
  };
}

test('every route of the OpenAPI document has a request', async () => {
  const { body } = await server.get('/api/openapi.json');
  const sent = files.flatMap(({ requests }) =>
    requests.map(({ method, url }) => `${method} ${url.replace('{{url}}', '').replace(/\?.*$/, '')}`),
  );
  const missing = Object.entries<object>(body.paths).flatMap(([path, operations]) => {
    const shape = path.replace(/\{[^}]+\}/g, '[^/]+');
    return (
      Object.keys(operations)
        .map((method) => method.toUpperCase())
        // A stream has no end: a request for one would not return.
        .filter(
          (method) => !path.endsWith('/stream') && !sent.some((one) => new RegExp(`^${method} ${shape}$`).test(one)),
        )
        .map((method) => `${method} ${path}`)
    );
  });
  expect(missing, 'add a request to requests/').toEqual([]);
});

test('a file is parsed into requests with headers, body, expected status and variables', () => {
  const text =
    '# T\n@url = http://x\n\n### One\n# @name a\n# expect 404 409\nPOST {{url}}/p\nA: b: c\n\n{\n  "x": "{{y}}"\n}\n\n### Two\nGET /q\n';
  const { variables, requests } = parseHttpFile('f.http', text);
  expect(variables).toEqual(new Map([['url', 'http://x']]));
  expect(requests).toMatchObject([
    {
      name: 'One',
      line: 4,
      id: 'a',
      expected: [404, 409],
      method: 'POST',
      headers: [['A', 'b: c']],
      body: '{\n  "x": "{{y}}"\n}',
    },
    { name: 'Two', line: 14, expected: [], method: 'GET', url: '/q', body: undefined },
  ]);
  expect(
    substitute('{{url}} {{y}} {{a.response.body.$.list[0].id}}', variables, new Map([['a', { list: [{ id: 7 }] }]])),
  ).toBe('http://x {{y}} 7');
});
