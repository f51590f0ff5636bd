import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listProviderNames, loadProvider } from '../src/channels/registry.ts';
import { runLikeProcess } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { codeBlocks, commandsOf } from './support/markdown.ts';
import { fakeProvider } from './support/providers.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** docs/troubleshooting.md: each of its commands works on an installation that has the trouble. */

const text = await readFile(new URL('../docs/troubleshooting.md', import.meta.url), 'utf8');
const commands = codeBlocks(text)
  .filter(({ language }) => language === 'bash')
  .flatMap(commandsOf);
const run = promisify(execFile);

let tidings: TestTidings;
let server: TestServer;
let endpoint: StandIn;
/** Values of the variables of the page. */
const values: { [name: string]: string } = { USER_ID: 'maria', TYPE: 'INSUFFICIENT_FUNDS_EMAIL' };

beforeAll(async () => {
  endpoint = await startStandIn({ status: 503 });
  tidings = await testTidings({
    email: fakeProvider(() => ({ kind: 'rejected', code: '554', reason: 'spam' }), { name: 'smtp' }),
  });
  server = await testServer(tidings, { exempt: ({ hostname }) => hostname === '127.0.0.1' });
  await tidings.worker();
  const event = {
    user_id: 'maria',
    event_type: 'payment_failed',
    event_timestamp: '2025-11-20T11:59:00Z',
    properties: { amount: 1425, attempt_number: 2, failure_reason: 'INSUFFICIENT_FUNDS' },
    user_traits: { email: 'maria@example.com' },
  };
  await tidings.ingest([event]);
  const group = 'message:email:smtp::rejected:554';
  await vi.waitFor(
    async () => expect((await server.get('/api/v1/dead-letters')).body.groups).toMatchObject([{ group }]),
    { timeout: 20_000, interval: 100 },
  );
  values.GROUP = group;
  const settings = { from: 'Acme <a@acme.example>', api_key: 'SG.key', base_url: endpoint.url };
  const account = { account: 'main', provider: 'sendgrid', channels: ['email'], settings };
  expect((await server.post('/api/v1/provider-accounts', account)).status).toBe(201);
  await server.post('/api/v1/users/maria/devices', {
    platform: 'android',
    token: 'fGx2APA91bHun4MxP5egoKMwt2KZFBaFUH',
  });
  const made = await server.post('/api/v1/webhooks', { url: `${endpoint.url}/hook` });
  values.ENDPOINT_ID = made.body.endpoint_id;
  tidings.clock.now += 60_000;
  tidings.jobs();
});

afterAll(async () => {
  await server?.close();
  await tidings?.close();
  await endpoint?.stop();
});

const fill = (line: string) =>
  line.replaceAll(/\$([A-Z_]+)/g, (_, name: string) => values[name] ?? `no value of ${name}`);

test('the page has sections on bounces, SMS, push and webhooks, each with commands', () => {
  for (const heading of ['Emails bounce', 'SMS fail', 'Push messages fail', 'Webhooks time out']) {
    const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
    expect(section, heading).toContain('```bash');
    expect(section, heading).toMatch(/\*\*Symptom\.\*\*[\s\S]*\*\*See it\.\*\*[\s\S]*\| cause \| fix \|/);
  }
});

test.each(commands.filter(({ text: line }) => line.startsWith('curl ')))(
  'line $line: $text',
  async ({ text: line }) => {
    const command = fill(line).replace('http://localhost:8000', server.url);
    const silent = command.replace(/^curl/, "curl --silent --output /dev/null --write-out '%{http_code}'");
    expect((await run('bash', ['-c', silent])).stdout).toBe('200');
  },
);

test.each(commands.filter(({ text: line }) => line.startsWith('npx tidings ')))(
  'line $line: $text',
  { timeout: 60_000 },
  async ({ text: line }) => {
    const args = fill(line).replaceAll('"', '').split(/\s+/).slice(2);
    const env = { TIDINGS_URL: server.url, DATABASE_URL: tidings.database.url };
    const { code, stdout, output } = await runLikeProcess(args, env);
    // Doctor and the check of an account say by 1 that they found something.
    const mayFind = args[0] === 'doctor' || args[0] === 'providers';
    expect(mayFind ? [0, 1] : [0], output).toContain(code);
    expect(stdout.trim()).not.toBe('');
    expect(output).not.toMatch(/unknown command|unknown option|error: /);
  },
);

test('every code that the page names is one of a provider, or of our own', async () => {
  const definitions = await Promise.all(listProviderNames().map(loadProvider));
  const known = new Set(definitions.flatMap((one) => one?.codes.map(({ code }) => code) ?? []));
  const causes = text.split('\n').filter((line) => /^\| .*\(.*`/.test(line));
  const named = causes.flatMap((line) =>
    [...line.matchAll(/`(\d{5}|[A-Z][A-Za-z_]{6,})`/g)].map(([, code = '']) => code),
  );
  expect(named.length).toBeGreaterThan(10);
  const settings = /^(TIDINGS_|Retry)/;
  expect(named.filter((code) => !known.has(code) && !settings.test(code))).toEqual([]);
});
