import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Connection, type TidingsOptions } from '../packages/client/src/connection.ts';

type Respond = (response: ServerResponse, request: IncomingMessage) => void;

/** A server that gives its responses in turn; the last one is given again. */
let responses: Respond[];
let requests: {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}[];
let server: Server;
let url: string;

beforeEach(async () => {
  responses = [];
  requests = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    const respond = responses.length > 1 ? responses.shift() : responses[0];
    respond?.(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const connect = (options: Partial<TidingsOptions> = {}) =>
  new Connection({ baseUrl: url, apiKey: 'a key', ...options });
const post = { method: 'POST', path: '/api/v1/events', body: [{ n: 1 }] } as const;
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Respond =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const problem = (status: number, code: string, headers = {}) =>
  json(
    status,
    { type: '/api/docs/errors', title: 'T', status, detail: 'what is wrong', code, request_id: 'r1' },
    headers,
  );
const reset: Respond = (_response, { socket }) => socket.destroy();

test.each<[string, Respond]>([
  ['a reset connection', reset],
  ['503', problem(503, 'unavailable')],
  ['429', problem(429, 'rate_limited')],
  ['500', problem(500, 'internal')],
  ['a proxy that says 502 in HTML', (response) => response.writeHead(502).end('<html>Bad gateway</html>')],
  ['idempotency_in_progress', problem(409, 'idempotency_in_progress')],
])('after %s the request is sent again, with the same idempotency key', async (_what, respond) => {
  responses = [respond, respond, json(202, { accepted: 1 })];
  expect((await connect().send(post)).data).toEqual({ accepted: 1 });
  expect(requests).toHaveLength(3);
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0], keys[0]]);
  expect(requests.map(({ body }) => body)).toEqual(Array(3).fill('[{"n":1}]'));
});

test('a request that is under way is asked about until it has ended, which does not count as an attempt', async () => {
  const underWay = problem(409, 'idempotency_in_progress');
  responses = [...Array(8).fill(underWay), json(201, { made: 1 })];
  expect((await connect({ maxRetries: 1 }).send(post)).data).toEqual({ made: 1 });
  responses = [underWay];
  await expect(connect({ maxRetries: 0 }).send(post)).rejects.toMatchObject({ code: 'idempotency_in_progress' });
  expect(requests).toHaveLength(10);
});

test.each([
  [400, 'invalid_request'],
  [404, 'not_found'],
  [409, 'not_retryable'],
  [422, 'idempotency_key_reused'],
])('%d is not repeated, and becomes an error with the code and the id of the request', async (status, code) => {
  responses = [problem(status, code)];
  await expect(connect().send(post)).rejects.toMatchObject({
    name: 'TidingsApiError',
    status,
    code,
    requestId: 'r1',
    message: `${code}: what is wrong`,
  });
  expect(requests).toHaveLength(1);
});

test('the errors of single fields are in the error', async () => {
  const errors = [{ pointer: '/user_id', message: 'is missing' }];
  responses = [json(400, { code: 'invalid_request', detail: 'x', errors })];
  await expect(connect().send(post)).rejects.toMatchObject({ errors });
});

test.each([200, 403, 500])(
  'HTML of a proxy with the status %d becomes an error with a piece of its text',
  async (status) => {
    responses = [(response) => response.writeHead(status).end(`<html>\n  Sign in ${'x'.repeat(500)}</html>`)];
    const failed = connect({ maxRetries: 0 }).send(post);
    await expect(failed).rejects.toMatchObject({ status, code: 'unexpected_response' });
    await expect(failed).rejects.toThrow(/Sign in x{100}/);
    await expect(failed).rejects.not.toThrow(/x{300}/);
  },
);

test('the pause is no shorter than the response asks for, and one of more than a minute is left to the caller', async () => {
  responses = [problem(429, 'rate_limited', { 'retry-after': '1' }), json(200, {})];
  const started = performance.now();
  await connect().send(post);
  expect(performance.now() - started).toBeGreaterThanOrEqual(990);
  responses = [problem(429, 'rate_limited', { 'retry-after': '3600' })];
  await expect(connect().send(post)).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 3600 });
});

test('without a response in time the request is sent again, and in the end there is an error of the connection', async () => {
  responses = [() => {}];
  const failed = connect({ timeout: 100, maxRetries: 1 }).send(post);
  await expect(failed).rejects.toMatchObject({ name: 'TidingsConnectionError', code: 'timeout' });
  expect(requests).toHaveLength(2);
  await expect(connect({ baseUrl: 'http://127.0.0.1:1', maxRetries: 0 }).send(post)).rejects.toMatchObject({
    name: 'TidingsConnectionError',
    code: 'connection_failed',
  });
});

test('a body that stops in the middle counts as no response', async () => {
  responses = [
    (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"a":');
      setTimeout(() => response.destroy(), 20);
    },
    json(200, { a: 1 }),
  ];
  expect((await connect().send(post)).data).toEqual({ a: 1 });
});

test('a change that may have arrived is not repeated if it has no idempotency key', async () => {
  responses = [reset];
  await expect(connect().send({ ...post, method: 'PATCH' })).rejects.toMatchObject({ code: 'connection_failed' });
  expect(requests).toHaveLength(1);
});

test('a signal ends a request, and the pause between two', async () => {
  const end = new AbortController();
  responses = [() => end.abort(new Error('enough'))];
  await expect(connect().send(post, { signal: end.signal })).rejects.toThrow('enough');
  const later = new AbortController();
  responses = [problem(503, 'unavailable', { 'retry-after': '30' })];
  setTimeout(() => later.abort(new Error('no time')), 100);
  await expect(connect().send(post, { signal: later.signal })).rejects.toThrow('no time');
  await expect(connect().send(post, { signal: later.signal })).rejects.toThrow('no time');
  expect(requests).toHaveLength(2);
});

test('headers of the caller are sent, such as the authorization for a proxy, unless the client has its own', async () => {
  responses = [json(200, {})];
  const headers = { Authorization: 'Basic cHJveHk=', 'x-team': 'one' };
  await new Connection({ baseUrl: url, headers }).send(post);
  await connect({ headers }).send(post);
  expect(requests.map((one) => [one.headers.authorization, one.headers['x-team']])).toEqual([
    ['Basic cHJveHk=', 'one'],
    ['Bearer a key', 'one'],
  ]);
});

test.each([
  ['authorization', { apiKey: 'secret ключ' }, {}],
  ['idempotency-key', {}, { idempotencyKey: 'secret\nline' }],
])('a value that %s cannot have is an error at once, which does not quote it', async (name, options, call) => {
  responses = [json(200, {})];
  const failed = connect(options).send(post, call);
  await expect(failed).rejects.toThrow(TypeError);
  await expect(failed).rejects.toThrow(name);
  await expect(failed).rejects.not.toThrow('secret');
  expect(requests).toHaveLength(0);
});

test('a redirect is not followed: the key must not go elsewhere', async () => {
  responses = [(response) => response.writeHead(302, { location: 'https://example.com/' }).end()];
  await expect(connect().send(post)).rejects.toMatchObject({ status: 302, code: 'unexpected_response' });
});

test('a request has the key, the tenant, the revision and its parameters', async () => {
  responses = [json(200, {}, { etag: '"8"' })];
  const get = {
    method: 'GET',
    path: '/api/v1/deliveries',
    query: { status: ['dead', 'sent'], limit: 5, after: undefined },
  };
  const client = connect({ baseUrl: `${url}/behind/a/proxy/`, tenant: 'acme', headers: { 'x-team': 'one' } });
  expect(await client.send(get as typeof get & { method: 'GET' }, { ifMatch: '"7"' })).toEqual({
    data: {},
    etag: '"8"',
  });
  expect(requests[0]).toMatchObject({
    url: '/behind/a/proxy/api/v1/deliveries?status=dead&status=sent&limit=5',
    headers: { authorization: 'Bearer a key', 'x-tidings-tenant': 'acme', 'if-match': '"7"', 'x-team': 'one' },
  });
  expect(requests[0]?.headers['idempotency-key']).toBeUndefined();
});
