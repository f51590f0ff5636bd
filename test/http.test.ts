import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import { Seal, type Sealed } from '../src/privacy/seal.ts';
import { lockUsers } from '../src/store/facts.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { findChromium, launchBrowser, openVisit } from './support/browser.ts';
import { type Answer, type TestServer, testServer } from './support/http.ts';
import { FINTECH, silent, TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** What the API answers: codes and bodies of every resource. */

const CHROMIUM = findChromium();

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings({ email: sandboxProvider(['email']) });
  server = await testServer(tidings);
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

const PAID = { event_type: 'payment_failed', event_timestamp: '2025-10-31T10:00:00Z' };

let users = 0;

type Fields = { readonly event_id?: string; readonly [field: string]: unknown };

/** An event of somebody new. */
function payment(more: Fields = {}): Fields {
  return { user_id: `person ${users++}`, ...PAID, ...more };
}

function isProblem({ status, headers, body }: Answer, expected: { status: number; code: string; path?: string }): void {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(body).toEqual({
    type: `https://github.com/tidings/tidings/blob/main/docs/errors.md#${expected.code}`,
    title: expect.any(String),
    status: expected.status,
    detail: expect.stringMatching(/\w+ \w+/),
    code: expected.code,
    ...(expected.path === undefined ? {} : { path: expected.path }),
  });
  expect(status).toBe(expected.status);
}

describe('POST /api/v1/events', () => {
  test('a list: 202 with a result for each, in the order of the request', async () => {
    const events = [
      payment({ event_id: 'first', properties: { failure_reason: 'INSUFFICIENT_FUNDS', attempt_number: 1 } }),
      { user_id: 'x', event_type: 'payment_failed' },
      payment({ event_id: 'third', event_type: 'something_else' }),
    ];
    const { status, body } = await server.post('/api/v1/events', events);
    expect(status).toBe(202);
    expect(body).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [
        {
          index: 1,
          code: 'invalid_event',
          path: 'event_timestamp',
          message: 'event_timestamp is missing; write it like "2025-10-31T19:00:00Z"',
        },
      ],
      results: [
        {
          event_id: 'first',
          status: 'accepted',
          decisions: [
            {
              decision_id: expect.any(String),
              rule: 'INSUFFICIENT_FUNDS_EMAIL',
              notification_type: 'INSUFFICIENT_FUNDS_EMAIL',
              outcome: 'send',
              reason_code: 'matched',
              reason:
                'To be sent: event.failure_reason == "INSUFFICIENT_FUNDS" holds and the limit allows it (1 of 1 per day).',
              notification_id: expect.any(String),
            },
            {
              decision_id: expect.any(String),
              rule: 'HIGH_RISK_ALERT',
              notification_type: 'HIGH_RISK_ALERT',
              outcome: 'not_matched',
              reason_code: 'condition_false',
              reason: 'Not sent: the rule needs event.attempt_number >= 3, and event.attempt_number was 1.',
              notification_id: null,
            },
          ],
        },
        { event_id: null, status: 'rejected', decisions: [] },
        { event_id: 'third', status: 'accepted', decisions: [] },
      ],
    });
  });

  test('a single object, and POST /events, are the same', async () => {
    for (const path of ['/api/v1/events', '/events']) {
      const { status, body } = await server.post(path, payment());
      expect([status, body.accepted, body.results.length]).toEqual([202, 1, 1]);
      expect(body.results[0].event_id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('an empty list is 202 with zeros', async () => {
    const { status, body } = await server.post('/api/v1/events', []);
    expect([status, body]).toEqual([202, { accepted: 0, duplicates: 0, rejected: [], results: [] }]);
  });

  test('nothing accepted and something wrong: 422 with the same body', async () => {
    const { status, headers, body } = await server.post('/api/v1/events', [payment({ properties: { amount: 'ten' } })]);
    expect(status).toBe(422);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body.rejected).toEqual([
      { index: 0, code: 'schema_mismatch', path: 'properties.amount', message: expect.stringContaining('"ten"') },
    ]);
    expect(body.results).toEqual([{ event_id: null, status: 'rejected', decisions: [] }]);
  });

  test('a duplicate is 202 and answers the stored decisions', async () => {
    const event = payment({ event_id: 'again', properties: { attempt_number: 3 } });
    const first = await server.post('/api/v1/events', event);
    const second = await server.post('/api/v1/events', event);
    expect(second.status).toBe(202);
    expect(second.body).toMatchObject({ accepted: 0, duplicates: 1, rejected: [] });
    expect(second.body.results).toEqual([{ ...first.body.results[0], status: 'duplicate' }]);
    // Without an id the content is the identity; also within one request.
    const bare = payment();
    const both = await server.post('/api/v1/events', [bare, bare]);
    expect(both.body.results.map((one: { status: string }) => one.status)).toEqual(['accepted', 'duplicate']);
  });

  test('the same id with other content is a conflict', async () => {
    const event = payment({ event_id: 'mine' });
    await server.post('/api/v1/events', event);
    const { status, body } = await server.post('/api/v1/events', [
      { ...event, properties: { attempt_number: 9 } },
      payment(),
    ]);
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(body.rejected).toEqual([
      {
        index: 0,
        code: 'event_id_conflict',
        path: 'event_id',
        message: 'event_id is already stored with other content; a new event needs an id of its own',
      },
    ]);
    expect(body.results[0]).toEqual({ event_id: 'mine', status: 'conflict', decisions: [] });
  });

  test.each([
    ['not JSON', '{"user_id":', 400, 'invalid_json'],
    ['a number', '1', 422, 'invalid_body'],
    ['null', 'null', 422, 'invalid_body'],
    ['a text', '"event"', 422, 'invalid_body'],
    ['nothing', '', 400, 'invalid_json'],
    ['1001 events', JSON.stringify(Array(1001).fill({})), 422, 'too_many_events'],
    ['more than 5 MiB', `["${'x'.repeat(5 * 1024 * 1024)}"]`, 413, 'payload_too_large'],
  ])('%s: a problem', async (_name, body, status, code) => {
    isProblem(await server.post('/api/v1/events', body), { status, code });
  });

  test('not UTF-8: a problem', async () => {
    const body = Uint8Array.of(0x22, 0xff, 0x22);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/api/v1/events`, { method: 'POST', headers, body });
    isProblem(
      { status: response.status, headers: response.headers, body: await response.json() },
      { status: 400, code: 'invalid_json' },
    );
  });

  test('1000 events are taken', async () => {
    const { status, body } = await server.post(
      '/api/v1/events',
      Array.from({ length: 1000 }, () => payment()),
    );
    expect([status, body.accepted]).toEqual([202, 1000]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])('%s: 415', async (type) => {
    const answer = await server.post('/api/v1/events', JSON.stringify(payment()), { 'content-type': type });
    isProblem(answer, { status: 415, code: 'unsupported_media_type' });
  });
});

describe('what is not there', () => {
  test('another path: 404', async () => {
    isProblem(await server.get('/api/v1/nothing?email=maria@example.com'), { status: 404, code: 'not_found' });
    isProblem(await server.post('/nothing', {}), { status: 404, code: 'not_found' });
  });

  test('another method: 405 that names those there are', async () => {
    const answer = await server.get('/api/v1/events');
    isProblem(answer, { status: 405, code: 'method_not_allowed' });
    expect(answer.headers.get('allow')).toBe('POST');
    const wrong = await server.post('/api/v1/audit/somebody', {});
    isProblem(wrong, { status: 405, code: 'method_not_allowed' });
    expect(wrong.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD']);
  });
});

describe('what is asked', () => {
  test.each([
    ['/api/v1/deliveries?channel=sms', undefined, /"channel" is not a parameter of this route/],
    ['/api/v1/audit/somebody?limit=abc', 'limit', /^limit: write a whole number from 1 to 200$/],
    ['/api/v1/audit/somebody?limit=0', 'limit', /^limit: write a whole number from 1 to 200$/],
    ['/api/v1/catalog/diff?from=abc', 'from', /^from: write the number of a version/],
  ])('%s: what would be right is said', async (path, at, detail) => {
    const answer = await server.get(path);
    isProblem(answer, { status: 400, code: 'invalid_request', ...(at && { path: at }) });
    expect(answer.body.detail).toMatch(detail);
  });

  test('a parameter without a value is none', async () => {
    for (const query of ['?limit=50&notification_type=&before=', '?limit=&notification_type=&before=', '?']) {
      expect(await server.get(`/api/v1/audit/somebody${query}`)).toMatchObject({
        status: 200,
        body: { decisions: [] },
      });
    }
    expect(await server.get('/api/v1/deliveries?status=')).toMatchObject({ status: 200 });
  });

  test('to end the waits of a rule that never was: 404 with those there are', async () => {
    const answer = await server.post('/api/v1/waits/cancel', { rule: 'WELCOM_EMAL' });
    isProblem(answer, { status: 404, code: 'not_found', path: 'rule' });
    expect(answer.body.detail).toMatch(/there are: .*WELCOME_EMAIL/);
  });
});

describe('what cannot be read as a request', () => {
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
  ])('%s: a problem document with its headers, and the connection ends', async (_what, text, status, code) => {
    const [head = '', body = ''] = (await exchange(text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/content-type: application\/problem\+json/i);
    expect(head).toMatch(/x-content-type-options: nosniff/i);
    expect(JSON.parse(body)).toMatchObject({ status, code });
  });

  test('an expectation that nobody knows is none', async () => {
    const asked = 'GET /healthz/live HTTP/1.1\r\nhost: localhost\r\nexpect: 200-ok\r\nconnection: close\r\n\r\n';
    expect(await exchange(asked)).toMatch(/^HTTP\/1.1 200 /);
  });

  test('an id that is too long for a path is told so', async () => {
    const { status, body } = await server.get(`/api/v1/audit/${'x'.repeat(5000)}`);
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 400,
      code: 'invalid_request',
      detail: 'A part of the path is too long.',
    });
  });

  test('a caller that hangs up in the middle of its body is no trouble with the database', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
    const other = await testServer(tidings, { log });
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

  /** What comes back until the server closes the connection. */
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

describe('overload and a database that is away', () => {
  test('503 with Retry-After before anything is taken in; the others are decided', async () => {
    const { pool } = tidings.database;
    const { catalogs, seal, clock } = tidings;
    const parts = {
      pool,
      catalogs,
      seal,
      partitions: new Partitions(pool),
      clock: () => clock.now,
      log: silent,
    };
    const small = await testServer({ ...tidings, pipeline: new Pipeline({ ...parts, maxWaiting: 1 }) });
    const release = await block(['blocked']);
    const slow = small.post('/api/v1/events', payment({ user_id: 'blocked' }));
    await expect.poll(() => waiting()).toBe(1);

    const event = payment({ event_id: 'overload' });
    const refused = await small.post('/api/v1/events', event);
    isProblem(refused, { status: 503, code: 'overloaded' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await stored('overload')).toBe(0);

    await release();
    expect((await slow).body.accepted).toBe(1);
    expect((await small.post('/api/v1/events', event)).body.accepted).toBe(1);
    await small.close();
  });

  test('503 as well where few but large requests wait: 64 MiB of bodies', async () => {
    const release = await block(['blocked by size']);
    const slow = server.post('/api/v1/events', payment({ user_id: 'blocked by size' }));
    await expect.poll(() => waiting()).toBe(1);
    const blanks = ' '.repeat(5_000_000);
    const large = Array.from({ length: 14 }, (_, n) =>
      server.post('/api/v1/events', `${blanks}${JSON.stringify(payment({ user_id: `large ${n}` }))}`),
    );
    isProblem(await Promise.race(large), { status: 503, code: 'overloaded' });
    await release();
    expect((await slow).status).toBe(202);
    expect((await Promise.all(large)).map(({ status }) => status).sort()).toEqual([...Array(13).fill(202), 503]);
  });

  test('a connection that is cut in the middle: 503, nothing half stored, and the same again is accepted', async () => {
    const release = await block(['cut off']);
    const event = payment({ user_id: 'cut off', event_id: 'cut', properties: { attempt_number: 3 } });
    const answer = server.post('/api/v1/events', event);
    await expect.poll(() => waiting()).toBe(1);
    await tidings.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event = 'advisory'`,
    );
    const refused = await answer;
    isProblem(refused, { status: 503, code: 'unavailable' });
    expect(refused.headers.get('retry-after')).toBe('2');
    await release();
    expect(await stored('cut')).toBe(0);
    expect((await server.post('/api/v1/events', event)).body.accepted).toBe(1);
    expect(await stored('cut')).toBe(1);
  });

  test('no database at all: 503 everywhere, live but not ready', async () => {
    const nowhere = openPool(`postgres://nobody@127.0.0.1:${await freePort()}/none?sslmode=disable`, {
      max: 1,
      name: 'test',
    });
    const { catalogs, seal, clock, database } = tidings;
    const parts = { pool: nowhere, catalogs, seal, partitions: new Partitions(nowhere), log: silent };
    const away = await testServer({
      ...tidings,
      pipeline: new Pipeline({ ...parts, clock: () => clock.now }),
      database: { ...database, pool: nowhere },
    });
    isProblem(await away.post('/api/v1/events', payment()), { status: 503, code: 'unavailable' });
    isProblem(await away.get('/api/v1/audit/somebody'), { status: 503, code: 'unavailable' });
    const ready = await away.get('/healthz/ready');
    expect([ready.status, ready.body]).toEqual([
      503,
      { status: 'not ready', parts: { database: 'unreachable', catalog: 'ok' } },
    ]);
    expect((await away.get('/healthz/live')).status).toBe(200);
    await away.close();
    await nowhere.end();
  });

  /** Holds the locks of these people, as a batch that takes its time would. */
  async function block(userIds: readonly string[]): Promise<() => Promise<void>> {
    const connection = await tidings.database.pool.connect();
    await connection.query('begin');
    await lockUsers(connection, TENANT, userIds);
    return async () => {
      await connection.query('rollback');
      connection.release();
    };
  }

  async function waiting(): Promise<number> {
    const { rows } = await tidings.database.pool.query<{ count: number }>(
      `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
    );
    return rows[0]?.count ?? 0;
  }

  async function stored(eventId: string): Promise<number> {
    const { rows } = await tidings.database.pool.query<{ count: number }>(
      'select count(*) as count from events where event_id = $1',
      [eventId],
    );
    return rows[0]?.count ?? 0;
  }
});

describe('the quarantine', () => {
  const ADDRESS = 'maria.refused@example.com';

  test('holds what was refused, with the reason and without addresses', async () => {
    const wrong = payment({
      event_id: 'wrong-1',
      properties: { amount: 'ten', note: `write to ${ADDRESS} please` },
      user_traits: { email: ADDRESS, phone: '+351912345678' },
    });
    await server.post('/api/v1/events', wrong);
    tidings.clock.now += 1000;
    await server.post('/api/v1/events', wrong);
    const { status, body } = await server.get('/api/v1/events/rejected?limit=1');
    expect(status).toBe(200);
    expect(body.rejected).toEqual([
      {
        rejected_id: expect.any(String),
        event_id: 'wrong-1',
        code: 'schema_mismatch',
        path: 'properties.amount',
        message: expect.any(String),
        event: expect.objectContaining({ event_id: 'wrong-1', event_type: 'payment_failed' }),
        times: 2,
        first_at: new Date(tidings.clock.now - 1000).toISOString(),
        last_at: new Date(tidings.clock.now).toISOString(),
      },
    ]);
    expect(JSON.stringify(body)).not.toMatch(/maria\.refused|912345678/);
  });

  test('the pages of next go through all of them once', async () => {
    for (let n = 0; n < 5; n++) {
      if (n % 2 === 0) tidings.clock.now += 1000;
      await server.post('/api/v1/events', payment({ event_id: `paged-${n}`, event_timestamp: 'today' }));
    }
    const seen: string[] = [];
    let next: string | null = '';
    for (let page = 0; next !== null && page < 20; page++) {
      const { body } = await server.get(`/api/v1/events/rejected?limit=2${next ? `&before=${next}` : ''}`);
      seen.push(...body.rejected.map((one: { rejected_id: string }) => one.rejected_id));
      next = body.next;
    }
    const { rows } = await tidings.database.pool.query('select count(*) as count from rejected_events');
    expect([seen.length, new Set(seen).size]).toEqual([rows[0].count, rows[0].count]);
  });

  test('what is large is shown cut, and kept whole; rows of before that come page by page', async () => {
    const note = 'x'.repeat(2_000_000);
    const id = await refuse(payment({ event_id: 'large', properties: { note, amount: 'ten' } }));
    const shown = (await find(id)) as unknown as { event: { properties: { note: string } } };
    expect(shown.event.properties.note).toBe(`${'x'.repeat(2000)}…`);
    const again = await server.post(`/api/v1/events/rejected/${id}/retry`);
    expect(again.body.rejected[0]).toMatchObject({ code: 'invalid_content', path: '' });

    // Written by an earlier version, which kept previews of megabytes.
    const { pool } = tidings.database;
    tidings.clock.now += 1000;
    await pool.query(
      `insert into rejected_events (tenant_id, rejected_id, code, path, message, preview, sealed, key_id, first_at, last_at)
       select 'default', gen_random_uuid(), 'invalid_event', '', 'old', json_build_object('note', repeat('x', 3000000)),
              '', 'k', $1, $1 from generate_series(1, 10)`,
      [new Date(tidings.clock.now)],
    );
    const sizes: number[] = [];
    let next: string | null = '';
    while (next !== null && sizes.length < 4) {
      const { body } = await server.get(`/api/v1/events/rejected?limit=200${next ? `&before=${next}` : ''}`);
      sizes.push(body.rejected.filter(({ message }: { message: string }) => message === 'old').length);
      next = body.next;
    }
    expect(sizes).toEqual([3, 3, 3, 1]);
    expect(next).toBeNull();
    await pool.query(`delete from rejected_events where message = 'old'`);
  });

  test('retried as it was, once the schema takes it', async () => {
    const id = await refuse(payment({ event_id: 'mended', properties: { amount: 'ten' } }));
    const still = await server.post(`/api/v1/events/rejected/${id}/retry`);
    expect([still.status, still.body.rejected[0].path]).toEqual([422, 'properties.amount']);
    expect((await find(id))?.times).toBe(2);

    const fintech = await loadCatalogFiles(FINTECH);
    const events = fintech.get('events.yaml')?.replaceAll('amount: number', 'amount: string') ?? '';
    await tidings.apply(new Map([...fintech, ['events.yaml', events]]));
    const { status, body } = await server.post(`/api/v1/events/rejected/${id}/retry`);
    expect([status, body.accepted, body.results[0].event_id]).toEqual([202, 1, 'mended']);
    expect(await find(id)).toBeUndefined();
    await tidings.apply(fintech);

    const { rows } = await tidings.database.pool.query(
      `select actor, action, subject from audit_log where action = 'event.retried'`,
    );
    expect(rows).toEqual([{ actor: 'api', action: 'event.retried', subject: id }]);
  });

  test('a correction that is refused leaves one row, which goes when one is taken in', async () => {
    const wrong = payment({ event_id: 'twice corrected', properties: { amount: 'ten' } });
    const id = await refuse(wrong);
    const rows = async () => (await list()).filter(({ event_id }) => event_id === 'twice corrected');
    const retry = (amount: unknown) =>
      server.post(`/api/v1/events/rejected/${id}/retry`, { ...wrong, properties: { amount } });
    expect((await retry('eleven')).status).toBe(422);
    expect(await rows()).toHaveLength(1);
    expect((await retry(12)).status).toBe(202);
    expect(await rows()).toEqual([]);
  });

  test('retried with a corrected body', async () => {
    const wrong = payment({ event_id: 'corrected', properties: { amount: 'ten' } });
    const id = await refuse(wrong);
    const again = await server.post(`/api/v1/events/rejected/${id}/retry`, { ...wrong, properties: { amount: true } });
    expect(again.status).toBe(422);
    const { status, body } = await server.post(`/api/v1/events/rejected/${id}/retry`, {
      ...wrong,
      properties: { amount: 10 },
    });
    expect([status, body.accepted]).toEqual([202, 1]);
    expect(await find(id)).toBeUndefined();
  });

  test.each(['00000000-0000-4000-8000-000000000000', 'nonsense', '1'])('an unknown id (%s): 404', async (id) => {
    isProblem(await server.post(`/api/v1/events/rejected/${id}/retry`), { status: 404, code: 'not_found' });
    isProblem(await server.post(`/api/v1/events/rejected/${id}/retry`, payment()), { status: 404, code: 'not_found' });
  });

  test('a place that is none: 400', async () => {
    isProblem(await server.get('/api/v1/events/rejected?before=here'), {
      status: 400,
      code: 'invalid_request',
      path: 'before',
    });
  });

  interface Rejected {
    readonly rejected_id: string;
    readonly event_id: string;
    readonly times: number;
  }

  async function list(): Promise<Rejected[]> {
    return (await server.get('/api/v1/events/rejected?limit=200')).body.rejected;
  }

  async function find(id: string): Promise<Rejected | undefined> {
    return (await list()).find((one) => one.rejected_id === id);
  }

  async function refuse(event: Fields): Promise<string> {
    expect((await server.post('/api/v1/events', event)).status).toBe(422);
    return (await list()).find((one) => one.event_id === event.event_id)?.rejected_id ?? '';
  }
});

describe('a mistake of our own about one event', () => {
  const EMAIL = 'poison@example.com';
  class BrokenSeal extends Seal {
    override seal(text: string, purpose: string): Sealed {
      if (text === EMAIL) throw new TypeError('Cannot read properties of undefined');
      return super.seal(text, purpose);
    }
  }

  test('is nobody else’s: the others are decided, and it is kept until the mistake is mended', async () => {
    const { pool } = tidings.database;
    const key = Buffer.alloc(32);
    const { catalogs, clock } = tidings;
    const logged: object[] = [];
    const log = { error: (line: object) => void logged.push(line) };
    const parts = { pool, catalogs, partitions: new Partitions(pool), clock: () => clock.now, log };
    const serve = (seal: Seal) => testServer({ ...tidings, seal, pipeline: new Pipeline({ ...parts, seal }) });
    const broken = await serve(new BrokenSeal(key));
    const poison = payment({ event_id: 'poison', user_traits: { email: EMAIL } });

    // One request with it in the middle, and others that share its batch.
    const [mixed, ...others] = await Promise.all([
      broken.post('/api/v1/events', [payment(), payment(), poison, payment(), payment()]),
      broken.post('/api/v1/events', payment()),
      broken.post('/api/v1/events', [payment(), payment()]),
    ]);
    expect(mixed.status).toBe(202);
    expect(mixed.body).toMatchObject({ accepted: 4, rejected: [{ index: 2, code: 'undecidable', path: '' }] });
    expect(others.map(({ body }) => body.accepted)).toEqual([1, 2]);
    expect(logged).toEqual([{ err: expect.any(TypeError) }]);

    const { rejected } = (await broken.get('/api/v1/events/rejected')).body;
    const kept = rejected.find((one: { event_id: string }) => one.event_id === 'poison');
    expect(kept).toMatchObject({ code: 'undecidable' });
    const retry = `/api/v1/events/rejected/${kept.rejected_id}/retry`;
    expect(await broken.post(retry)).toMatchObject({ status: 422, body: { accepted: 0 } });
    await broken.close();

    const mended = await serve(new Seal(key));
    expect(await mended.post(retry)).toMatchObject({ status: 202, body: { accepted: 1 } });
    await mended.close();
  });
});

describe('deliveries', () => {
  let id: string;

  beforeAll(async () => {
    const { body } = await server.post('/api/v1/events', {
      user_id: 'reader',
      event_type: 'signup_completed',
      event_timestamp: '2025-10-31T19:00:00Z',
      user_traits: { marketing_opt_in: true },
    });
    id = `${body.results[0].decisions[0].notification_id}.email`;
  });

  test('only a stopped one can be retried: 409, then 202, and the change is recorded', async () => {
    isProblem(await server.post(`/api/v1/deliveries/${id}/retry`), {
      status: 409,
      code: 'not_retryable',
      path: 'status',
    });
    const worker = await tidings.worker();
    await expect.poll(() => statusOf(id)).toBe('undeliverable');
    await worker.stop();
    tidings.clock.now += 100_000;
    const { status, body } = await server.post(`/api/v1/deliveries/${id}/retry`);
    expect([status, body]).toEqual([
      202,
      expect.objectContaining({ delivery_id: id, status: 'queued', reason_code: 'retried', attempts_made: 1 }),
    ]);
    const { rows } = await tidings.database.pool.query(
      `select actor, action, extract(epoch from retry_until - due_at)::int as patience from audit_log join deliveries
       on subject = notification_id || '.' || channel where subject = $1`,
      [id],
    );
    expect(rows).toEqual([{ actor: 'api', action: 'delivery.retried', patience: 86_400 }]);
  });

  test('retried again and again, its patience stays what the type says', async () => {
    for (let i = 0; i < 3; i++) {
      tidings.clock.now += 7_200_000;
      await tidings.database.pool.query(
        `update deliveries set status = 'dead', finished_at = now() where notification_id = $1`,
        [id.split('.')[0]],
      );
      await server.post(`/api/v1/deliveries/${id}/retry`);
    }
    const { rows } = await tidings.database.pool.query(
      'select extract(epoch from retry_until - due_at)::int as patience from deliveries where notification_id = $1',
      [id.split('.')[0]],
    );
    expect(rows).toEqual([{ patience: 86_400 }]);
  });

  test('with an address it goes out, and the message can be read; its address is a mask', async () => {
    isProblem(await server.get(`/api/v1/deliveries/${id}/message`), { status: 404, code: 'not_found' });
    await server.post('/api/v1/events', {
      user_id: 'reader',
      event_type: 'profile_changed',
      event_timestamp: '2025-10-31T19:10:00Z',
      user_traits: { email: 'reader@example.com', first_name: 'Maria' },
    });
    const worker = await tidings.worker();
    await expect.poll(() => statusOf(id)).toBe('sent');
    await worker.stop();
    const { status, body } = await server.get(`/api/v1/deliveries/${id}/message`);
    expect(status).toBe(200);
    expect(body).toEqual({
      delivery_id: id,
      channel: 'email',
      to: 'r…@example.com',
      subject: expect.any(String),
      text: expect.any(String),
      html: expect.stringMatching(/<html/),
      rendered_at: new Date(tidings.clock.now).toISOString(),
    });
    expect(JSON.stringify(body)).not.toContain('reader@');
  });

  test.each([
    '00000000-0000-7000-8000-000000000000.email',
    '00000000-0000-7000-8000-000000000000.pigeon',
    '00000000-0000-7000-8000-000000000000',
    'nonsense',
    '%00.email',
  ])('an unknown or malformed id (%s): 404', async (unknown) => {
    isProblem(await server.post(`/api/v1/deliveries/${unknown}/retry`), { status: 404, code: 'not_found' });
    isProblem(await server.get(`/api/v1/deliveries/${unknown}/message`), { status: 404, code: 'not_found' });
  });

  test('listed by status, newest first, in pages', async () => {
    await server.post(
      '/api/v1/events',
      Array.from({ length: 5 }, () => payment({ properties: { attempt_number: 3 } })),
    );
    const ids: string[] = [];
    let next: string | null = '';
    for (let page = 0; next !== null && page < 20; page++) {
      const { body } = await server.get(`/api/v1/deliveries?limit=2${next ? `&before=${next}` : ''}`);
      ids.push(...body.deliveries.map((one: { delivery_id: string }) => one.delivery_id));
      next = body.next;
    }
    expect(ids).toEqual([...new Set(ids)].sort().reverse());
    const sent = await server.get('/api/v1/deliveries?status=sent');
    expect(sent.body.deliveries.map((one: { delivery_id: string }) => one.delivery_id)).toEqual([id]);
    expect(sent.body.next).toBeNull();
    isProblem(await server.get('/api/v1/deliveries?status=lost'), {
      status: 400,
      code: 'invalid_request',
      path: 'status',
    });
  });

  async function statusOf(deliveryId: string): Promise<string | undefined> {
    const { body } = await server.get('/api/v1/deliveries?limit=200');
    return body.deliveries.find((one: { delivery_id: string }) => one.delivery_id === deliveryId)?.status;
  }
});

describe('the documentation', () => {
  // biome-ignore lint/suspicious/noExplicitAny: an OpenAPI document, looked into by hand
  let document: any;

  beforeAll(async () => {
    document = (await server.get('/api/docs/openapi.json')).body;
  });

  test('is OpenAPI 3.1 and names every route', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const routes = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'GET /api/v1/activity',
      'GET /api/v1/audit/{user_id}',
      'GET /api/v1/catalog',
      'GET /api/v1/catalog/diff',
      'GET /api/v1/catalog/versions',
      'GET /api/v1/deliveries',
      'GET /api/v1/deliveries/{id}/message',
      'GET /api/v1/events/rejected',
      'GET /api/v1/explain/{user_id}/{notification_type}',
      'GET /api/v1/users',
      'GET /api/v1/waits',
      'GET /api/v1/waits/rules',
      'GET /audit/{user_id}',
      'GET /healthz/live',
      'GET /healthz/ready',
      'POST /api/v1/catalog',
      'POST /api/v1/catalog/rollback',
      'POST /api/v1/deliveries/{id}/retry',
      'POST /api/v1/events',
      'POST /api/v1/events/rejected/{id}/retry',
      'POST /api/v1/waits/cancel',
      'POST /api/v1/waits/migrate',
      'POST /events',
    ]);
  });

  test('each operation has a summary, declares the parameters of its path and has answers', () => {
    for (const [path, operations] of Object.entries<object>(document.paths)) {
      for (const operation of Object.values(operations)) {
        expect(operation.summary, path).toEqual(expect.any(String));
        const declared = (operation.parameters ?? [])
          .filter((one: { in: string }) => one.in === 'path')
          .map((one: { name: string }) => one.name);
        expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
        expect(Object.keys(operation.responses).length, path).toBeGreaterThan(0);
        for (const answer of Object.values<{ description?: string }>(operation.responses)) {
          expect(answer.description, path).toEqual(expect.any(String));
        }
      }
    }
  });

  test('every schema in it compiles, and what the API answers fits', async () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema({ ...document, $id: 'openapi' });
    const compiled = schemasOf(document).map((schema) => ajv.compile(schema));
    expect(compiled.length).toBeGreaterThan(10);

    const answers: [string, string, string, Answer][] = [
      ['/api/v1/events', 'post', '202', await server.post('/api/v1/events', payment())],
      ['/api/v1/audit/{user_id}', 'get', '200', await server.get('/api/v1/audit/reader')],
      ['/api/v1/deliveries', 'get', '200', await server.get('/api/v1/deliveries')],
      ['/api/v1/deliveries', 'get', '4XX', await server.get('/api/v1/deliveries?limit=x')],
    ];
    for (const [path, method, status, { body }] of answers) {
      const [content] = Object.values<{ schema: object }>(document.paths[path][method].responses[status].content);
      const check = ajv.compile(content?.schema ?? false);
      expect(check(body), `${path} ${JSON.stringify(check.errors)}`).toBe(true);
    }
  });

  test('the page loads nothing from elsewhere', async () => {
    const { status, headers, body } = await server.get('/api/docs/');
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(body).not.toMatch(/(src|href)="https?:/);
  });

  test.runIf(CHROMIUM)('in a browser it asks nobody else, and offers nothing of its vendor', async () => {
    const browser = await launchBrowser(CHROMIUM!);
    try {
      const { page, complaints } = await openVisit(browser, server.url);
      // A browser asks for this by itself, whatever the page says.
      await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
      await page.goto(`${server.url}/api/docs/`);
      await page.getByText('Post events: one').first().waitFor();
      await page.evaluate('document.fonts.ready.then(() => true)');
      const text = await page.locator('body').innerText();
      expect(text).not.toMatch(/Generate SDKs?|Share|Configure|Developer Tools|Open API Client/);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  function schemasOf(value: unknown): object[] {
    if (value === null || typeof value !== 'object') return [];
    return Object.entries(value).flatMap(([key, inner]) =>
      key === 'schema' && inner !== null ? [inner as object] : schemasOf(inner),
    );
  }
});

describe('headers and health', () => {
  test('every answer forbids sniffing, framing and foreign scripts', async () => {
    for (const path of ['/', '/healthz/live', '/api/v1/audit/x', '/nothing', '/api/v1/events']) {
      const { headers } = await server.get(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('content-security-policy')).toMatch(/default-src 'self'.*script-src 'self'/);
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  test('live and ready', async () => {
    expect((await server.get('/healthz/live')).body).toEqual({ status: 'live' });
    const ready = await server.get('/healthz/ready');
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready', parts: { database: 'ok', catalog: 'ok' } }]);
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
