import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { fcmSettings, grantToken, isFcmSend } from './support/stand-ins/fcm.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';

/** A whole process whose providers repeat every secret and address in their errors: none of them is shown anywhere. */

const SECRETS = {
  installationKey: 'SG.qz1-installation-key-marker',
  accountKey: 'SG.qz2-account-key-marker',
  twilioToken: 'qz3twiliotokenmarkerqz3twilio333',
  twilioPair: `AC${'0'.repeat(32)}:qz3twiliotokenmarkerqz3twilio333`,
  accessToken: 'ya29.qz4-access-token-marker',
  webhookSecret: `whsec_${Buffer.from('qz5-webhook-secret-marker-32byte').toString('base64')}`,
  webhookHeader: 'qz6-header-value-marker',
  deviceToken: 'cQz7device:APA91bMarkerQz7marker_marker-marker',
};
const ADDRESSES = {
  email: 'qz8.maria.marker@example.com',
  phone: '+351918273645',
  added: 'qz9.added.marker@example.com',
};
const MARKERS = { ...SECRETS, ...ADDRESSES };

const folder = mkdtempSync(join(tmpdir(), 'tidings-sweep-'));
let database: TestDatabase;
let standIn: StandIn;
let program: Program;
let env: { readonly [name: string]: string };
let url: string;

beforeAll(async () => {
  database = await testDatabase();
  standIn = await startStandIn((request) => {
    if (request.path.endsWith('/token') && !isFcmSend(request)) return grantToken(SECRETS.accessToken);
    // As a careless provider does: it repeats what it got, with the key, the address and the token.
    const echo = `${request.headers.authorization} ${decodeURIComponent(request.body.replaceAll('+', ' '))}`;
    const error = { code: 400, message: echo, more_info: echo, status: 'INVALID_ARGUMENT' };
    return { status: 400, body: { error, errors: [{ message: echo }], ...error } };
  });
  const catalog = join(folder, 'catalog');
  mkdirSync(join(catalog, 'templates', 'ALERT'), { recursive: true });
  writeFileSync(join(catalog, 'events.yaml'), 'events: { alerted: {} }');
  writeFileSync(
    join(catalog, 'notifications.yaml'),
    'notifications: { ALERT: { category: SYSTEM, channels: [email, sms, push, webhook, in_app] } }',
  );
  writeFileSync(join(catalog, 'rules.yaml'), 'rules: { ALERT: { on: alerted } }');
  for (const part of [
    'email.en.subject.txt',
    'email.en.html',
    'sms.en.txt',
    'push.en.txt',
    'in_app.en.txt',
    'webhook.en.txt',
  ]) {
    writeFileSync(join(catalog, 'templates', 'ALERT', part), 'Hello');
  }
  const fcm = fcmSettings(standIn.url);
  env = {
    TIDINGS_API_KEYS: ROOT_KEY,
    DATABASE_URL: database.url,
    TIDINGS_API_DATABASE_URL: database.apiUrl,
    TIDINGS_DATA_DIR: join(folder, 'data'),
    TIDINGS_CATALOG: catalog,
    TIDINGS_LOG_LEVEL: 'trace',
    TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    TIDINGS_PUBLIC_URL: 'https://tidings.example.com',
    EMAIL_PROVIDER: 'sendgrid',
    SENDGRID_API_KEY: SECRETS.installationKey,
    SENDGRID_BASE_URL: standIn.url,
    EMAIL_FROM_EMAIL: 'noreply@shop.example',
    SMS_PROVIDER: 'twilio',
    TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: SECRETS.twilioToken,
    TWILIO_FROM_NUMBER: '+15005550006',
    TWILIO_BASE_URL: standIn.url,
    PUSH_PROVIDER: 'fcm',
    FCM_PROJECT_ID: fcm.project_id as string,
    FCM_CLIENT_EMAIL: fcm.client_email as string,
    FCM_PRIVATE_KEY: fcm.private_key as string,
    FCM_TOKEN_URI: fcm.token_uri as string,
    FCM_BASE_URL: standIn.url,
  };
  program = tidingsDirectly(['start', '--json'], { env: { ...env, PORT: '0' } });
  url = (await program.ready()).url as string;
  const settings = { api_key: SECRETS.accountKey, from: 'a@acme.example' };
  await post('/api/v1/provider-accounts', { account: 'spare', provider: 'sendgrid', settings, enabled: false });
  const headers = { authorization: SECRETS.webhookHeader };
  const hook = { url: 'https://hooks.invalid/tidings', secret: SECRETS.webhookSecret, headers };
  await post('/api/v1/webhooks', { ...hook, notification_types: ['ALERT'] });
  await post('/api/v1/users/sam/devices', { platform: 'android', token: SECRETS.deviceToken });
  const event = { user_id: 'sam', event_type: 'alerted', event_timestamp: new Date().toISOString() };
  await post('/api/v1/events', { ...event, user_traits: { email: ADDRESSES.email, phone: ADDRESSES.phone } });
  // A user whose event says nothing of any address.
  await post('/api/v1/events', { ...event, user_id: 'ben' });
  await post('/api/v1/users/ben/addresses', { kind: 'email', address: ADDRESSES.added });
  await post('/api/v1/suppressions', { channel: 'email', address: ADDRESSES.added });
  // Each of these is a mistake that has a secret or an address in it.
  await fail('/api/v1/provider-accounts', {
    account: 'x',
    provider: 'sendgrid',
    settings: { api_key: [SECRETS.accountKey] },
  });
  await fail('/api/v1/provider-accounts', { account: 'x', provider: SECRETS.accountKey, settings: {} }, [
    SECRETS.accountKey,
  ]);
  await fail('/api/v1/webhooks', { ...hook, url: `https://user:${SECRETS.webhookHeader}@hooks.invalid/` });
  await fail('/api/v1/webhooks', { ...hook, headers: { 'bad name': SECRETS.webhookHeader } });
  await fail('/api/v1/users/sam/devices', { platform: 'android', token: [SECRETS.deviceToken] });
  await fail('/api/v1/users/sam/addresses', { kind: 'fax', address: ADDRESSES.added });
  for (let tries = 0; tries < 100 && (await countFailed()) < 3; tries++) await sleep(200);
  expect(await countFailed()).toBeGreaterThanOrEqual(3);
}, 90_000);

afterAll(async () => {
  program?.killGroup('SIGKILL');
  await program?.ended;
  await standIn?.stop();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

async function get(path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url + path, { headers: bearer(ROOT_KEY) });
  return { status: response.status, body: await response.text() };
}

/** Returns the number of deliveries that have failed: by email, SMS and push. */
async function countFailed(): Promise<number> {
  const { rows } = await database.pool.query(
    `select count(distinct channel)::int as count from attempts where channel in ('email', 'sms', 'push')`,
  );
  return rows[0].count;
}

async function send(path: string, body: object): Promise<{ status: number; body: string }> {
  const headers = bearer(ROOT_KEY, { 'content-type': 'application/json' });
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.text() };
}

async function post(path: string, body: object): Promise<void> {
  const answer = await send(path, body);
  expect([path, answer.status, answer.body]).toEqual([
    path,
    expect.toSatisfy((status) => status < 300),
    expect.any(String),
  ]);
}

/** Posts what is rejected, and checks that the problem has no marker but those that are no secret there. */
async function fail(path: string, body: object, allowed: readonly string[] = []): Promise<void> {
  const answer = await send(path, body);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expectNone(`POST ${path}`, answer.body, allowed);
}

/** Expects no marker in a text, also not in base64, in hexadecimal, or escaped for a URL. */
function expectNone(where: string, text: string, allowed: readonly string[] = []): void {
  const found = Object.entries(MARKERS).filter(
    ([, marker]) =>
      !allowed.includes(marker) &&
      [
        marker,
        encodeURIComponent(marker),
        Buffer.from(marker).toString('base64'),
        Buffer.from(marker).toString('hex'),
      ].some((form) => text.includes(form)),
  );
  expect([where, found.map(([name]) => name)]).toEqual([where, []]);
}

/** Paths whose purpose is to show an address to those who may see it; secrets are not among it. */
const REVEALS = /\/message$|\/users\?|\/suppressions/;

test('no response of the API shows one', async () => {
  const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
    paths: { [path: string]: { get?: object } };
  };
  const { body } = await get('/api/v1/deliveries');
  const ids = (JSON.parse(body).deliveries as { id: string }[]).map(({ id }) => id);
  const account = { user_id: 'sam', notification_type: 'ALERT', account: 'spare', tenant_id: 'default' } as const;
  const hook = JSON.parse((await get('/api/v1/webhooks')).body).endpoints?.[0]?.endpoint_id ?? 'none';
  const groups = JSON.parse((await get('/api/v1/dead-letters')).body).groups as { group: string }[];
  const asked: string[] = [];
  for (const path of Object.keys(paths).filter((one) => paths[one]?.get && !one.endsWith('/stream'))) {
    const places = path.includes('{id}') ? ids : path.includes('{group}') ? groups.map(({ group }) => group) : [''];
    for (const place of places) {
      const values: { [name: string]: string } = {
        ...account,
        id: place,
        group: place,
        endpoint_id: hook,
        issuer: 'none',
      };
      const full = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? 'none'));
      const answer = await get(full);
      expect(answer.status, full).toBeLessThan(500);
      if (answer.status === 200) asked.push(path);
      expectNone(full, answer.body, REVEALS.test(full) ? Object.values(ADDRESSES) : []);
    }
  }
  expect(ids.length).toBeGreaterThanOrEqual(5);
  expect(new Set(asked).size).toBeGreaterThan(25);
});

test('neither the console nor the metrics show one', async () => {
  for (const path of ['/', '/metrics', '/healthz/ready', '/healthz/live', '/api/v1/nowhere']) {
    expectNone(path, (await get(path)).body);
  }
});

test.each([
  ['accounts', 'list'],
  ['providers', 'check', 'spare'],
  ['providers', 'send-test', 'spare', '--to', 'someone@example.com'],
  ['devices', 'list', 'sam'],
  ['webhooks', 'list'],
  ['deliveries', 'list'],
  ['dead-letters', 'list'],
  ['queue'],
  ['audit'],
  ['doctor'],
  ['settings', 'show'],
])('tidings %s %s shows none', async (...args) => {
  for (const json of [[], ['--json']]) {
    const run = tidingsDirectly([...args, ...json], { env: { ...env, TIDINGS_URL: url, TIDINGS_API_KEY: ROOT_KEY } });
    await run.ended;
    expectNone(`tidings ${args.join(' ')}`, run.output);
  }
});

test('a dump has them sealed', async () => {
  const file = join(folder, 'all.dump');
  const run = tidingsDirectly(['dump', file], { env });
  expect([await run.ended, run.output]).toEqual([0, expect.any(String)]);
  expectNone('dump', readFileSync(file).toString('latin1'));
});

test('the providers got them, and the log at its lowest level does not have them', () => {
  const got = standIn.requests
    .map(({ headers, body, path }) => `${path} ${JSON.stringify(headers)} ${body}`)
    .join('\n');
  for (const marker of [
    SECRETS.installationKey,
    SECRETS.accessToken,
    SECRETS.deviceToken,
    ADDRESSES.email,
    encodeURIComponent(ADDRESSES.phone),
  ]) {
    expect(got).toContain(marker);
  }
  expect(program.output.length).toBeGreaterThan(1000);
  expectNone('log', program.output);
});
