import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidingsDirectly } from './support/program.ts';

/** The URLs of receipts in a running process: which account each is of, and whose signature it takes. */

const folder = mkdtempSync(join(tmpdir(), 'tidings-receipts-'));
const keys = { installation: newKey(), main: newKey(), hooli: newKey() };
let database: TestDatabase;
let program: Program;
let url: string;

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, text: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') };
}

beforeAll(async () => {
  database = await testDatabase();
  program = tidingsDirectly(['start', '--json'], {
    env: {
      PORT: '0',
      TIDINGS_PUBLIC_URL: 'https://tidings.shop.example',
      TIDINGS_API_KEYS: ROOT_KEY,
      DATABASE_URL: database.url,
      TIDINGS_API_DATABASE_URL: database.apiUrl,
      TIDINGS_DATA_DIR: folder,
      TIDINGS_CATALOG: join(import.meta.dirname, '..', 'examples', 'fintech'),
      TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      EMAIL_PROVIDER: 'sendgrid',
      SENDGRID_API_KEY: 'SG.key',
      SENDGRID_VERIFICATION_KEY: keys.installation.text,
      EMAIL_FROM_EMAIL: 'noreply@shop.example',
    },
  });
  url = (await program.ready()).url as string;
  expect(await post('/api/v1/tenants', { tenant_id: 'hooli', name: 'Hooli' }, bearer(ROOT_KEY))).toBe(201);
  await saveAccount('main', keys.main.text, {});
  await saveAccount('main', keys.hooli.text, { 'x-tidings-tenant': 'hooli' });
});

afterAll(async () => {
  program.killGroup('SIGKILL');
  await program.ended;
  await database.drop();
  rmSync(folder, { recursive: true });
});

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return response.status;
}

async function saveAccount(account: string, verification_key: string, headers: Record<string, string>) {
  const settings = { api_key: 'SG.key', from: 'a@acme.example', verification_key };
  expect(
    await post('/api/v1/provider-accounts', { account, provider: 'sendgrid', settings }, bearer(ROOT_KEY, headers)),
  ).toBe(201);
}

/** Posts an event of SendGrid, signed with a key. */
function report(path: string, key: KeyObject): Promise<number> {
  const events = [{ event: 'delivered', sg_event_id: 'e1', sg_message_id: 'm1', timestamp: 1_763_640_000 }];
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = sign('sha256', Buffer.from(timestamp + JSON.stringify(events)), key).toString('base64');
  return post(`/api/v1/receipts/${path}`, events, {
    'x-twilio-email-event-webhook-signature': signature,
    'x-twilio-email-event-webhook-timestamp': timestamp,
  });
}

test.each([
  ['sendgrid', 'installation'],
  ['sendgrid/main', 'main'],
  ['sendgrid/hooli.main', 'hooli'],
] as const)('receipts under %s are taken with the signature of its account, and with no other', async (path, owner) => {
  const answers = Object.entries(keys).map(async ([name, { privateKey }]) => [name, await report(path, privateKey)]);
  const expected = Object.keys(keys).map((name) => [name, name === owner ? 204 : 401]);
  expect(await Promise.all(answers)).toEqual(expected);
});

test('an account that was disabled still gets the receipts of what it has sent', async () => {
  await saveAccount('old', keys.main.text, {});
  const response = await fetch(`${url}/api/v1/provider-accounts/old`, {
    method: 'PATCH',
    headers: bearer(ROOT_KEY, { 'content-type': 'application/json' }),
    body: JSON.stringify({ enabled: false }),
  });
  expect(response.status).toBe(200);
  expect(await report('sendgrid/old', keys.main.privateKey)).toBe(204);
});

test('receipts of an account that cannot be opened are to be sent again', async () => {
  await saveAccount('lost', keys.main.text, {});
  await database.pool.query(`update provider_accounts set settings = '{"from": 5}' where account = 'lost'`);
  expect(await report('sendgrid/lost', keys.main.privateKey)).toBe(503);
  await database.pool.query(
    `update provider_accounts set settings = '{"from": "a@b.c"}', sealed = 'x' where account = 'lost'`,
  );
  expect(await report('sendgrid/lost', keys.main.privateKey)).toBe(503);
});

test.each(['ses', 'twilio/main', 'sendgrid/other', 'sendgrid/unknown.main', 'nobody', 'sendgrid/a.b.c'])(
  'there is no account under %s',
  async (path) => {
    expect(await report(path, keys.main.privateKey)).toBe(404);
  },
);
