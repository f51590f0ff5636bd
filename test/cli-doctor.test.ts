import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { tidingsDirectly } from './support/program.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings doctor`: what is wrong with an installation, and what to do about it. */

const KEY = Buffer.alloc(32, 7).toString('base64');

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly check: string;
    readonly status: string;
    readonly detail: string;
    readonly advice?: string;
  }[];
}

let tidings: TestTidings;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-doctor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function examine(env: { readonly [name: string]: string } = {}) {
  const program = tidingsDirectly(['doctor', '--json'], {
    env: { TIDINGS_DATA_DIR: folder, TIDINGS_URL: server.url, PORT: '0', ...env },
  });
  const code = await program.ended;
  const report = JSON.parse(program.stdout) as Report;
  const find = (check: string) => report.checks.find((one) => one.check === check);
  return { code, report, find, output: program.output };
}

test('an installation in order has no failed check, and each part is named', async () => {
  const { code, report } = await examine({ DATABASE_URL: tidings.database.url });
  expect(report.checks.filter(({ status }) => status === 'fail' || status === 'skip')).toEqual([]);
  expect([code, report.ok]).toEqual([0, true]);
  const names = report.checks.map(({ check }) => check);
  for (const name of ['configuration', 'time zones', 'encryption key', 'access', 'disk', 'port', 'catalog', 'server']) {
    expect(names).toContain(name);
  }
  for (const name of [
    'database',
    'version',
    'sessions',
    'capacity',
    'clock',
    'schema',
    'roles',
    'tenants',
    'partitions',
    'active catalog',
    'workers',
  ]) {
    expect(names).toContain(name);
  }
});

test('without any database and server it warns, and creates nothing', async () => {
  const { code, find } = await examine({ TIDINGS_URL: '', TIDINGS_KAFKA_BROKERS: '127.0.0.1:9' });
  expect(find('Kafka')).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(
      /the consumer group is "tidings", the default; another installation .*TIDINGS_KAFKA_GROUP/,
    ),
  });
  expect(find('database')).toMatchObject({ status: 'warn', advice: expect.stringContaining('npm start') });
  expect(find('server')?.status).not.toBe('skip');
  expect(code).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});

test('a database that cannot be reached fails with advice, without its password, and the rest is still checked', async () => {
  const { code, find, output } = await examine({ DATABASE_URL: 'postgres://u:secret-word@127.0.0.1:9/tidings' });
  expect(code).toBe(1);
  expect(find('database')).toMatchObject({ status: 'fail', advice: expect.stringContaining('DATABASE_URL') });
  expect(find('catalog')?.detail).toContain('0 errors');
  expect(output).not.toContain('secret-word');
});

test('a server that was named and does not respond fails', async () => {
  const { code, find } = await examine({ TIDINGS_URL: 'http://127.0.0.1:9' });
  expect([code, find('server')?.status]).toEqual([1, 'fail']);
});

test('settings: an invalid one fails, an unknown one is named with the nearest', async () => {
  const invalid = await examine({ TIDINGS_POLL: 'often' });
  expect([invalid.code, invalid.find('configuration')]).toEqual([
    1,
    expect.objectContaining({ status: 'fail', detail: expect.stringContaining('TIDINGS_POLL') }),
  ]);
  expect(invalid.find('catalog')?.status).toBe('skip');
  const unknown = await examine({ TIDINGS_CATALOGUE: './x' });
  expect(unknown.find('configuration')).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('did you mean TIDINGS_CATALOG?'),
  });
});

test('an encryption key that others can read, or of another database, fails', async () => {
  await writeFile(join(folder, 'encryption.key'), KEY);
  await chmod(join(folder, 'encryption.key'), 0o644);
  expect((await examine()).find('encryption key')).toMatchObject({
    status: 'fail',
    advice: expect.stringContaining('chmod 600'),
  });
});

test('a port that another program uses fails', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const { find } = await examine({ PORT: String(port), HOST: '127.0.0.1' });
  other.close();
  expect(find('port')).toMatchObject({ status: 'fail', advice: expect.stringContaining('PORT') });
});

test('a catalog with errors fails, with the command that lists them', async () => {
  await writeFile(join(folder, 'rules.yaml'), 'rules: {');
  expect((await examine({ TIDINGS_CATALOG: folder })).find('catalog')).toMatchObject({
    status: 'fail',
    advice: expect.stringContaining('tidings check'),
  });
});

test('a database with an older schema, without a catalog or with a pause is found', async () => {
  await tidings.database.pool.query(
    `insert into metadata (name, value) values ('paused', '{"since":"2025-01-01T00:00:00Z"}')`,
  );
  const { find } = await examine({ DATABASE_URL: tidings.database.url });
  await tidings.database.pool.query(`delete from metadata where name = 'paused'`);
  expect(find('workers')).toMatchObject({ status: 'warn', advice: expect.stringContaining('tidings resume') });
});

test('without --json it prints a line for each check, without color where there is no terminal', async () => {
  const program = tidingsDirectly(['doctor'], {
    env: { TIDINGS_DATA_DIR: folder, TIDINGS_URL: server.url, PORT: '0' },
  });
  expect(await program.ended).toBe(0);
  expect(program.stdout).toMatch(/^ok {4}configuration +every setting is valid$/m);
  expect(program.stdout).toMatch(/^\d+ ok, \d+ warnings?, 0 failed$/m);
  expect(program.stdout).not.toContain('\u001b');
});

test('with the embedded database, row-level security holds; the same is found while Tidings is stopped', async () => {
  const running = tidingsDirectly(['api', '--json'], { env: { TIDINGS_DATA_DIR: folder, PORT: '0' } });
  const { url } = await running.ready(60_000);
  const found = { status: 'ok', detail: expect.stringContaining('row-level security holds') };
  const serving = await examine({ TIDINGS_URL: url ?? '' });
  expect([serving.find('server')?.status, serving.find('tenants')]).toEqual(['ok', expect.objectContaining(found)]);
  running.kill('SIGTERM');
  expect(await running.ended).toBe(0);
  expect((await examine()).find('tenants')).toMatchObject(found);
});

test('a provider of the environment is opened and asked; a mistake in its variables is named without a secret', async () => {
  const wrong = await examine({
    EMAIL_PROVIDER: 'ses',
    AWS_SES_REGION: 'virginia',
    AWS_SES_SECRET_ACCESS_KEY: 'hunter2',
  });
  expect(wrong.find('providers')).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(/which needs AWS_SES_ACCESS_KEY_ID/),
  });
  expect(wrong.output).not.toContain('hunter2');
  const asked = await examine({ SMTP_URL: 'smtp://user:hunter2@127.0.0.1:1' });
  expect(asked.find('providers')).toMatchObject({ status: 'ok', detail: 'email by SMTP' });
  expect(asked.find('provider smtp')?.status).toBe('warn');
  expect(asked.output).not.toContain('hunter2');
});

test('an account of a tenant that cannot be opened is named', async () => {
  const settings = { api_key: 'SG.key', from: 'a@example.com' };
  await server.post('/api/v1/provider-accounts', { account: 'main', provider: 'sendgrid', settings });
  const env = { DATABASE_URL: tidings.database.url, TIDINGS_ENCRYPTION_KEY: tidings.key };
  expect((await examine(env)).find('accounts')).toMatchObject({
    status: 'ok',
    detail: '1 account of tenants can be opened',
  });
  await tidings.database.pool.query(`update provider_accounts set provider = 'pigeon'`);
  expect((await examine(env)).find('accounts')).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(/^main of the tenant default: There is no provider "pigeon"/),
  });
  await tidings.database.pool.query('delete from provider_accounts');
});

test('a DKIM key that cannot be read is a failed check of its provider, and the senders are still looked up', async () => {
  const { find, output } = await examine({
    SMTP_URL: 'smtp://127.0.0.1:9',
    EMAIL_FROM_EMAIL: 'hello@bank.example',
    DKIM_DOMAIN: 'bank.example',
    DKIM_SELECTOR: 't1',
    DKIM_PRIVATE_KEY: 'no key at all',
  });
  expect(find('provider smtp')).toMatchObject({ status: 'fail', detail: expect.stringContaining('DKIM_PRIVATE_KEY') });
  expect(find('sender domain')).toMatchObject({ status: 'warn' });
  expect(find('public URL')).toMatchObject({ status: 'warn', detail: expect.stringContaining('TIDINGS_PUBLIC_URL') });
  expect(output).not.toContain('no key at all');
});
