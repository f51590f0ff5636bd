import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../src/cli/api-client.ts';
import { readConfig } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';
import { Seal } from '../src/privacy/seal.ts';
import { checkEncryptionKey } from '../src/store/metadata.ts';
import { type TestServer, testServer } from './support/http.ts';
import { raw } from './support/raw.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Who is let in, and with which configuration the program starts at all. */

const KEYS = ['first-key-of-the-tests', 'second-key-of-the-tests'] as const;

let tidings: TestTidings;
let open: TestServer;
let closed: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  open = await testServer(tidings);
  closed = await testServer(tidings, { apiKeys: KEYS });
});

afterAll(async () => {
  await open.close();
  await closed.close();
  await tidings.close();
});

const PROTECTED = [
  'GET /api/v1/audit/u1',
  'GET /audit/u1',
  'GET /api/v1/explain/u1/WELCOME_EMAIL',
  'GET /api/v1/activity',
  'GET /api/v1/users',
  'GET /api/v1/catalog',
  'GET /api/v1/deliveries',
  'GET /api/v1/deliveries/00000000-0000-7000-8000-000000000000.email/message',
  'GET /api/v1/events/rejected',
  'POST /api/v1/events',
  'POST /events',
  'POST /api/v1/deliveries/00000000-0000-7000-8000-000000000000.email/retry',
  'POST /api/v1/events/rejected/00000000-0000-4000-8000-000000000000/retry',
  // The same routes, written otherwise.
  'GET /%61pi/v1/audit/u1',
  'GET /api/%761/audit/u1',
  'GET /%61udit/u1',
  'GET /audit/u1?x=/healthz/live',
  'HEAD /api/v1/audit/u1',
  'POST /%65vents',
];

describe('without keys', () => {
  test('only this machine’s own names are answered: a page whose name leads here is nobody', async () => {
    const ask = async (path: string, host: string) => (await raw(open.url, { path, headers: { host } })).status;
    for (const host of ['localhost', 'localhost:8000', '127.0.0.1:1', '[::1]:8000', 'LOCALHOST.']) {
      expect(await ask('/api/v1/audit/u1', host), host).toBe(200);
    }
    for (const host of ['evil.com', 'localhost.evil.com', '127.0.0.1.evil.com', '10.0.0.1', 'evil.com:8000']) {
      expect(await ask('/api/v1/audit/u1', host), host).toBe(401);
      expect(await ask('/healthz/live', host), host).toBe(200);
    }
  });
});

describe('API keys', () => {
  test.each(PROTECTED)('%s: 401 without a key and with a wrong one, let in with a right one', async (route) => {
    for (const headers of [
      {},
      { authorization: 'Bearer wrong-key-of-the-tests' },
      { authorization: `Basic ${KEYS[0]}` },
      { authorization: KEYS[0] },
      { 'x-api-key': `${KEYS[0]}x` },
      { 'x-api-key': '' },
    ] as Record<string, string>[]) {
      const refused = await call(closed, route, headers);
      expect(refused.status).toBe(401);
      expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      if (route.startsWith('HEAD')) continue;
      expect(await refused.json()).toMatchObject({ status: 401, code: 'unauthorized', detail: expect.any(String) });
    }
    for (const key of KEYS) {
      for (const headers of [
        { authorization: `Bearer ${key}` },
        { authorization: `bearer ${key}` },
        { 'x-api-key': key },
      ]) {
        expect((await call(closed, route, headers as Record<string, string>)).status).not.toBe(401);
      }
    }
  });

  test.each(PROTECTED)('%s is open where no keys are configured', async (route) => {
    expect((await call(open, route, {})).status).not.toBe(401);
  });

  test.each(['/healthz/live', '/healthz/ready', '/', '/api/docs/', '/api/docs/openapi.json', '/nothing'])(
    '%s needs no key',
    async (path) => {
      expect((await closed.get(path)).status).not.toBe(401);
    },
  );

  test('a wrong key is never repeated', async () => {
    const { body } = await closed.get('/api/v1/users', { 'x-api-key': 'almost-the-secret-key' });
    expect(JSON.stringify(body)).not.toContain('almost');
  });

  test('a request without a key changes nothing', async () => {
    const event = { user_id: 'intruder', event_type: 'seen', event_timestamp: '2025-10-31T10:00:00Z' };
    expect((await closed.post('/api/v1/events', event)).status).toBe(401);
    const { body } = await closed.get('/api/v1/users?prefix=intruder', { 'x-api-key': KEYS[0] });
    expect(body.users).toEqual([]);
  });

  test('changes are signed with the number of the key, never with the key', async () => {
    const wrong = { user_id: 'u', event_type: 'seen', event_timestamp: 'today' };
    await closed.post('/api/v1/events', wrong, { 'x-api-key': KEYS[1] });
    const { body } = await closed.get('/api/v1/events/rejected', { 'x-api-key': KEYS[1] });
    const right = { ...wrong, event_timestamp: '2025-10-31T10:00:00Z' };
    const path = `/api/v1/events/rejected/${body.rejected[0].rejected_id}/retry`;
    expect((await closed.post(path, right, { authorization: `Bearer ${KEYS[1]}` })).status).toBe(202);
    const { rows } = await tidings.database.pool.query(`select actor from audit_log where action = 'event.retried'`);
    expect(rows).toEqual([{ actor: 'api key 2' }]);
  });

  function call(server: TestServer, route: string, headers: Record<string, string>): Promise<Response> {
    const [method, path] = route.split(' ') as [string, string];
    const body = method === 'POST' ? { body: '[]' } : {};
    return fetch(server.url + path, { method, headers: { ...headers, 'content-type': 'application/json' }, ...body });
  }
});

describe('configuration', () => {
  let dataDir: string;
  const read = (env: { [name: string]: string }) =>
    readConfig({ TIDINGS_DATA_DIR: dataDir, ...env }, { catalogDir: 'examples/fintech' });

  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tidings-config-'));
  });
  afterAll(() => rmSync(dataDir, { recursive: true }));

  test('with nothing set: loopback, the embedded database, the sandbox, no keys', () => {
    expect(read({})).toMatchObject({
      host: 'localhost',
      port: 8000,
      databaseUrl: null,
      apiKeys: [],
      smtpUrl: null,
      providers: { internal: 'log' },
      watchCatalog: true,
      logLevel: 'info',
    });
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.0.0.1.example.com', 'localhost.example.com'])(
    'HOST=%s without a key refuses to start; with one it is taken',
    (HOST) => {
      expect(() => read({ HOST })).toThrow(ConfigError);
      expect(() => read({ HOST })).toThrow(/^HOST is .+set TIDINGS_API_KEYS/);
      expect(read({ HOST, TIDINGS_API_KEYS: KEYS.join(', ') })).toMatchObject({ host: HOST, apiKeys: KEYS });
    },
  );

  test.each(['localhost', '127.0.0.1', '127.0.0.53', '::1'])('HOST=%s needs no key', (HOST) => {
    expect(read({ HOST }).host).toBe(HOST);
  });

  const SECRET = 'hunter2-secret';
  test.each([
    ['TIDINGS_API_KEYS', SECRET, {}],
    ['PORT', 'eighty', {}],
    ['PORT', '65536', {}],
    ['PORT', '-1', {}],
    ['DATABASE_URL', `mysql://root:${SECRET}@localhost/tidings`, {}],
    ...['sec/', '12/', 'sec#', '12#', 'sec?', '12?', '%E0%A4'].map((before): [string, string, object] => [
      'DATABASE_URL',
      `postgres://user:${before}${SECRET}@127.0.0.1:5/db`,
      {},
    ]),
    ['DATABASE_URL', `postgres://user:${SECRET}@127.0.0.1:99999/db`, {}],
    ['DATABASE_URL', `postgres://user:${SECRET}@127.0.0.1/db?port=99999`, {}],
    ['DATABASE_URL', `postgres://user:${SECRET}@127.0.0.1/db?sslrootcert=/nowhere/ca.pem`, {}],
    ['SMTP_URL', `http://user:${SECRET}@mail.example.com`, {}],
    ['TIDINGS_ENCRYPTION_KEY', SECRET, {}],
    ['TIDINGS_PROVIDERS', 'email=pigeon', {}],
    ['TIDINGS_PROVIDERS', 'letter=sandbox', {}],
    ['TIDINGS_PROVIDERS', 'email', {}],
    ['TIDINGS_PROVIDERS', 'email=smtp', {}],
    ['TIDINGS_PROVIDERS', 'sms=smtp', { SMTP_URL: `smtp://user:${SECRET}@localhost:25` }],
    ['TIDINGS_LOG_LEVEL', 'loud', {}],
    ['TIDINGS_WATCH', 'perhaps', {}],
    ['TIDINGS_LEASE', 'long', {}],
    ['TIDINGS_POLL', '0s', {}],
  ])('a wrong %s (%s) is named, and no secret is repeated', (name, value, more) => {
    let message = '';
    try {
      read({ ...more, [name]: value });
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      message = (error as Error).message;
    }
    expect(message).toMatch(new RegExp(`^${name}\\b`));
    expect(message).not.toContain(SECRET);
  });

  test.each([
    'postgres://user:sec%2Fret@127.0.0.1:5/db',
    'postgresql://user:p@ss@host/db',
    'postgres://user:pass@[::1]:5432/db?sslmode=disable',
    'postgres://user:pass@/db?host=/run/postgresql',
    'postgres://host:5432/db?user=me@there',
    'postgres://%2Frun%2Fpostgresql/db',
    'postgres:///db',
  ])('DATABASE_URL=%s is taken as it is', (url) => {
    expect(read({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test.each([
    ['http://user:hunter2-secret@127.0.0.1:1', /^TIDINGS_URL holds a user or a password/],
    ['user:hunter2-secret@127.0.0.1', /^TIDINGS_URL does not make a URL/],
    ['http://hunter2-secret:x', /^TIDINGS_URL does not make a URL/],
    ['http://127.0.0.1:1/?key=hunter2-secret', /^no Tidings answers at http:\/\/127\.0\.0\.1:1;/],
  ])('TIDINGS_URL=%s is not repeated', async (TIDINGS_URL, sentence) => {
    const error = await (async () => connect({ TIDINGS_URL }).get('/'))().catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(sentence);
    expect((error as Error).message).not.toContain(SECRET);
  });

  test('an encryption key is made once, kept for its owner alone, and read again', () => {
    const first = read({}).encryptionKey;
    expect(first.length).toBe(32);
    expect(read({}).encryptionKey).toEqual(first);
    const file = join(dataDir, 'encryption.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const kept = readFileSync(file, 'utf8');
    writeFileSync(file, SECRET);
    expect(() => read({})).toThrow(ConfigError);
    expect(() => read({})).toThrow(/encryption\.key does not contain a key/);
    expect(() => read({})).not.toThrow(SECRET);
    writeFileSync(file, kept);
  });

  test('a configured encryption key is taken as it is', () => {
    const key = Buffer.alloc(32, 7);
    expect(read({ TIDINGS_ENCRYPTION_KEY: key.toString('base64') }).encryptionKey).toEqual(key);
  });

  test('another encryption key than that of the database refuses to start, without showing either', async () => {
    const { pool } = tidings.database;
    const [mine, other] = [1, 2].map((n) => Buffer.alloc(32, n)) as [Buffer, Buffer];
    await checkEncryptionKey(pool, new Seal(mine).keyId);
    await checkEncryptionKey(pool, new Seal(mine).keyId);
    const refused = checkEncryptionKey(pool, new Seal(other).keyId);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/TIDINGS_ENCRYPTION_KEY/);
    for (const key of [mine, other]) {
      await expect(refused).rejects.not.toThrow(key.toString('base64'));
    }
  });

  test('SMTP_URL makes e-mail go by SMTP; TIDINGS_PROVIDERS says otherwise', () => {
    const SMTP_URL = 'smtp://localhost:2525';
    expect(read({ SMTP_URL }).providers).toEqual({ internal: 'log', email: 'smtp' });
    expect(read({ SMTP_URL, TIDINGS_PROVIDERS: 'email=noop, internal=sandbox' }).providers).toEqual({
      internal: 'sandbox',
      email: 'noop',
    });
  });
});
