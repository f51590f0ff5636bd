import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { listTexts, sampleAccounts, withSetting } from './support/account-settings.ts';
import { type TestApi, testApi } from './support/api.ts';

/** Connections that a tenant can aim: every setting of every provider that takes a URL, and what is saved of it. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

/** URLs that are shown to others, and that nothing here connects to. */
const NOT_CONNECTED = new Set(['web_push.subject']);

const HOSTS = [
  '127.0.0.1',
  '10.0.0.1',
  '169.254.169.254',
  '168.63.129.16',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[fd00:ec2::254]',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '127.1',
  '%31%32%37.0.0.1',
  'localhost',
  'postgres',
  'metadata.google.internal',
];
/** Texts that are no URLs: a setting that takes one of them is of another kind. */
const PLAIN = ['some text', 'some.text', 'AKIAIOSFODNN7EXAMPLE'];
const SCHEMES = ['https', 'http', 'smtp', 'smtps'];

interface Aim {
  readonly name: string;
  readonly provider: string;
  readonly channels: readonly string[];
  readonly path: readonly string[];
  readonly schemes: readonly string[];
  readonly write: (url: string) => object;
}

/** Returns each setting of each provider that is a URL: it takes one and not any text, or its name says so. */
async function listAims(): Promise<Aim[]> {
  return (await sampleAccounts()).flatMap(({ definition, settings }) => {
    const { name: provider, channels, settings: schema } = definition;
    const takes = (path: readonly string[], text: string) =>
      schema.safeParse(withSetting(settings, path, text)).success;
    return listTexts(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })).flatMap((path) => {
      const name = `${provider}.${path.join('.')}`;
      const isMail = provider === 'smtp';
      const schemes = SCHEMES.filter((one) => takes(path, `${one}://10.0.0.1`) && one.startsWith('smtp') === isMail);
      const isUrl = !PLAIN.some((text) => takes(path, text)) || /ur[il]|host|server|endpoint/i.test(path.at(-1) ?? '');
      if (schemes.length === 0 || !isUrl || NOT_CONNECTED.has(name)) return [];
      return [{ name, provider, channels, path, schemes, write: (url: string) => withSetting(settings, path, url) }];
    });
  });
}

test('a tenant cannot save an account that is aimed at this machine or a private network, in any setting and spelling', async () => {
  const aims = await listAims();
  expect(aims.map(({ name }) => name)).toEqual([
    'apns.base_url',
    'apns.sandbox_url',
    'courier.base_url',
    'fcm.token_uri',
    'fcm.base_url',
    'http.url',
    'http.chat_url',
    'http.check.url',
    'sendgrid.base_url',
    'ses.base_url',
    'smtp.url',
    'sns.base_url',
    'twilio.base_url',
  ]);
  for (const { name, provider, channels, path, schemes, write } of aims) {
    for (const [index, scheme] of schemes.entries()) {
      for (const host of index === 0 ? HOSTS : HOSTS.slice(0, 2)) {
        const settings = write(`${scheme}://${host}:8443`);
        const body = { account: 'aimed', provider, channels: channels.slice(0, 1), settings };
        const answer = await api.server.post('/api/v1/provider-accounts', body);
        const what = `${name} ${scheme}://${host}`;
        expect([what, answer.status, answer.body.code]).toEqual([what, 422, 'invalid_account']);
        expect([what, answer.body.errors[0].pointer]).toEqual([what, `/settings/${path.join('/')}`]);
      }
    }
  }
  expect((await api.server.get('/api/v1/provider-accounts')).body.accounts).toEqual([]);
});

test('a server on the public internet is accepted', async () => {
  for (const { provider, channels, path, write, schemes } of await listAims()) {
    const settings = write(`${schemes[0]}://server.example.com:8443`);
    const account = `${provider}-${path.join('-').replaceAll('_', '-')}`;
    const body = { account, provider, channels: channels.slice(0, 1), settings };
    const { status } = await api.server.post('/api/v1/provider-accounts', body);
    expect([account, status]).toEqual([account, 201]);
  }
});

test('an account cannot be changed to a private address either', async () => {
  const settings = { url: 'smtp://mail.example.com:587', from: 'Acme <hello@acme.example>' };
  await api.server.post('/api/v1/provider-accounts', { account: 'changed', provider: 'smtp', settings });
  const patch = { settings: { url: 'smtp://u:p4ss-word@10.0.0.1:25' } };
  const { status, body } = await api.server.send('PATCH', '/api/v1/provider-accounts/changed', patch);
  expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid_account', '/settings/url']);
  expect(JSON.stringify(body)).not.toMatch(/p4ss-word|10\.0\.0\.1/);
});
