import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** URLs and headers of accounts that are the key to a service, such as incoming webhooks: they are never shown. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const TOKEN = 'B0SECRETSECRET';
const SLACK = `https://hooks.slack.com/services/T0/${TOKEN}`;
const ACCOUNT = { provider: 'http', channels: ['chat'], enabled: false };
const REQUEST = { body: { text: '{{text}}' }, success: { body: 'ok' } };

const URLS: { readonly [name: string]: object } = {
  'an incoming webhook as url': { url: SLACK },
  'an incoming webhook as chat_url': { url: '{{url}}', chat_url: SLACK },
  'a token in the query': { url: `https://discord.com/api/webhooks/1?token=${TOKEN}` },
  'a token in the URL of the check': {
    url: 'https://example.com/',
    check: { url: `https://example.com/?key=${TOKEN}` },
  },
  'a token in a header': { url: 'https://example.com/', headers: { 'x-api-key': TOKEN } },
};

test.each(Object.entries(URLS))('%s is shown by no request, and stands in no row', async (name, settings) => {
  const account = name.replace(/[^a-z]+/gi, '-').toLowerCase();
  const path = `/api/v1/provider-accounts/${account}`;
  const created = await api.server.post('/api/v1/provider-accounts', {
    account,
    ...ACCOUNT,
    settings: { ...REQUEST, ...settings },
  });
  expect([created.status, created.body.secrets]).toEqual([201, expect.arrayContaining(['url'])]);
  const changed = await api.server.send('PATCH', path, { settings: { concurrency: 3 } });
  expect([changed.status, changed.body.secrets]).toEqual([200, created.body.secrets]);
  const shown = [
    created.body,
    changed.body,
    (await api.server.get(path)).body,
    (await api.server.get('/api/v1/provider-accounts')).body,
  ];
  const log = (await api.server.get('/api/v1/audit-log?limit=50')).body;
  const { rows } = await api.tidings.database.pool.query(
    'select a::text from provider_accounts as a union all select l::text from audit_log as l',
  );
  expect(JSON.stringify([shown, log, rows])).not.toContain(TOKEN);
});
