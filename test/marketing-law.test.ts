import { afterEach, describe, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { lintCatalog } from '../src/catalog/lint/lint-catalog.ts';
import { parseCatalogFiles } from '../src/catalog/parse/parse-catalog-files.ts';
import { lateLinks } from '../src/delivery/message-links.ts';
import type { Channel } from '../src/model/delivery.ts';
import { type TestApi, testApi } from './support/api.ts';
import { lintFiles } from './support/catalog.ts';
import { useDeliveries } from './support/deliveries.ts';
import { fakeProvider } from './support/providers.ts';
import { templateApi } from './support/stored-templates.ts';

/** No marketing email goes out without a postal address of its sender: the checker, the activation and the claim see to it. */

const NOTIFICATIONS = 'notifications:\n  PROMO: { category: MARKETING, channels: [email] }\n';
const OWN = 'By {{legal_name}}, {{postal_address}}: {{unsubscribe_url}}';
const DEFAULT = 'variables: { postal_address: { default: "1 Main Street" } }\n';

const filesWith = (notifications: string, text: string): { readonly [file: string]: string } => ({
  'events.yaml': 'events: { promo: {} }',
  'notifications.yaml': notifications,
  'rules.yaml': 'rules: { PROMO: { on: promo } }',
  'templates/PROMO/email.en.subject.txt': 'Hello',
  'templates/PROMO/email.en.txt': text,
});

describe('tidings check', () => {
  const problemsOf = async (notifications: string, text: string) => {
    const { data, problems } = await lintFiles(new Map(Object.entries(filesWith(notifications, text))));
    return { isValid: data !== undefined, problems };
  };

  test('rejects an email that shows no postal address where the catalog has no address for the footer', async () => {
    const { isValid, problems } = await problemsOf(NOTIFICATIONS, 'By {{legal_name}}: {{unsubscribe_url}}');
    expect(isValid).toBe(false);
    expect(problems).toEqual([
      {
        file: 'notifications.yaml',
        line: 2,
        column: expect.any(Number),
        severity: 'error',
        code: 'no_postal_address',
        message: 'an email of PROMO is marketing, and there is no postal address of its sender to show',
        hint: expect.stringContaining('postal_address: { default:'),
      },
    ]);
  });

  test.each([
    ['shows all of it, which the tenant has', NOTIFICATIONS, OWN, []],
    ['leaves it to the footer, with the address of the catalog', DEFAULT + NOTIFICATIONS, 'Hello', ['footer_added']],
    ['shows all of it, with the address of the catalog', DEFAULT + NOTIFICATIONS, OWN, []],
    ['is no marketing', NOTIFICATIONS.replace('MARKETING', 'TRANSACTIONAL'), 'Hello', []],
    ['is no email', NOTIFICATIONS.replace('email', 'internal'), 'Hello', undefined],
  ])('accepts an email that %s', async (_what, notifications, text, codes) => {
    const { isValid, problems } = await problemsOf(notifications, text);
    if (codes === undefined) return expect(problems.map(({ code }) => code)).not.toContain('no_postal_address');
    expect([isValid, problems.map(({ code }) => code)]).toEqual([true, codes]);
  });

  test('a blank address does not count', async () => {
    const { isValid } = await problemsOf(DEFAULT.replace('1 Main Street', ' ') + NOTIFICATIONS, 'Hello');
    expect(isValid).toBe(false);
  });
});

describe('an activation', () => {
  let api: TestApi | undefined;
  afterEach(async () => {
    await api?.close();
    api = undefined;
  });

  test('is rejected for a tenant without an address, and accepted with that of its settings', async () => {
    api = await testApi();
    const { server } = api;
    const apply = (text: string) => server.post('/api/v1/catalog', { files: filesWith(NOTIFICATIONS, text) });
    for (const text of [OWN, 'Hello']) {
      const { status, body } = await apply(text);
      expect([status, body.code]).toEqual([422, 'invalid_catalog']);
      expect(body.errors).toMatchObject([{ code: 'no_postal_address', file: 'notifications.yaml', line: 2 }]);
    }
    await server.send('PATCH', '/api/v1/tenant', { settings: { postal_address: '1 Main Street' } });
    for (const text of [OWN, 'Hello']) expect((await apply(text)).status).toBe(200);
    await server.send('PATCH', '/api/v1/tenant', {
      settings: { postal_address: null, variables: { postal_address: 'x' } },
    });
    expect((await apply(`${OWN}!`)).status).toBe(200);
  });

  test('of a template of the API is rejected as well', async () => {
    const templates = await templateApi(filesWith(NOTIFICATIONS, OWN));
    try {
      await templates.setSource('api');
      const made = await templates.post('', {
        name: 'PROMO',
        type: 'PROMO',
        channel: 'email',
        parts: { subject: 'Hello', text: 'Hello' },
      });
      const rejected = await templates.post('/PROMO/activate');
      expect([rejected.status, rejected.body.code]).toEqual([422, 'invalid_template']);
      expect(rejected.body.errors[0]).toMatchObject({ message: expect.stringContaining('no postal address') });
      await templates.server.send('PATCH', '/api/v1/tenant', { settings: { postal_address: '1 Main Street' } });
      expect((await templates.post(`/${made.body.template_id}/activate`)).status).toBe(200);
    } finally {
      await templates.close();
    }
  });
});

describe('a claim', () => {
  const start = useDeliveries();

  test('sends no such email until there is an address, and then sends it', async () => {
    const email = fakeProvider(undefined, { name: 'smtp' });
    const tidings = await start({ email });
    await tidings.apply(new Map(Object.entries(filesWith(NOTIFICATIONS, OWN))));
    await tidings.worker();
    const [result] = await tidings.ingest([
      {
        user_id: 'u1',
        event_type: 'promo',
        event_timestamp: new Date(tidings.clock.now).toISOString(),
        user_traits: { email: 'maria@example.com' },
      },
    ]);
    const id = `${result?.decisions[0]?.notification_id}.email`;
    await tidings.becomes(id, 'queued', 1);
    const [attempt] = await tidings.attempts(id);
    expect(attempt).toMatchObject({ outcome: 'misconfigured', code: 'postal_address_missing' });
    expect(email.calls).toHaveLength(0);
    await tidings.database.pool.query('update tenants set settings = $1', [{ postal_address: '1 Main Street' }]);
    // Settings are read again after 10 seconds, and the retry is due by then.
    await expect
      .poll(
        async () => {
          tidings.clock.now += 60_000;
          return email.calls.length;
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(1);
    expect(email.calls[0]?.message.text).toContain('1 Main Street');
  });
});

describe('without a URL for links to unsubscribe', () => {
  const start = useDeliveries();
  const files = new Map(Object.entries(filesWith(DEFAULT + NOTIFICATIONS, OWN)));

  test('no such email leaves this machine: with one it goes, and the sandbox shows it', async () => {
    const email = fakeProvider(undefined, { name: 'smtp' });
    const tidings = await start({ email });
    await tidings.apply(files);
    const worker = await tidings.worker({ needsUnsubscribeLink: true });
    const send = async (user_id: string) => {
      const event_timestamp = new Date(tidings.clock.now).toISOString();
      const user_traits = { email: `${user_id}@example.com` };
      const [result] = await tidings.ingest([{ user_id, event_type: 'promo', event_timestamp, user_traits }]);
      return `${result?.decisions[0]?.notification_id}.email`;
    };
    const rejected = await send('u1');
    await tidings.becomes(rejected, 'queued', 1);
    expect(await tidings.attempts(rejected)).toMatchObject([{ outcome: 'misconfigured', code: 'public_url_missing' }]);
    expect(email.calls).toHaveLength(0);
    await worker.stop();
    const links = lateLinks(() => 'http://localhost:8000', tidings.seal, false);
    await tidings.worker({ needsUnsubscribeLink: true, links });
    const sent = await send('u2');
    await tidings.becomes(sent, 'sent');
    const call = email.calls.find(({ userId }) => userId === 'u2');
    expect(call?.message.text).toContain('http://localhost:8000/unsubscribe/');
    expect(call).not.toHaveProperty('receiptUrl');
  });

  test('a catalog with one is rejected where emails leave, by an account of the tenant too', async () => {
    const { pool } = (await start({})).database;
    const isUnlinked = (channels: Channel[]) =>
      new CatalogCache(pool, { unlinked: new Set(channels) }).isUnlinked('default');
    expect([await isUnlinked(['email']), await isUnlinked(['sms'])]).toEqual([true, false]);
    expect(await new CatalogCache(pool).isUnlinked('default')).toBe(false);
    const { data, problems } = lintCatalog(await parseCatalogFiles(files), undefined, true);
    expect([data, problems.map(({ code }) => code)]).toEqual([undefined, ['no_public_url']]);
  });
});

test('a preview shows the footer, and says what is missing', async () => {
  const api = await testApi();
  try {
    const { server } = api;
    await api.tidings.apply(new Map(Object.entries(filesWith(NOTIFICATIONS, OWN))));
    const preview = async () =>
      (await server.post('/api/v1/templates/preview', { notification_type: 'PROMO', channel: 'email' })).body;
    const codes = ({ findings }: { findings: { code: string; severity: string }[] }) =>
      findings.map(({ code, severity }) => `${code} ${severity}`);
    expect(codes(await preview())).toEqual(['no_postal_address error', 'no_unsubscribe_link warning']);
    await api.tidings.apply(new Map(Object.entries(filesWith(DEFAULT + NOTIFICATIONS, 'Hello'))));
    expect(codes(await preview())).toEqual(['no_unsubscribe_link warning']);
  } finally {
    await api.close();
  }
});
