import { afterAll, beforeAll, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { type MailSink, mailSink, readMail } from './support/mailsink.ts';
import { useTenants } from './support/tenants.ts';

const BODY =
  '<p>{{tenant.name}} {{default tenant.branding.color "none"}} {{default user.time_zone "no zone"}} {{date "2025-07-01T22:30:00Z" "HH:mm" zone=user.time_zone}}</p>';
const FILES = new Map([
  ['events.yaml', 'events: { came: {} }\ntraits: { email: string, locale: string, time_zone: string }\n'],
  ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n'],
  ['rules.yaml', 'rules: { MAIL: { on: came } }\n'],
  ['templates/MAIL/email.en.subject.txt', 'Hello'],
  ['templates/MAIL/email.en.html', BODY],
  ['templates/MAIL/email.de.subject.txt', 'Hallo'],
  ['templates/MAIL/email.de.html', BODY],
]);
const SETTINGS = {
  locale: 'de-AT',
  zone: 'Europe/Berlin',
  mail_from: 'Acme <hi@acme.example>',
  branding: { color: 'blue' },
};

const api = useTenants(FILES);
let sink: MailSink;
beforeAll(async () => {
  sink = await mailSink(undefined, { keep: true });
  const provider = smtpProvider({ url: sink.url, from: 'Bank <bank@example.com>' });
  api.tidings.providers.set('email', provider);
  await api.tidings.worker();
  await api.create('acme', { name: 'Acme', settings: SETTINGS });
  await api.create('plain', { name: 'Plain' });
  return () => provider.close();
});
afterAll(() => sink.close());

/** Posts an event of a user of a tenant, and returns the mail that comes of it. */
async function receive(tenantId: string, user: string, traits: object = {}) {
  const event = {
    user_id: user,
    event_type: 'came',
    event_timestamp: new Date(api.tidings.clock.now).toISOString(),
    user_traits: { email: `${user}@example.com`, ...traits },
  };
  const [posted] = await api.tidings.pipeline.ingest(tenantId, [event]);
  if (posted?.status !== 'accepted') throw new Error(JSON.stringify(posted));
  const find = () => sink.mails.find(({ to }) => to === `${user}@example.com`);
  await expect.poll(find, { timeout: 20_000 }).toBeDefined();
  const { subject, from, html } = await readMail(find());
  return {
    subject,
    from: from?.text,
    envelope: find()?.from,
    html: String(html)
      .replace(/<[^>]*>/g, '')
      .trim(),
  };
}

test('the settings of a tenant apply to its messages: locale, zone, sender and envelope sender, name and branding', async () => {
  expect(await receive('acme', 'one')).toEqual({
    subject: 'Hallo',
    from: '"Acme" <hi@acme.example>',
    envelope: 'hi@acme.example',
    html: 'Acme blue Europe/Berlin 00:30',
  });
});

test('what a user has of its own comes first', async () => {
  const mail = await receive('acme', 'two', { locale: 'en', time_zone: 'Asia/Tokyo' });
  expect(mail).toMatchObject({ subject: 'Hello', html: 'Acme blue Asia/Tokyo 07:30' });
});

test('a tenant without settings has those of the installation', async () => {
  expect(await receive('plain', 'three')).toEqual({
    subject: 'Hello',
    from: '"Bank" <bank@example.com>',
    envelope: 'bank@example.com',
    html: 'Plain none no zone 22:30',
  });
});

test('a change is noticed within 10 seconds', async () => {
  await api.send('PATCH', '/api/v1/tenants/plain', { name: 'Renamed', settings: { locale: 'de' } });
  let asked = 0;
  await expect
    .poll(async () => (await receive('plain', `again ${++asked}`.replace(' ', '-'))).html, {
      timeout: 15_000,
      interval: 500,
    })
    .toContain('Renamed');
  expect(await receive('plain', 'last')).toMatchObject({ subject: 'Hallo' });
}, 40_000);

test('a test tenant has the name and settings of its live one, also after they change, and stays in the sandbox', async () => {
  const key = { name: 'test', scopes: ['events:write'], environment: 'test' };
  expect((await api.send('POST', '/api/v1/keys', key, 'acme')).status).toBe(201);
  await api.send('PATCH', '/api/v1/tenants/acme', { name: 'New Acme', settings: { branding: { color: 'red' } } });
  const event = {
    user_id: 'tester',
    event_type: 'came',
    event_timestamp: new Date(api.tidings.clock.now).toISOString(),
    user_traits: { email: 'tester@example.com' },
  };
  await api.tidings.pipeline.ingest('acme.test', [event]);
  const load = () => api.rows(`select notification_id as id, status from deliveries where tenant_id = 'acme.test'`);
  await expect.poll(async () => (await load())[0]?.status, { timeout: 20_000 }).toBe('sandboxed');
  expect(sink.recipients()).not.toContain('tester@example.com');
  const [{ id }] = await load();
  const path = `/api/v1/deliveries/${id}.email/message`;
  const { body } = await api.server.send('GET', path, undefined, api.headersOf('acme.test'));
  expect(JSON.stringify(body)).toContain('New Acme red Europe/Berlin');
});

test('a misspelled name of the tenant is a problem of the catalog', async () => {
  const files = new Map([...FILES, ['templates/MAIL/email.en.html', '<p>{{tenants.name}}</p>']]);
  await expect(api.tidings.apply(files)).rejects.toThrow('did you mean `tenant.name`');
});
