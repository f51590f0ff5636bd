import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES, REJECTION_CODES } from '../src/errors.ts';
import { type TestServer, testServer } from './support/http.ts';
import { runs } from './support/properties.ts';
import { postRaw, type RawAnswer, raw } from './support/raw.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Whatever is sent: never a 5xx, never a shape that a caller cannot read, and what was accepted can be read back. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});

afterAll(async () => {
  const { status } = await server.get('/healthz/ready');
  expect(status).toBe(200);
  await server.close();
  await tidings.close();
});

const STAMP = '"event_timestamp":"2025-10-31T10:00:00Z"';
const SIGNUP = { event_type: 'signup_completed', event_timestamp: '2025-10-31T10:00:00Z' };
const DEEP = 10_000;

/** Each is one person's, and that person has one event: nothing else in here may be about them. */
const ODD_IDS = [
  'a/b',
  '/',
  '//',
  'a?b=c',
  '#',
  '%',
  '%2F',
  '%00',
  '%zz',
  'a b',
  ' ',
  '+',
  '&',
  '=',
  ';',
  ',',
  '\\',
  '"',
  "'",
  '`',
  '<b>',
  '{}',
  '[]',
  '.',
  '..',
  '...',
  './x',
  '../x',
  '*',
  ':user_id',
  'constructor',
  '__proto__',
  'null',
  'undefined',
  '0',
  'rejected',
  'שלום',
  'مرحبا',
  '\u202egnp.exe',
  '👩‍👩‍👧‍👦',
  '🏳️‍🌈',
  'é',
  'e\u0301',
  '漢字',
  '\uffff',
  '\u{10ffff}',
  "'; drop table events; --",
  '$1',
  '\\x00',
  'x'.repeat(256),
  '🦊'.repeat(256),
  'é'.repeat(256),
];

describe('bodies that are not events', () => {
  test.each<[string, string | Buffer, number, string]>([
    ['nothing', '', 400, 'invalid_json'],
    ['blanks', '  \n', 400, 'invalid_json'],
    ['null', 'null', 422, 'invalid_body'],
    ['a text', '"event"', 422, 'invalid_body'],
    ['a number', '1e999', 422, 'invalid_body'],
    ['NaN as a bare word', 'NaN', 400, 'invalid_json'],
    [
      '-Infinity in an event',
      `{"user_id":"u","event_type":"t",${STAMP},"properties":{"x":-Infinity}}`,
      400,
      'invalid_json',
    ],
    ['cut off', '[{"user_id":"u"', 400, 'invalid_json'],
    ['a single quote', "{'user_id':'u'}", 400, 'invalid_json'],
    ['a byte order mark', '\uFEFF[]', 400, 'invalid_json'],
    ['UTF-16', Buffer.from('[]', 'utf16le'), 400, 'invalid_json'],
    ['invalid UTF-8', Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]), 400, 'invalid_json'],
    ['a surrogate in UTF-8', Buffer.from([0x5b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x5d]), 400, 'invalid_json'],
    ['a NUL byte', '[\0]', 400, 'invalid_json'],
    ['brackets that never close', '['.repeat(DEEP), 400, 'invalid_json'],
    ['1001 events', JSON.stringify(Array(1001).fill({})), 422, 'too_many_events'],
    ['a byte more than 5 MiB', `[${' '.repeat(5 * 1024 * 1024 - 1)}]`, 413, 'payload_too_large'],
  ])('%s', async (_name, body, status, code) => {
    for (const path of ['/api/v1/events', '/events']) {
      const answer = await postRaw(server.url, path, body);
      expectProblem(answer);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
  });

  test('an empty list is a list', async () => {
    const answer = await postRaw(server.url, '/api/v1/events', '[]');
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ accepted: 0, duplicates: 0, rejected: [], results: [] });
  });

  test.each([
    ['none', undefined],
    ['empty', ''],
    ['text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form with files', 'multipart/form-data; boundary=x'],
    ['not a type at all', ';;;/\\'],
    ['a JSON of another kind', 'application/vnd.api+json'],
    ['very long', `application/${'x'.repeat(5000)}`],
  ])('content type: %s', async (_name, type) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const answer = await raw(server.url, { method: 'POST', path: '/api/v1/events', headers, body: '[]' });
    expectProblem(answer);
    expect(answer.status).toBe(415);
  });

  test('JSON with parameters is JSON', async () => {
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;x="y"']) {
      const answer = await raw(server.url, {
        method: 'POST',
        path: '/api/v1/events',
        headers: { 'content-type': type },
        body: '[]',
      });
      expect(answer.status).toBe(202);
    }
  });
});

describe('events with hostile content', () => {
  const event = (more: string) => `{"user_id":"hostile","event_type":"x",${STAMP},${more}}`;
  const nested = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);

  test.each<[string, string, string, string]>([
    ['a list in place of an event', '[[]]', 'invalid_event', ''],
    ['lists in 10,000 levels', `[${nested('[', ']', DEEP)}]`, 'invalid_event', ''],
    ['lists in a million levels', nested('[', ']', 1_000_000), 'invalid_event', ''],
    [
      '10,000 levels of properties',
      event(`"properties":${nested('{"a":', '}', DEEP).replace(':}', ':1}')}`),
      'invalid_content',
      'properties',
    ],
    ['10,000 levels beside the envelope', event(`"more":${nested('[', ']', DEEP)}`), 'invalid_content', 'context'],
    [
      'a million levels of traits',
      event(`"user_traits":{"a":${nested('[', ']', 1_000_000)}}`),
      'invalid_content',
      'user_traits',
    ],
    ['a number beyond all numbers', event('"properties":{"x":1e999}'), 'invalid_content', 'properties.x'],
    ['one below them', event('"properties":{"x":[-1e999]}'), 'invalid_content', 'properties.x[0]'],
    ['half a surrogate pair', event('"properties":{"x":"\\ud800"}'), 'invalid_content', 'properties.x'],
    ['half a surrogate pair in a key', event('"properties":{"\\udc00":1}'), 'invalid_content', 'properties'],
    ['U+0000', event('"user_traits":{"x":"a\\u0000b"}'), 'invalid_content', 'user_traits.x'],
    ['U+0000 in a key', event('"user_traits":{"\\u0000":1}'), 'invalid_content', 'user_traits'],
    [
      '__proto__ in properties',
      event('"properties":{"__proto__":{"polluted":true}}'),
      'invalid_content',
      'properties.__proto__',
    ],
    ['__proto__ in the envelope', event('"__proto__":{"user_id":"other"}'), 'invalid_content', 'context.__proto__'],
    ['a text of 4 MiB', event(`"properties":{"x":"${'é'.repeat(2 * 1024 * 1024)}"}`), 'invalid_content', ''],
    ['a key of 1 MiB', event(`"properties":{"${'k'.repeat(1024 * 1024)}":1}`), 'invalid_content', ''],
    ['a list of 500,000', event(`"properties":{"x":[${'0,'.repeat(500_000)}0]}`), 'invalid_content', ''],
    ['a million objects', event(`"properties":{"x":[${'{},'.repeat(1_000_000)}{}]}`), 'invalid_content', ''],
    ['an id of half a surrogate pair', `{"user_id":"\\ud800","event_type":"x",${STAMP}}`, 'invalid_id', 'user_id'],
    ['an id with U+0000', `{"user_id":"a\\u0000","event_type":"x",${STAMP}}`, 'invalid_id', 'user_id'],
    ['an id that is a number', `{"user_id":-0,"event_type":"x",${STAMP}}`, 'invalid_event', 'user_id'],
    ['an event_id with a line break', event('"event_id":"a\\n"'), 'invalid_id', 'event_id'],
    [
      'a gigantic misspelling',
      event(`"user_id${'_'.repeat(100_000)}":1`).replace('"user_id":"hostile",', ''),
      'invalid_event',
      'user_id',
    ],
  ])('%s', async (_name, body, code, path) => {
    // The list of refused events is by time.
    tidings.clock.now += 1000;
    const answer = await postRaw(server.url, '/api/v1/events', body);
    expect(answer.status).toBe(422);
    expectAnswer(answer, 1);
    const [rejected] = answer.body.rejected;
    expect(rejected.code).toBe(code);
    expect(rejected.path.startsWith(path)).toBe(true);
    expect(rejected.path.length).toBeLessThanOrEqual(512);
    // It is kept, it can be listed, and trying it again says the same.
    const list = await server.get('/api/v1/events/rejected?limit=1');
    expect(list.status).toBe(200);
    expect(list.body.rejected[0].code).toBe(code);
    const { rejected_id } = list.body.rejected[0];
    const again = await postRaw(server.url, `/api/v1/events/rejected/${rejected_id}/retry`, '');
    expectAnswer(again, 1);
    expect(again.status).toBe(422);
    expect(again.body.rejected[0]).toMatchObject({ code, message: rejected.message });
  });

  test('nobody else was polluted', () => {
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each<[string, string]>([
    ['keys that objects have', '"properties":{"constructor":1,"toString":2,"hasOwnProperty":{"valueOf":3}}'],
    ['traits that objects have', '"user_traits":{"constructor":"x","toString":null,"hasOwnProperty":[1]}'],
    ['minus zero and small numbers', '"properties":{"x":-0,"y":5e-324,"z":1e-999}'],
    ['a text of nearly 1 MiB', `"properties":{"x":"${'é'.repeat(512 * 1024 - 100)}"}`],
    ['a key of nearly 1 MiB', `"properties":{"${'k'.repeat(1024 * 1024 - 200)}":1}`],
    ['a trait of nearly 1 MiB', `"user_traits":{"${'t'.repeat(1022 * 1024)}":"${'v'.repeat(1024)}"}`],
    ['50,000 keys', `"properties":{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":${i}`).join()}}`],
    ['a list of 99,994', `"properties":{"x":[${'{},'.repeat(99_993)}{}]}`],
    ['blanks of 4 MiB', `${' '.repeat(4 * 1024 * 1024)}"properties":{"x":1}`],
    ['what COPY escapes', '"properties":{"x":"\\\\N \\\\. \\t\\r\\n \\\\","\\\\.":"\\\\N"}'],
    ['every kind of blank and direction', '"properties":{"x":"\\u200b\\u202e\\u2028\\ufeff\\u00a0\\u061c\\uffff"}'],
    ['a time zone that is none', '"user_traits":{"time_zone":"../../etc/passwd","locale":"x-y-z-{}[]"}'],
    ['a time zone of 100,000 characters', `"user_traits":{"time_zone":"${'A/'.repeat(50_000)}"}`],
    ['fields twice', '"event_type":"first","event_type":"x"'],
    ['what is said to be nothing', '"properties":null,"user_traits":null,"event_id":null'],
    ['31 levels', `"properties":${nested('{"a":', '}', 30).replace(':}', ':1}')}`],
  ])('accepted and readable: %s', async (_name, more) => {
    const user = `accepted ${_name}`;
    const body = `{"user_id":${JSON.stringify(user)},"event_type":"x",${STAMP},${more}}`;
    const answer = await postRaw(server.url, '/api/v1/events', body);
    expectAnswer(answer, 1);
    expect(answer.body.results[0].status).toBe('accepted');
    const audit = await server.get(`/api/v1/audit/${encodeURIComponent(user)}`);
    expect(audit.status).toBe(200);
    const sent = JSON.parse(body);
    expect(audit.body.recent_events[0].properties).toEqual(plus(sent.properties ?? {}));
    expect(audit.body.recent_events[0].user_traits).toEqual(plus(sent.user_traits ?? {}));
    const again = await postRaw(server.url, '/api/v1/events', body);
    expect(again.body.results[0]).toMatchObject({ status: 'duplicate', event_id: answer.body.results[0].event_id });
  });

  /** JSON has no -0 of its own: it may come back as 0. */
  function plus(value: object): object {
    return JSON.parse(JSON.stringify(value));
  }
});

describe('arbitrary JSON', () => {
  const anyJson = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 });
  const nearlyEvent = fc.record(
    {
      event_id: fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), anyJson),
      user_id: fc
        .oneof(
          { weight: 4, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 260 }) },
          { weight: 1, arbitrary: anyJson },
        )
        .filter((id) => !(ODD_IDS as unknown[]).includes(id)),
      event_type: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('signup_completed', 'payment_failed', 'link_bank_success', 'other') },
        { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
      ),
      event_timestamp: fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .date({ noInvalidDate: true, min: new Date(-6e13), max: new Date(2.5e14) })
            .map((d) => d.toISOString()),
        },
        { weight: 1, arbitrary: fc.string() },
      ),
      properties: fc.oneof(
        fc.record({ attempt_number: anyJson, failure_reason: anyJson, amount: anyJson }, { requiredKeys: [] }),
        fc.dictionary(fc.string({ unit: 'binary' }), anyJson),
        anyJson,
      ),
      user_traits: fc.oneof(
        fc.record(
          { marketing_opt_in: anyJson, email: anyJson, phone: anyJson, time_zone: anyJson, locale: anyJson },
          { requiredKeys: [] },
        ),
        fc.dictionary(fc.string({ unit: 'binary' }), anyJson),
      ),
    },
    { requiredKeys: ['user_id', 'event_type', 'event_timestamp'] },
  );

  test('as the body', async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, async (value) => {
        const answer = await postRaw(server.url, '/api/v1/events', JSON.stringify(value));
        if (Array.isArray(value)) expectAnswer(answer, value.length);
        else if (value !== null && typeof value === 'object') expectAnswer(answer, 1);
        else expectProblem(answer);
      }),
      runs(150),
    );
  });

  test('as the fields of events: each has its result in its place, and what was accepted is in the audit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 6, arbitrary: nearlyEvent }, { weight: 1, arbitrary: anyJson }), { maxLength: 8 }),
        async (items) => {
          const answer = await postRaw(server.url, '/api/v1/events', JSON.stringify(items));
          expectAnswer(answer, items.length);
          for (const [index, result] of answer.body.results.entries()) {
            if (result.status !== 'accepted') continue;
            const { user_id, event_type } = items[index] as { user_id: string; event_type: string };
            const { recent_events } = await auditOf(user_id);
            const found = recent_events.find((one: { event_id: string }) => one.event_id === result.event_id);
            expect(found?.event_type).toBe(event_type);
          }
        },
      ),
      runs(150),
    );
  });

  test('as bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, inList) => {
        const body = inList ? Buffer.concat([Buffer.from('["'), bytes, Buffer.from('"]')]) : Buffer.from(bytes);
        const answer = await postRaw(server.url, '/api/v1/events', body);
        if ('results' in answer.body) expectAnswer(answer, answer.body.results.length);
        else expectProblem(answer);
      }),
      runs(150),
    );
  });

  test('as the correction of a refused event', async () => {
    tidings.clock.now += 1000;
    await postRaw(server.url, '/api/v1/events', '{"user_id":"to be corrected"}');
    const { body } = await server.get('/api/v1/events/rejected?limit=1');
    const path = `/api/v1/events/rejected/${body.rejected[0].rejected_id}/retry`;
    const bad = [[], [[]], 1, 'x', true, { user_id: 1 }, Array(1001).fill(SIGNUP), { a: { b: {} } }];
    for (const value of bad) {
      const answer = await postRaw(server.url, path, JSON.stringify(value));
      if ('results' in answer.body) expectAnswer(answer, 1);
      else expectProblem(answer);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    for (const text of ['[', '\0', '['.repeat(DEEP) + ']'.repeat(DEEP)]) {
      const answer = await postRaw(server.url, path, text);
      if (typeof answer.body === 'object' && 'results' in answer.body) expectAnswer(answer, 1);
      else expectProblem(answer);
    }
  });
});

describe('ids', () => {
  test.each(ODD_IDS)('%j', async (id) => {
    const item = {
      ...SIGNUP,
      event_id: `of ${id}`.slice(0, 100).toWellFormed(),
      user_id: id,
      user_traits: { marketing_opt_in: true },
    };
    const answer = await postRaw(server.url, '/api/v1/events', JSON.stringify(item));
    expectAnswer(answer, 1);
    expect(answer.body.results[0].status).toBe('accepted');
    for (const prefix of ['/api/v1/audit/', '/audit/']) {
      const { status, body } = await raw(server.url, { path: prefix + encodeURIComponent(id) });
      expect([status, body.user_id, body.recent_events?.length]).toEqual([200, id, 1]);
      expect(body.decisions.map((one: { outcome: string }) => one.outcome)).toEqual(['send']);
    }
    const path = `/api/v1/explain/${encodeURIComponent(id)}/WELCOME_EMAIL`;
    const { status, body } = await raw(server.url, { path });
    expect([status, body.answer]).toEqual([200, 'on_its_way']);
    const found = await raw(server.url, { path: `/api/v1/users?prefix=${encodeURIComponent(id)}` });
    expect(found.body.users).toContainEqual({ user_id: id });
  });

  test.each(['user_id', 'event_type', 'event_id'])('%s: 256 characters are taken, 257 are not', async (field) => {
    for (const letter of ['x', 'é', '漢', '🦊']) {
      const item = { ...SIGNUP, user_id: `lengths of ${field}`, event_id: `${field} ${letter}` };
      const long = await postRaw(
        server.url,
        '/api/v1/events',
        JSON.stringify({ ...item, [field]: letter.repeat(257) }),
      );
      expect(long.body.rejected).toMatchObject([{ code: 'invalid_id', path: field }]);
      const longest = await postRaw(
        server.url,
        '/api/v1/events',
        JSON.stringify({ ...item, [field]: letter.repeat(256) }),
      );
      expect(longest.body).toMatchObject({ accepted: 1 });
    }
  });

  test('all three at their longest, and in bytes that do not compress', async () => {
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
    const answer = await postRaw(server.url, '/api/v1/events', JSON.stringify(item));
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
    ...cursors.map((cursor) => `before=${cursor}`),
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
      const answer = await raw(server.url, { path: `${path}?${query}` });
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

  test.each(ids)('an id of %s in every route', async (id) => {
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
      const answer = await raw(server.url, { method, path });
      if (answer.status !== 200) expectProblem(answer, `${method} ${path}`);
      expect(answer.status, path).toBeLessThan(500);
    }
  });

  test('other methods and other paths', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'GET']) {
      expectProblem(await raw(server.url, { method, path: '/api/v1/events' }), method);
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
      const answer = await raw(server.url, { path });
      if (answer.status !== 200) expectProblem(answer, path);
    }
  });

  test('what is not even HTTP does not stop the process', async () => {
    for (const text of [
      '\0\0\0\0',
      'HELLO\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'POST /api/v1/events HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      expect(await bytes(text)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    }
    // Somebody hangs up in the middle of a body.
    await bytes(
      'POST /api/v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n[{',
      true,
    );
    expect((await server.get('/healthz/live')).status).toBe(200);
  });
});

async function auditOf(userId: string) {
  const { status, body } = await raw(server.url, { path: `/api/v1/audit/${encodeURIComponent(userId)}?limit=200` });
  expect(status).toBe(200);
  return body;
}

function expectProblem({ status, type, body }: RawAnswer, about = ''): void {
  expect(status, about).toBeGreaterThanOrEqual(400);
  expect(status, about).toBeLessThan(500);
  expect(type, about).toMatch(/^application\/problem\+json/);
  const known = (ERROR_CODES as Record<string, { status: number; title: string }>)[body.code];
  expect(body, about).toMatchObject({ status, title: known?.title });
  expect(known?.status, about).toBe(status);
  expect(body.type, about).toMatch(new RegExp(`^https://.+#${body.code}$`));
  expect(body.detail.length, about).toBeGreaterThan(10);
}

/** The answer to `count` items: one result each, in order, and every item in exactly one of the three numbers. */
function expectAnswer({ status, type, body }: RawAnswer, count: number): void {
  expect([202, 422]).toContain(status);
  expect(type).toMatch(/^application\/json/);
  const { accepted, duplicates, rejected, results } = body;
  expect(results).toHaveLength(count);
  expect(accepted + duplicates + rejected.length).toBe(count);
  expect(status).toBe(accepted === 0 && rejected.length > 0 ? 422 : 202);
  const wrong = results.flatMap(({ status }: { status: string }, index: number) =>
    status === 'rejected' || status === 'conflict' ? [index] : [],
  );
  expect(rejected.map(({ index }: { index: number }) => index)).toEqual(wrong);
  for (const { code, path, message } of rejected) {
    expect(Object.keys(REJECTION_CODES)).toContain(code);
    expect(typeof path).toBe('string');
    expect(message.length).toBeGreaterThan(10);
    expect(message.length).toBeLessThan(2000);
  }
}

/** Sends bytes as they are; what comes back until the end. */
function bytes(text: string, hangUp = false): Promise<string> {
  const { hostname, port } = new URL(server.url);
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
