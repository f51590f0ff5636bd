import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** Accounts with providers over the API: what is saved, what is shown, what is rejected. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

const PATH = '/api/v1/provider-accounts';
const SECRET = 'SG.a-secret-of-the-account';
const SENDGRID = { provider: 'sendgrid', settings: { api_key: SECRET, from: 'Acme <hello@acme.example>' } };
const create = (account: string, more: object = {}, headers = {}) =>
  api.server.post(PATH, { account, ...SENDGRID, ...more }, headers);
const patch = (account: string, body: object, headers = {}) =>
  api.server.send('PATCH', `${PATH}/${account}`, body, headers);

async function listAudit(subject: string): Promise<{ action: string; detail: object; text: string }[]> {
  const { rows } = await api.tidings.database.pool.query(
    'select action, detail, row_to_json(a)::text as text from audit_log a where subject = $1 order by entry_id',
    [subject],
  );
  return rows;
}

test('an account is created, shown, changed and deleted, and no secret is ever shown', async () => {
  const created = await create('main');
  expect([created.status, created.headers.get('etag'), created.body]).toEqual([
    201,
    '"1"',
    {
      account: 'main',
      provider: 'sendgrid',
      channels: ['email'],
      settings: { from: 'Acme <hello@acme.example>' },
      secrets: ['api_key'],
      limits: null,
      enabled: true,
      failover_to: null,
      place: 1,
      revision: 1,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    },
  ]);
  const changed = await patch('main', { settings: { ip_pool: 'fast' }, enabled: false, place: 3 });
  expect([
    changed.status,
    changed.body.settings,
    changed.body.secrets,
    changed.body.enabled,
    changed.body.place,
  ]).toEqual([200, { from: 'Acme <hello@acme.example>', ip_pool: 'fast' }, ['api_key'], false, 3]);
  const again = await patch('main', { settings: { ip_pool: null, api_key: `${SECRET}2` } }, { 'if-match': '"2"' });
  expect([again.body.revision, again.body.settings]).toEqual([3, { from: 'Acme <hello@acme.example>' }]);
  expect((await api.server.get(`${PATH}/main`)).body).toEqual(again.body);
  expect((await api.server.get(PATH)).body).toEqual({ accounts: [again.body] });
  expect((await api.server.send('DELETE', `${PATH}/main`)).body.revision).toBe(3);
  expect((await api.server.get(`${PATH}/main`)).status).toBe(404);
  const entries = await listAudit('main');
  expect(entries.map(({ action, detail }) => [action, detail])).toEqual([
    ['account.created', { secrets_written: ['api_key'] }],
    ['account.changed', {}],
    ['account.changed', { secrets_written: ['api_key'] }],
    ['account.deleted', {}],
  ]);
  expect(JSON.stringify([created.body, changed.body, again.body, entries])).not.toContain(SECRET);
});

test('an account fails over to another of its channels, which stays as long as it is needed', async () => {
  for (const account of ['one', 'other', 'third']) await create(account);
  expect((await patch('other', { enabled: false })).status).toBe(200);
  for (const [account, target, reason] of [
    ['one', 'one', 'no other account'],
    ['one', 'gone', 'no other account'],
    ['one', 'other', 'disabled'],
  ]) {
    const { status, body } = await patch(account as string, { failover_to: target });
    expect([status, body.code, body.detail]).toEqual([
      422,
      'invalid_account',
      expect.stringContaining(reason as string),
    ]);
  }
  await patch('other', { enabled: true });
  const problems = async () => (await api.server.get('/api/v1/problems')).body.problems;
  expect(await problems()).not.toContainEqual(expect.objectContaining({ code: 'failed_over' }));
  expect((await patch('one', { failover_to: 'other' })).body.failover_to).toBe('other');
  expect(await problems()).toContainEqual(
    expect.objectContaining({ code: 'failed_over', subject: 'one', detail: expect.stringContaining('go by other') }),
  );
  // No chains, and no end of the other one meanwhile.
  for (const [account, change] of [
    ['third', { failover_to: 'one' }],
    ['other', { failover_to: 'third' }],
    ['other', { enabled: false }],
  ] as const)
    expect((await patch(account, change)).body.code).toBe('invalid_account');
  const deleted = await api.server.send('DELETE', `${PATH}/other`);
  expect([deleted.status, deleted.body.detail]).toEqual([
    422,
    expect.stringContaining('end the failover of one first'),
  ]);
  expect((await patch('one', { failover_to: null })).body.failover_to).toBeNull();
  for (const account of ['one', 'other', 'third']) await api.server.send('DELETE', `${PATH}/${account}`);
});

test('a secret is stored sealed, and nowhere else', async () => {
  await create('sealed');
  const { rows } = await api.tidings.database.pool.query(
    `select row_to_json(a)::text as row, sealed is not null as is_sealed from provider_accounts a where account = 'sealed'`,
  );
  expect(rows[0].is_sealed).toBe(true);
  expect(rows[0].row).not.toContain(SECRET);
  expect(rows[0].row).not.toContain(Buffer.from(SECRET).toString('hex'));
});

test.each([
  ['a missing secret', { settings: { from: 'a@acme.example' } }, '/settings/api_key', /is missing; write a text/],
  ['a wrong type', { settings: { api_key: 7, from: 'a@acme.example' } }, '/settings/api_key', /must be a text/],
  [
    'a sender that is no address',
    { settings: { api_key: SECRET, from: 'nobody' } },
    '/settings/from',
    /must be one sender/,
  ],
  [
    'a misspelled setting',
    { settings: { api_key: SECRET, from: 'a@acme.example', ip_pol: 'x' } },
    '/settings/ip_pol',
    /did you mean ip_pool\?/,
  ],
  ['a misspelled provider', { provider: 'sendgird' }, '/provider', /"sendgird"; did you mean sendgrid\?/],
  ['an unknown provider', { provider: 'pigeon' }, '/provider', /"pigeon"; there are .*twilio/],
  ['a channel of another provider', { channels: ['sms'] }, '/channels/0', /SendGrid does not send on the channel sms/],
  [
    'no channels for a provider of several',
    { provider: 'courier', settings: { auth_token: SECRET } },
    '/channels',
    /channels is missing; write those that the account is for, of email, sms/,
  ],
  [
    'a URL that no server has',
    { provider: 'smtp', settings: { url: 'smtp://a/b', from: 'a@acme.example' } },
    '/settings/url',
    /smtp:/,
  ],
])('%s is rejected with its place, and without its value', async (_what, body, pointer, message) => {
  const { status, body: problem } = await create('wrong', body);
  expect([status, problem.code, problem.errors[0].pointer]).toEqual([422, 'invalid_account', pointer]);
  expect(problem.errors[0].message).toMatch(message);
  expect(JSON.stringify(problem)).not.toContain(SECRET);
  expect((await api.server.get(`${PATH}/wrong`)).status).toBe(404);
});

test('a change that makes the settings wrong is rejected, and changes nothing', async () => {
  const { body: before } = await create('kept');
  const { status, body } = await patch('kept', { settings: { from: null } });
  expect([status, body.errors[0].pointer]).toEqual([422, '/settings/from']);
  expect((await api.server.get(`${PATH}/kept`)).body).toEqual(before);
});

test('a change of a revision that another change replaced is rejected', async () => {
  await create('raced');
  await patch('raced', { place: 4 }, { 'if-match': '"1"' });
  expect((await patch('raced', { place: 5 }, { 'if-match': '"1"' })).body.code).toBe('outdated');
  const late = await api.server.send('DELETE', `${PATH}/raced`, undefined, { 'if-match': '"1"' });
  expect(late.status).toBe(412);
});

test('a name is used once, and a repetition with the same Idempotency-Key is the same account', async () => {
  const key = { 'idempotency-key': 'create twice' };
  const first = await create('twice', {}, key);
  const second = await create('twice', {}, key);
  expect([second.status, second.body, second.headers.get('idempotency-replayed')]).toEqual([201, first.body, 'true']);
  // As after a crash between the change and its response.
  await api.tidings.database.pool.query('delete from idempotency_keys');
  expect((await create('twice', {}, key)).body).toEqual(first.body);
  expect((await create('twice')).body.code).toBe('account_exists');
});

test('without a place an account is the last choice, and the list is in order of choice', async () => {
  for (const { account } of (await api.server.get(PATH)).body.accounts)
    await api.server.send('DELETE', `${PATH}/${account}`);
  await create('b', { place: 5 });
  await create('a', { place: 5 });
  await create('c');
  await create('d', { place: 1 });
  const { body } = await api.server.get(PATH);
  expect(body.accounts.map((one: { account: string; place: number }) => [one.account, one.place])).toEqual([
    ['d', 1],
    ['a', 5],
    ['b', 5],
    ['c', 6],
  ]);
});

test('a tenant has at most 50 accounts', async () => {
  const { accounts } = (await api.server.get(PATH)).body;
  for (let index = accounts.length; index < 50; index++) expect((await create(`n${index}`)).status).toBe(201);
  const { status, body } = await create('one-more');
  expect([status, body.code]).toEqual([422, 'too_many_accounts']);
});

test('providers are listed with their channels, their secrets and the schema of their settings', async () => {
  const { body } = await api.server.get('/api/v1/providers');
  const found = body.providers.find(({ provider }: { provider: string }) => provider === 'ses');
  expect([found.label, found.channels, found.secrets]).toEqual([
    'Amazon SES',
    ['email'],
    ['secret_access_key', 'session_token'],
  ]);
  expect(found.settings.required).toContain('region');
  expect(found.settings.properties.secret_access_key).toMatchObject({ writeOnly: true });
  expect(body.providers.length).toBeGreaterThan(8);
});
