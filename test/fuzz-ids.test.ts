import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { expectAnswer, expectProblem, ODD_IDS, useFuzzedServer } from './support/fuzz.ts';
import { postRaw, raw } from './support/raw.ts';

const app = useFuzzedServer();

const SIGNUP = { event_type: 'signup_completed', event_timestamp: '2025-10-31T10:00:00Z' };

describe('ids', () => {
  test.each(ODD_IDS)('%j', async (id) => {
    const item = {
      ...SIGNUP,
      event_id: `of ${id}`.slice(0, 100).toWellFormed(),
      user_id: id,
      user_traits: { marketing_opt_in: true },
    };
    const answer = await postRaw(app.server.url, '/api/v1/events', JSON.stringify(item));
    expectAnswer(answer, 1);
    expect(answer.body.results[0].status).toBe('accepted');
    for (const prefix of ['/api/v1/audit/', '/audit/']) {
      const { status, body } = await raw(app.server.url, { path: prefix + encodeURIComponent(id) });
      expect([status, body.user_id, body.recent_events?.length]).toEqual([200, id, 1]);
      expect(body.decisions.map((one: { outcome: string }) => one.outcome)).toEqual(['send']);
    }
    const path = `/api/v1/explain/${encodeURIComponent(id)}/WELCOME_EMAIL`;
    const { status, body } = await raw(app.server.url, { path });
    expect([status, body.answer]).toEqual([200, 'on_its_way']);
    const found = await raw(app.server.url, { path: `/api/v1/users?prefix=${encodeURIComponent(id)}` });
    expect(found.body.users).toContainEqual({ user_id: id });
  });

  test.each(['user_id', 'event_type', 'event_id'])('%s accepts 256 characters, and not 257', async (field) => {
    for (const letter of ['x', 'é', '漢', '🦊']) {
      const item = { ...SIGNUP, user_id: `lengths of ${field}`, event_id: `${field} ${letter}` };
      const long = await postRaw(
        app.server.url,
        '/api/v1/events',
        JSON.stringify({ ...item, [field]: letter.repeat(257) }),
      );
      expect(long.body.rejected).toMatchObject([{ code: 'invalid_id', path: field }]);
      const longest = await postRaw(
        app.server.url,
        '/api/v1/events',
        JSON.stringify({ ...item, [field]: letter.repeat(256) }),
      );
      expect(longest.body).toMatchObject({ accepted: 1 });
    }
  });

  test('accepts all three at their maximum length, with bytes that do not compress', async () => {
    const noise = (seed: number) =>
      Array.from({ length: 256 }, (_, i) =>
        String.fromCodePoint(0x20000 + ((i * 7919 + seed * 104_729) % 40_000)),
      ).join('');
    const item = {
      user_id: noise(1),
      event_type: noise(2),
      event_id: noise(3),
      event_timestamp: SIGNUP.event_timestamp,
    };
    const answer = await postRaw(app.server.url, '/api/v1/events', JSON.stringify(item));
    expect(answer.body).toMatchObject({ accepted: 1 });
    expect((await auditOf(item.user_id)).recent_events).toMatchObject([
      { event_id: item.event_id, event_type: item.event_type },
    ]);
  });
});

describe('paths and queries', () => {
  const LISTS = [
    '/api/v1/audit/u',
    '/audit/u',
    '/api/v1/events/rejected',
    '/api/v1/deliveries',
    '/api/v1/activity',
    '/api/v1/decisions',
    '/api/v1/users',
  ];
  const cursors = [
    'garbage',
    '',
    '%00',
    '%ff',
    'bnVsbA',
    'W10',
    'e30',
    '!!!',
    'x'.repeat(5000),
    ...[
      [1, 2],
      ['a', 'b'],
      [1e15, '00000000-0000-0000-0000-000000000000'],
      [-1e15, '00000000-0000-0000-0000-000000000000'],
      [1.5, '00000000-0000-0000-0000-000000000000'],
      [0, 'not-a-uuid'],
      [0, '00000000-0000-0000-0000-00000000000\n'],
      ['00000000-0000-0000-0000-000000000000', '\0'],
      ['00000000-0000-0000-0000-000000000000', '\ud800'],
      [null, null],
      [{}, []],
      [0, '00000000-0000-0000-0000-000000000000', 1],
      { length: 2 },
    ].map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
  ];
  const queries = [
    ...['-1', '0', '201', '1e400', '1.5', 'NaN', 'Infinity', '', '%20', 'ten', '9'.repeat(400), '1&limit=2'].map(
      (value) => `limit=${value}`,
    ),
    ...cursors.map((cursor) => `after=${cursor}`),
    ...['', '%00', 'NO_SUCH', '%F0%9F%A6%8A', 'x'.repeat(2000), 'a&notification_type=b', "'", '%ff', '{"a":1}'].map(
      (value) => `notification_type=${encodeURI(value).replaceAll('%25', '%')}`,
    ),
    ...['', 'lost', 'sent&status=dead', '%00', '__proto__'].map((value) => `status=${value}`),
    ...['%00', '%ed%a0%80', 'x'.repeat(2000), '%', '%F4%8F%BF%BF', '%EF%BF%BF'].map((value) => `prefix=${value}`),
    '__proto__=1',
    'constructor[prototype][x]=1',
    '&&&===',
    '%',
    '%zz=%zz',
    'limit[]=1',
    '='.repeat(1000),
  ];

  test.each(LISTS)('%s', async (path) => {
    for (const query of queries) {
      const answer = await raw(app.server.url, { path: `${path}?${query}` });
      if (answer.status !== 200) {
        expectProblem(answer, `${path}?${query}`);
        expect(answer.status).toBe(400);
      }
    }
  });

  const ids = [
    'x',
    '%00',
    '%zz',
    '%',
    '%ff',
    '%ED%A0%80',
    '..%2f..%2fetc',
    'x'.repeat(300),
    'x'.repeat(5000),
    '%F0%9F%A6%8A',
    "'",
    '00000000-0000-0000-0000-000000000000',
    '00000000-0000-0000-0000-000000000000.email',
    '00000000-0000-0000-0000-000000000000.toString',
  ];

  test.each(ids)('every route answers to the id %s', async (id) => {
    const requests: [string, string][] = [
      ['GET', `/api/v1/audit/${id}`],
      ['GET', `/audit/${id}`],
      ['GET', `/api/v1/explain/${id}/WELCOME_EMAIL`],
      ['GET', `/api/v1/explain/u/${id}`],
      ['GET', `/api/v1/deliveries/${id}/message`],
      ['POST', `/api/v1/deliveries/${id}/retry`],
      ['POST', `/api/v1/events/rejected/${id}/retry`],
      ['GET', `/${id}`],
    ];
    for (const [method, path] of requests) {
      const answer = await raw(app.server.url, { method, path });
      if (answer.status !== 200) expectProblem(answer, `${method} ${path}`);
      expect(answer.status, path).toBeLessThan(500);
    }
  });

  test('answers to other methods and paths', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'GET']) {
      expectProblem(await raw(app.server.url, { method, path: '/api/v1/events' }), method);
    }
    for (const path of [
      '/api/v2/events',
      '/api/v1/',
      '/api//v1/events',
      '//',
      '/\\',
      '/?',
      '/api/v1/events/',
      '*',
      '/api/v1/catalog/x',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/../../etc/passwd',
    ]) {
      const answer = await raw(app.server.url, { path });
      if (answer.status !== 200) expectProblem(answer, path);
    }
  });

  test('keeps running after input that is not HTTP', async () => {
    for (const text of [
      '\0\0\0\0',
      'HELLO\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'POST /api/v1/events HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      expect(await bytes(text)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    }
    // The client disconnects in the middle of a body.
    await bytes(
      'POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n[{',
      true,
    );
    expect((await app.server.get('/healthz/live')).status).toBe(200);
  });
});

async function auditOf(userId: string) {
  const { status, body } = await raw(app.server.url, { path: `/api/v1/audit/${encodeURIComponent(userId)}?limit=200` });
  expect(status).toBe(200);
  return body;
}

/** Sends bytes as they are; what comes back until the end. */
function bytes(text: string, hangUp = false): Promise<string> {
  const { hostname, port } = new URL(app.server.url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => {
      if (hangUp) socket.write(text, () => socket.destroy());
      else socket.end(text);
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}
