import { afterAll, beforeAll, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { type MailSink, mailSink, readMail } from './support/mailsink.ts';
import { useTenants } from './support/tenants.ts';

/** Settings of a tenant that reach its templates: variables, the place of its files, and fallbacks of locales. */

const BODY =
  '<p>{{app_name}} {{frontend_url}} {{support_email}} {{motto}} {{user_name}}</p><img src="{{asset "logo.png"}}">';
const files = new Map([
  ['events.yaml', 'events: { came: {} }\ntraits: { email: string, locale: string, first_name: string }\n'],
  [
    'notifications.yaml',
    'variables: { motto: { default: Always } }\nnotifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n',
  ],
  ['rules.yaml', 'rules: { MAIL: { on: came } }\n'],
]);
for (const [locale, subject] of Object.entries({ en: 'Hello', es: 'Hola', 'pt-BR': 'Oi' })) {
  files.set(`templates/MAIL/email.${locale}.subject.txt`, subject);
  files.set(`templates/MAIL/email.${locale}.html`, BODY);
}

const api = useTenants(files);
let sink: MailSink;
beforeAll(async () => {
  sink = await mailSink(undefined, { keep: true });
  const provider = smtpProvider({ url: sink.url, from: 'Bank <bank@example.com>' });
  api.tidings.providers.set('email', provider);
  await api.tidings.worker();
  await api.create('acme', {
    name: 'Acme Ltd',
    settings: {
      variables: { frontend_url: 'https://acme.example', support_email: 'help@acme.example', motto: 'Never' },
      asset_base_url: 'https://static.acme.example/mail',
      locale_fallbacks: { gl: ['pt', 'es'], pt: ['pt-BR'] },
    },
  });
  await api.create('other', {
    name: 'Other',
    settings: { variables: { app_name: 'App' }, asset_base_url: 'https://o.example' },
  });
  return () => provider.close();
});
afterAll(() => sink.close());

async function receive(tenantId: string, user: string, locale: string) {
  const event = {
    user_id: user,
    event_type: 'came',
    event_timestamp: new Date(api.tidings.clock.now).toISOString(),
    user_traits: { email: `${user}@example.com`, locale, first_name: 'Ana' },
  };
  const [posted] = await api.tidings.pipeline.ingest(tenantId, [event]);
  if (posted?.status !== 'accepted') throw new Error(JSON.stringify(posted));
  const find = () => sink.mails.find(({ to }) => to === `${user}@example.com`);
  await expect.poll(find, { timeout: 20_000 }).toBeDefined();
  const { subject, html } = await readMail(find());
  return { subject, html: String(html).trim() };
}

test.each([
  ['gl', 'Hola'],
  ['gl-ES', 'Hola'],
  ['pt-PT', 'Oi'],
  ['es-MX', 'Hola'],
  ['de', 'Hello'],
])('a user with the locale %s gets %s, by the fallbacks of the tenant', async (locale, subject) => {
  expect((await receive('acme', `in-${locale}`, locale)).subject).toBe(subject);
});

test('a tenant has its own variables and files; another one has others', async () => {
  expect((await receive('acme', 'one', 'en')).html).toBe(
    '<p>Acme Ltd https://acme.example help@acme.example Never Ana</p><img src="https://static.acme.example/mail/logo.png">',
  );
  expect((await receive('other', 'two', 'gl')).html).toBe(
    '<p>App   Always Ana</p><img src="https://o.example/logo.png">',
  );
});

test.each([
  [{ asset_base_url: 'http://x.example' }, 'write the URL of a folder'],
  [{ asset_base_url: 'https://x.example/?a=1' }, 'write the URL of a folder'],
  [{ locale_fallbacks: { pt_BR: ['pt'] } }, 'locale_fallbacks'],
  [{ locale_fallbacks: { gl: [] } }, 'locale_fallbacks'],
  [{ variables: 'x' }, 'variables'],
])('the setting %j is rejected', async (settings, sentence) => {
  const failed = await api.create('bad', { name: 'Bad', settings }).catch((error: unknown) => error);
  expect(JSON.stringify(failed instanceof Error ? failed.message : failed)).toContain(sentence);
});
