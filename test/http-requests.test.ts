import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';

let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
});

afterAll(() => api.close());

describe('an unknown route', () => {
  test('answers 404 for an unknown path', async () => {
    expectProblem(await server.get('/api/v1/nothing?email=maria@example.com'), { status: 404, code: 'not_found' });
    expectProblem(await server.post('/nothing', {}), { status: 404, code: 'not_found' });
  });

  test('answers 405 with the allowed methods for another method', async () => {
    const answer = await server.get('/api/v1/events');
    expectProblem(answer, { status: 405, code: 'method_not_allowed' });
    expect(answer.headers.get('allow')).toBe('POST');
    const wrong = await server.post('/api/v1/audit/unknown', {});
    expectProblem(wrong, { status: 405, code: 'method_not_allowed' });
    expect(wrong.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD']);
  });
});

describe('the parameters of a request', () => {
  test.each([
    ['/api/v1/deliveries?color=sms', 'color', /"color" is not a parameter of this route/],
    ['/api/v1/audit/unknown?limit=abc', 'limit', /^limit is "abc"; write a whole number from 1 to 200\.$/],
    ['/api/v1/audit/unknown?limit=0', 'limit', /^limit is "0"; write a whole number from 1 to 200\.$/],
    ['/api/v1/catalog/diff?from=abc', 'from', /^from is "abc"; write the number of a version, such as 1\.$/],
  ])('%s: says what is expected', async (path, at, detail) => {
    const answer = await server.get(path);
    expectProblem(answer, { status: 400, code: 'invalid_request', pointer: at });
    expect(answer.body.detail).toMatch(detail);
  });

  test('ignores a parameter without a value', async () => {
    for (const query of ['?limit=50&notification_type=&after=', '?limit=&notification_type=&after=', '?']) {
      expect(await server.get(`/api/v1/audit/unknown${query}`)).toMatchObject({
        status: 200,
        body: { decisions: [] },
      });
    }
    expect(await server.get('/api/v1/deliveries?status=')).toMatchObject({ status: 200 });
  });

  test('answers 404 with the known rules when the waits of an unknown rule are cancelled', async () => {
    const answer = await server.post('/api/v1/jobs', {
      action: 'waits.cancel',
      filter: { rule: 'WELCOM_EMAL' },
    });
    expectProblem(answer, { status: 404, code: 'not_found', pointer: '/filter/rule' });
    expect(answer.body.detail).toMatch(/there are: .*WELCOME_EMAIL/);
  });
});

describe('a malformed request', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid_request'],
    ['an unknown method', 'FROB / HTTP/1.1\r\nhost: localhost\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
      400,
      'invalid_request',
    ],
    ['headers without end', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['no Host', 'GET /api/v1/deliveries HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'invalid_request'],
    [
      'a path with a lone %',
      'GET /api/v1/audit/%ff HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      400,
      'invalid_request',
    ],
  ])('%s: answers with a problem document and closes the connection', async (_what, text, status, code) => {
    const [head = '', body = ''] = (await exchange(text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/content-type: application\/problem\+json/i);
    expect(head).toMatch(/x-content-type-options: nosniff/i);
    expect(JSON.parse(body)).toMatchObject({ status, code });
  });

  test('ignores an unknown Expect header', async () => {
    const asked = 'GET /healthz/live HTTP/1.1\r\nhost: localhost\r\nexpect: 200-ok\r\nconnection: close\r\n\r\n';
    expect(await exchange(asked)).toMatch(/^HTTP\/1.1 200 /);
  });

  test('answers 400 to an id that is too long for a path', async () => {
    const { status, body } = await server.get(`/api/v1/audit/${'x'.repeat(5000)}`);
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 400,
      code: 'invalid_request',
      detail: 'A part of the path is too long.',
    });
  });

  test('logs nothing when a caller disconnects in the middle of its body', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
    const other = await testServer(api.tidings, { log });
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
    socket.write(
      'POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n[',
    );
    await pause(50);
    socket.destroy();
    await pause(50);
    expect((await other.get('/healthz/live')).status).toBe(200);
    await other.close();
    expect(lines).toEqual([]);
  });

  /** Returns the response up to the end of the connection. */
  function exchange(text: string): Promise<string> {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    return new Promise((resolve, reject) => {
      let all = '';
      socket.setEncoding('utf8').on('data', (part) => {
        all += part;
      });
      socket.on('close', () => resolve(all)).on('error', reject);
      socket.write(text);
    });
  }
});

describe('every response, and the health checks', () => {
  test('has headers that forbid sniffing, framing and foreign scripts', async () => {
    for (const path of ['/', '/healthz/live', '/api/v1/audit/x', '/nothing', '/api/v1/events']) {
      const { headers } = await server.get(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('content-security-policy')).toMatch(/default-src 'self'.*script-src 'self'/);
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  test('reports live and ready', async () => {
    expect((await server.get('/healthz/live')).body).toEqual({ status: 'live' });
    const ready = await server.get('/healthz/ready');
    expect(ready).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: [{ name: 'database', status: 'ok' }] },
    });
  });
});
