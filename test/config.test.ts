import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';

const KEYS = ['first-key-of-the-tests', 'second-key-of-the-tests'];

describe('configuration', () => {
  let dataDir: string;

  const read = (env: { [name: string]: string }) =>
    readConfig({ TIDINGS_DATA_DIR: dataDir, ...env }, { catalogDir: 'examples/fintech' });

  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tidings-config-'));
  });

  afterAll(() => rmSync(dataDir, { recursive: true }));

  test('has defaults: loopback, the embedded database, the sandbox, no keys', () => {
    expect(read({})).toMatchObject({
      host: 'localhost',
      port: 8000,
      databaseUrl: null,
      apiKeys: [],
      providers: { internal: 'log' },
      watchCatalog: true,
      logLevel: 'info',
    });
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.0.0.1.example.com', 'localhost.example.com'])(
    'HOST=%s needs a key',
    (HOST) => {
      expect(() => read({ HOST })).toThrow(ConfigError);
      expect(() => read({ HOST })).toThrow(/^HOST is .+set TIDINGS_API_KEYS/);
      expect(read({ HOST, TIDINGS_API_KEYS: KEYS.join(', ') })).toMatchObject({ host: HOST, apiKeys: KEYS });
    },
  );

  test.each(['localhost', '127.0.0.1', '127.0.0.53', '::1'])('HOST=%s needs no key', (HOST) => {
    expect(read({ HOST }).host).toBe(HOST);
  });

  test('secrets of connectors are values, or files', () => {
    const file = join(dataDir, 'network.pem');
    writeFileSync(file, 'a certificate\n');
    const { connectors } = read({
      TIDINGS_TENANT: 'acme',
      TIDINGS_CONNECTOR_SERVERS: 'http://10.0.0.5:8080',
      TIDINGS_CONNECTOR_CARD_NETWORK_CERTIFICATE_FILE: file,
      TIDINGS_CONNECTOR_IMPORT_SHARED_KEY: 'a key',
    });
    expect(connectors.servers).toEqual(['http://10.0.0.5:8080']);
    expect(connectors.tenantId).toBe('acme');
    expect([...connectors.secrets].sort()).toEqual([
      ['TIDINGS_CONNECTOR_CARD_NETWORK_CERTIFICATE', 'a certificate'],
      ['TIDINGS_CONNECTOR_IMPORT_SHARED_KEY', 'a key'],
    ]);
  });

  const SECRET = 'hunter2-secret';

  test.each([
    ['TIDINGS_API_KEYS', SECRET, {}],
    ['TIDINGS_KEY_RATE', '0', {}],
    ['TIDINGS_ALLOWED_ORIGINS', 'shop.example.com', {}],
    ['TIDINGS_ALLOWED_ORIGINS', 'https://shop.example.com/path', {}],
    ['TIDINGS_TRUSTED_PROXIES', 'proxy.example.com', {}],
    ['TIDINGS_TRUSTED_PROXIES', '10.0.0.0/33', {}],
    ['TIDINGS_TRUSTED_PROXIES', '10.0.0.1, 0.0.0.0/0', {}],
    ['TIDINGS_CONNECTOR_SERVERS', 'http://10.0.0.5/path', {}],
    ['TIDINGS_CONNECTOR_CARDS_PASWORD', SECRET, {}],
    ['TIDINGS_CONNECTOR_PASSWORD', SECRET, {}],
    ['TIDINGS_CONNECTOR_CARDS_PASSWORD', SECRET, { TIDINGS_CONNECTOR_CARDS_PASSWORD_FILE: '/run/password' }],
    ['TIDINGS_CONNECTOR_CARDS_PASSWORD_FILE', '/no/such/file', {}],
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
    ['TIDINGS_ENCRYPTION_KEY', SECRET, {}],
    ['TIDINGS_PROVIDERS', 'email=pigeon', {}],
    ['TIDINGS_PROVIDERS', 'letter=sandbox', {}],
    ['TIDINGS_PROVIDERS', 'email', {}],
    ['TIDINGS_PROVIDERS', 'email=smtp', {}],
    ['TIDINGS_PROVIDERS', 'email=smpt', { SMTP_URL: `smtp://user:${SECRET}@localhost:25` }],
    ['EMAIL_PROVIDER', 'sess', {}],
    ['EMAIL_PROVIDER', 'smtp', {}],
    ['EMAIL_PROVIDER', 'ses', { TIDINGS_PROVIDERS: 'email=sendgrid' }],
    ['COURIER_AUTH_TOKEN', SECRET, { SMTP_URL: `smtp://user:${SECRET}@localhost:25` }],
    ['EMAIL_FROM_NAME', 'Marketplace', {}],
    ['EMAIL_FROM_EMAIL', 'a@example.com', { TIDINGS_MAIL_FROM: 'b@example.com' }],
    ['TIDINGS_LOG_LEVEL', 'loud', {}],
    ['TIDINGS_WATCH', 'perhaps', {}],
    ['TIDINGS_LEASE', 'long', {}],
    ['TIDINGS_POLL', '0s', {}],
  ])('names a wrong %s (%s), and repeats no secret', (name, value, more) => {
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
  ])('DATABASE_URL=%s is not changed', (url) => {
    expect(read({ DATABASE_URL: url }).databaseUrl).toBe(url);
  });

  test('generates an encryption key once, readable by its owner only', () => {
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

  test('uses a configured encryption key', () => {
    const key = Buffer.alloc(32, 7);
    expect(read({ TIDINGS_ENCRYPTION_KEY: key.toString('base64') }).encryptionKey).toEqual(key);
  });

  test('SMTP_URL selects SMTP for email, and TIDINGS_PROVIDERS overrides it', () => {
    const SMTP_URL = 'smtp://localhost:2525';
    expect(read({ SMTP_URL }).providers).toEqual({
      internal: 'log',
      in_app: 'inbox',
      email: 'smtp',
      webhook: 'webhook',
    });
    expect(read({ SMTP_URL, TIDINGS_PROVIDERS: 'email=noop, internal=sandbox' }).providers).toEqual({
      internal: 'sandbox',
      in_app: 'inbox',
      email: 'noop',
      webhook: 'webhook',
    });
  });
});
