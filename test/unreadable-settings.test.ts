import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** Settings of the right form with which no provider can be opened: the setting is named, and its value is not. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const SECRET = 'hunter2-secret';
const pemOf = (pair: { privateKey: { export(options: object): string | Buffer } }) =>
  String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const RSA = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const P256 = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const P384 = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
const FCM = { project_id: 'p', client_email: 'a@p.iam.gserviceaccount.com' };
const APNS = { key_id: 'ABC123DEFG', team_id: 'DEF123GHIJ', topic: 'com.example.app' };
const SENDGRID = { api_key: 'SG.key', from: 'a@example.com' };
const SES = {
  region: 'eu-west-1',
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'x',
  from: 'a@example.com',
};
const RSA_PUBLIC = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
  type: 'spki',
  format: 'der',
});
const ASCII = /must have printable characters of ASCII only, without blanks and line breaks/;
const SMTP = { url: 'smtp://mail.example.com', from: 'a@example.com' };

const create = (account: string, provider: string, settings: object) =>
  api.server.post('/api/v1/provider-accounts', { account, provider, settings });

test.each<[string, string, object, string, RegExp]>([
  ['no key', 'fcm', { ...FCM, private_key: SECRET }, '/settings/private_key', /^settings\.private_key cannot be read/],
  ['a cut key', 'fcm', { ...FCM, private_key: RSA.slice(0, 900) }, '/settings/private_key', /BEGIN PRIVATE KEY/],
  ['a key of another kind', 'fcm', { ...FCM, private_key: P256 }, '/settings/private_key', /kind ec: expected rsa/],
  ['no key', 'apns', { ...APNS, private_key: SECRET }, '/settings/private_key', /cannot be read/],
  ['a key of another kind', 'apns', { ...APNS, private_key: RSA }, '/settings/private_key', /kind rsa: expected ec/],
  ['another curve', 'apns', { ...APNS, private_key: P384 }, '/settings/private_key', /curve P-256/],
  [
    'a URL of the web',
    'smtp',
    { ...SMTP, url: `http://user:${SECRET}@mail.example.com` },
    '/settings/url',
    /^settings\.url cannot be parsed/,
  ],
  [
    'no key of DKIM',
    'smtp',
    { ...SMTP, dkim_domain: 'example.com', dkim_selector: 's1', dkim_private_key: SECRET },
    '/settings/dkim_private_key',
    /cannot be read/,
  ],
  [
    'a line break at the end of the key',
    'sendgrid',
    { ...SENDGRID, api_key: `${SECRET}\n` },
    '/settings/api_key',
    ASCII,
  ],
  ['a letter beyond ASCII', 'sendgrid', { ...SENDGRID, api_key: `${SECRET}é` }, '/settings/api_key', ASCII],
  ['a blank', 'ses', { ...SES, session_token: `${SECRET} x` }, '/settings/session_token', ASCII],
  ['a line break', 'ses', { ...SES, access_key_id: 'AKIAIOSFODNN7EXAMPLE\n' }, '/settings/access_key_id', /access key/],
  [
    'no public key',
    'sendgrid',
    { ...SENDGRID, verification_key: SECRET },
    '/settings/verification_key',
    /must be the public key/,
  ],
  [
    'a public key of another kind',
    'sendgrid',
    { ...SENDGRID, verification_key: RSA_PUBLIC.toString('base64') },
    '/settings/verification_key',
    /must be the public key/,
  ],
])('%s is rejected by %s, by the name of the setting alone', async (_what, provider, settings, pointer, message) => {
  const { status, body } = await create('wrong', provider, settings);
  expect([status, body.code, body.errors]).toEqual([
    422,
    'invalid_account',
    [{ pointer, message: expect.stringMatching(message) }],
  ]);
  expect(JSON.stringify(body)).not.toContain(SECRET);
  expect(JSON.stringify(body)).not.toContain(RSA.slice(40, 80));
});

test('literal line breaks and quotes in keys are read, as environment variables have them', async () => {
  const literal = (pem: string) => pem.replaceAll('\n', '\\n');
  const windows = (pem: string) => pem.replaceAll('\n', '\\r\\n');
  const keys = [literal(RSA), `"${literal(RSA)}"`, windows(RSA), RSA.replaceAll('\n', '\r\n'), `  ${RSA}  `];
  for (const [n, private_key] of keys.entries()) {
    expect((await create(`fcm_${n}`, 'fcm', { ...FCM, private_key })).status).toBe(201);
  }
  expect((await create('apns', 'apns', { ...APNS, private_key: literal(P256) })).status).toBe(201);
});

test.each<[string, object, string, string]>([
  [
    'a placeholder that does not exist',
    { body: { a: '{{nope}}' } },
    '/settings/body',
    'must not have {{nope}}: there is no such',
  ],
  ['no secret', { auth: 'bearer' }, '/settings/auth_secret', 'must be given, as auth needs it'],
  [
    'a name that no header has',
    { headers: { 'a b': SECRET } },
    '/settings/headers/a b',
    'this name must be the name of a header',
  ],
])('%s is said as what would be right', async (_what, more, pointer, message) => {
  const settings = { url: `https://api.example.com/${SECRET}`, body: {}, success: { path: 'id' }, ...more };
  const { status, body } = await api.server.post('/api/v1/provider-accounts', {
    account: 'wrong',
    provider: 'http',
    channels: ['email'],
    settings,
  });
  expect([status, body.errors]).toEqual([422, [{ pointer, message: expect.stringContaining(message) }]]);
  expect(JSON.stringify(body)).not.toContain(SECRET);
});
