import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { SENDGRID_ACCEPTS } from './support/stand-ins/sendgrid.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** `tidings accounts` and `tidings providers`. */

let tidings: TestTidings;
let server: TestServer;
let sendgrid: StandIn;
let folder: string;

beforeAll(async () => {
  tidings = await testTidings();
  sendgrid = await startStandIn(SENDGRID_ACCEPTS);
  server = await testServer(tidings, { exempt: (url) => url.hostname === '127.0.0.1' });
  folder = await mkdtemp(join(tmpdir(), 'tidings-accounts-'));
});

afterAll(async () => {
  await server.close();
  await sendgrid.stop();
  await tidings.close();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => runLikeProcess(args, { TIDINGS_URL: server.url, MY_KEY: 'SG.from-the-environment' });

test('an account is created with a secret of the environment, tried, changed, listed and deleted', async () => {
  const set = ['--set', 'from=Acme <a@acme.example>', '--set', `base_url=${sendgrid.url}`];
  const created = await run(
    'accounts',
    'create',
    'main',
    '--provider',
    'sendgrid',
    ...set,
    '--secret-env',
    'api_key=MY_KEY',
  );
  expect([created.code, created.stdout.trim()]).toEqual([
    0,
    'main  sendgrid  email  place 1  enabled  secrets set: api_key',
  ]);
  const sent = await run('providers', 'send-test', 'main', '--to', 'maria@example.com');
  expect([sent.code, sent.stdout]).toEqual([0, expect.stringMatching(/sendgrid accepted the message as 14c5/)]);
  expect(sendgrid.requests.at(-1)?.headers.authorization).toBe('Bearer SG.from-the-environment');
  const file = join(folder, 'key.txt');
  await writeFile(file, 'SG.from-a-file\n');
  const changed = await run(
    'accounts',
    'update',
    'main',
    '--secret-file',
    `api_key=${file}`,
    '--disable',
    '--place',
    '4',
  );
  expect(changed.stdout.trim()).toBe('main  sendgrid  email  place 4  disabled  secrets set: api_key');
  await run('providers', 'send-test', 'main', '--to', 'maria@example.com');
  expect(sendgrid.requests.at(-1)?.headers.authorization).toBe('Bearer SG.from-a-file');
  expect((await run('accounts', 'list')).stdout.trim()).toBe(changed.stdout.trim());
  expect((await run('accounts', 'delete', 'main')).code).toBe(2);
  expect((await run('accounts', 'delete', 'main', '--yes')).code).toBe(0);
  expect((await run('accounts', 'list')).stdout).toMatch(/^no accounts/);
});

test('a settings file gives everything, and its mistakes are named without its text', async () => {
  const file = join(folder, 'settings.json');
  await writeFile(file, JSON.stringify({ url: 'smtp://127.0.0.1:1', from: 'a@acme.example', pool: 2 }));
  const created = await run('accounts', 'create', 'mail', '--provider', 'smtp', '--settings', file, '--json');
  expect(JSON.parse(created.stdout)).toMatchObject({ settings: { from: 'a@acme.example', pool: 2 }, secrets: ['url'] });
  const checked = await run('providers', 'check', 'mail');
  expect([checked.code, checked.stdout]).toEqual([1, expect.stringMatching(/^mail: /)]);
  const numbered = await run('accounts', 'update', 'mail', '--set', 'pool=3', '--json');
  expect(JSON.parse(numbered.stdout).settings.pool).toBe(3);
  await writeFile(file, '{ "url": "smtp://user:hunter2@');
  const broken = await run('accounts', 'create', 'other', '--provider', 'smtp', '--settings', file);
  expect([broken.code, broken.output]).toEqual([1, expect.stringMatching(/there is no JSON object in it/)]);
  expect(broken.output).not.toContain('hunter2');
});

test('a secret in an option is rejected, and a mistake of the caller is reported', async () => {
  const secret = await run('accounts', 'create', 'x', '--provider', 'sendgrid', '--set', 'api_key=SG.open');
  expect([secret.code, secret.output]).toEqual([1, expect.stringMatching(/api_key is a secret.*--secret-env/)]);
  const wrong = await run('accounts', 'create', 'x', '--provider', 'sendgird');
  expect([wrong.code, wrong.output]).toEqual([1, expect.stringMatching(/did you mean sendgrid\?/)]);
  expect((await run('accounts', 'create', 'x', '--provider', 'ses', '--set', 'region')).code).toBe(2);
  expect((await run('providers', 'send-test', 'x', '--to', '???')).output).toMatch(/--to is no address/);
});

test('a test message to a chat needs no address: the account has its own; any other needs one', async () => {
  const file = join(folder, 'chat.json');
  await writeFile(
    file,
    JSON.stringify({
      url: `${sendgrid.url}/hook`,
      body: { text: '{{text}}' },
      success: { status: [202], header: 'x-message-id' },
    }),
  );
  const created = await run(
    'accounts',
    'create',
    'ops',
    '--provider',
    'http',
    '--channels',
    'chat',
    '--settings',
    file,
  );
  expect(created).toMatchObject({ code: 0 });
  const before = sendgrid.requests.length;
  expect(await run('providers', 'send-test', 'ops')).toMatchObject({ code: 0 });
  expect(sendgrid.requests.slice(before).map(({ path }) => path)).toEqual(['/hook']);
  const mail = await run('providers', 'send-test', 'mail');
  expect([mail.code, mail.output]).toEqual([2, expect.stringContaining('write --to-file FILE')]);
});

test('providers are listed with their settings', async () => {
  const { stdout } = await run('providers', 'list');
  expect(stdout).toMatch(
    /^ses {2}Amazon SES {2}email {2}region \(required\), .*secret_access_key \(required, secret\)/m,
  );
});
