import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type FakeProvider, fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** POST /api/v1/templates/test and `tidings templates test`: a notification that is sent as a test. */

const CATALOG = new Map([
  [
    'events.yaml',
    `traits: { first_name: string, locale: string, email: string, phone: string }
events:
  billed: { properties: { amount: number }, required: [amount] }
  opened: {}`,
  ],
  [
    'notifications.yaml',
    `notifications:
  BILL: { category: TRANSACTIONAL, channels: [email, sms], variables: { amount: { type: number, required: true } } }
  LIST: { category: OPERATIONAL, channels: [email] }`,
  ],
  [
    'rules.yaml',
    `rules:
  BILL: { on: billed, limit: once, variables: { amount: event.amount }, data: { twice: event.amount * 2 } }
  LIST: { on: opened, digest: { window: 1h } }`,
  ],
  ['preferences.yaml', 'caps: { email: { per_day: 1 } }\nfrequency: { LIST: DAILY }'],
  ['templates/BILL/email.en.subject.txt', 'Bill of {{amount}} for {{user.first_name}}'],
  ['templates/BILL/email.en.txt', '{{event.amount}} and {{data.twice}}'],
  ['templates/BILL/email.pt.subject.txt', 'Conta de {{amount}}'],
  ['templates/BILL/email.pt.txt', 'Olá {{user.first_name}}'],
  ['templates/BILL/sms.en.txt', 'Bill of {{amount}}'],
  ['templates/LIST/email.en.subject.txt', '{{total}} things'],
  ['templates/LIST/email.en.txt', '{{#each items}}a thing. {{/each}}'],
]);

let tidings: TestTidings;
let server: TestServer;
let email: FakeProvider;
let sms: FakeProvider;
let user: string;
let users = 0;
const { TIDINGS_URL } = process.env;

beforeAll(async () => {
  email = fakeProvider(undefined, { name: 'smtp', keepsMessage: true });
  sms = fakeProvider(undefined, { name: 'twilio' });
  tidings = await testTidings({ email, sms }, CATALOG);
  server = await testServer(tidings);
  process.env.TIDINGS_URL = server.url;
  await tidings.worker();
}, 180_000);

afterAll(async () => {
  if (TIDINGS_URL === undefined) delete process.env.TIDINGS_URL;
  else process.env.TIDINGS_URL = TIDINGS_URL;
  await server?.close();
  await tidings?.close();
});

beforeEach(async () => {
  user = `tested-${++users}`;
  tidings.clock.now += 86_400_000;
  email.calls.length = 0;
  sms.calls.length = 0;
  const traits = { first_name: 'Rui', email: `${user}@example.com`, phone: `+35191234567${users % 10}` };
  const { status } = await server.send('PATCH', `/api/v1/users/${user}`, { traits });
  expect(status).toBe(200);
});

const send = (body: object, headers = {}) =>
  server.post('/api/v1/templates/test', { notification_type: 'BILL', user_id: user, ...body }, headers);
const arrives = async (provider: FakeProvider, count = 1) => {
  await expect.poll(() => provider.calls.length, { timeout: 30_000 }).toBe(count);
  return provider.calls[count - 1]!.message;
};
const rows = async (sql: string) => (await tidings.database.pool.query(sql, [user])).rows;

describe('a test', () => {
  test('goes by all channels to the user with a sample, and is known as a test everywhere', async () => {
    const { status, body } = await send({});
    expect(status).toBe(202);
    expect(body).toMatchObject({
      request_id: expect.stringMatching(/^req_/),
      result: {
        user_id: user,
        state: 'accepted',
        notification_id: expect.any(String),
        channels: { email: { plan: 'go' }, sms: { plan: 'go' } },
      },
    });
    expect(await arrives(email)).toMatchObject({ subject: 'Bill of 20 for Rui', text: '20 and 40' });
    expect(await arrives(sms)).toMatchObject({ text: 'Bill of 20' });
    const shown = await server.get(`/api/v1/notifications/${body.result.notification_id}`);
    expect(shown.body.rule).toBe('@test');
    const { deliveries } = (await server.get('/api/v1/deliveries?limit=2')).body;
    expect(deliveries.map((one: { test?: true }) => one.test)).toEqual([true, true]);
    const { body: explained } = await server.get(`/api/v1/explain/${user}/BILL`);
    expect(explained.decisions[0]).toMatchObject({
      rule: '@test',
      reason: 'To be sent: a request asked for it as a test of templates.',
      evidence: { direct: { test: true } },
    });
  });

  test('takes no place under a cap, uses up no limit, and joins no digest', async () => {
    for (let n = 0; n < 3; n++) expect((await send({ channels: ['email'] })).body.result.state).toBe('accepted');
    await arrives(email, 3);
    const listed = await send({ notification_type: 'LIST' });
    expect(listed.body.result).toMatchObject({ state: 'accepted', channels: { email: { plan: 'go' } } });
    expect(await arrives(email, 4)).toMatchObject({ subject: '2 things', text: 'a thing. a thing.' });
    expect(await rows('select * from limit_uses where user_id = $1')).toEqual([]);
    const at = new Date(tidings.clock.now).toISOString();
    const [real] = await tidings.ingest([
      { user_id: user, event_type: 'billed', event_timestamp: at, properties: { amount: 7 } },
    ]);
    expect(real?.decisions).toMatchObject([{ rule: 'BILL', outcome: 'send', evidence: {} }]);
    expect(await arrives(email, 5)).toMatchObject({ subject: 'Bill of 7 for Rui' });
    const [newest] = (await server.get('/api/v1/deliveries?limit=1')).body.deliveries;
    expect(newest.test).toBeUndefined();
  });

  test('shows an event of yours, variables of yours, and another locale', async () => {
    await send({ channels: ['email'], event: { event_type: 'billed', properties: { amount: 9 } } });
    expect(await arrives(email)).toMatchObject({ subject: 'Bill of 9 for Rui', text: '9 and 18' });
    await send({ channels: ['email'], variables: { amount: 3 }, locale: 'pt-BR' });
    expect(await arrives(email, 2)).toMatchObject({ subject: 'Conta de 3', text: 'Olá Rui' });
  });

  test('shows the newest event of the user for which a rule sends the type', async () => {
    expectProblem(await send({ last_event: true }), { status: 404, code: 'not_found', pointer: '/last_event' });
    for (const [index, amount] of [5, 6].entries()) {
      const at = new Date(tidings.clock.now + index * 1000).toISOString();
      await tidings.ingest([{ user_id: user, event_type: 'billed', event_timestamp: at, properties: { amount } }]);
    }
    await arrives(email);
    await send({ channels: ['email'], last_event: true });
    expect(await arrives(email, 2)).toMatchObject({ subject: 'Bill of 6 for Rui', text: '6 and 12' });
    const path = '/api/v1/templates/preview';
    const asked = { notification_type: 'BILL', channel: 'email', user_id: user, last_event: true };
    expect((await server.post(path, asked)).body.message).toMatchObject({ subject: 'Bill of 6 for Rui' });
  });

  test('is rejected where a variable is missing, by its name', async () => {
    const { body } = await send({ event: { event_type: 'billed', properties: {} } });
    expect(body.result).toMatchObject({ state: 'rejected', notification_id: null, code: 'variable_missing' });
    expect(body.result.reason).toContain('variable_missing: amount');
  });

  test('obeys what the user has turned off', async () => {
    const off = { types: { BILL: { enabled: false } } };
    expect((await server.send('PATCH', `/api/v1/users/${user}/preferences`, off)).status).toBe(200);
    expect((await send({})).body.result).toMatchObject({ state: 'suppressed', code: 'all_channels_dropped' });
  });

  test('is sent once however often its request is repeated', async () => {
    const headers = { 'idempotency-key': `test ${user}` };
    const first = await send({ channels: ['email'] }, headers);
    tidings.clock.now += 60_000;
    const again = await send({ channels: ['email'] }, headers);
    expect(again.body).toEqual(first.body);
    await arrives(email);
    expect(await rows('select * from notifications where user_id = $1')).toHaveLength(1);
  });

  test.each<[string, object, { status: number; code: string; pointer?: string }]>([
    ['an unknown user', { user_id: 'unknown' }, { status: 404, code: 'not_found', pointer: '/user_id' }],
    ['no such type', { notification_type: 'BIL' }, { status: 422, code: 'unknown_type', pointer: '/type' }],
    ['another channel', { channels: ['push'] }, { status: 422, code: 'invalid_notification', pointer: '/channels/0' }],
    ['a template that is not there', { template: 'NONE' }, { status: 404, code: 'not_found' }],
  ])('to %s is rejected', async (_what, body, problem) => expectProblem(await send(body), problem));

  test('goes to an address only if its user has verified it, and messages go there', async () => {
    const to = (address: object) => send({ user_id: undefined, to: address, channels: ['email'] });
    const rejected = async (address: object, why: string) => {
      const { status, body } = await to(address);
      expect([status, body.code, body.detail]).toEqual([422, 'invalid_notification', expect.stringContaining(why)]);
    };
    await rejected({ email: 'unknown@example.com' }, 'no user has this address');
    await rejected({ email: `${user}@example.com` }, 'has not verified it');
    await tidings.database.pool.query(
      `insert into address_verifications (tenant_id, user_id, kind, hash, verified_at, method)
       select tenant_id, user_id, kind, hash, now(), 'code' from addresses where user_id = $1 and kind = 'email'`,
      [user],
    );
    const { body } = await to({ email: `${user}@EXAMPLE.com` });
    expect(body.result).toMatchObject({
      user_id: user,
      state: 'accepted',
      recipient: { email: expect.stringContaining('…') },
    });
    await arrives(email);
    expect((await send({ to: { email: 'x@example.com' } })).status).toBe(400);
  });
});

test('a draft is tested before it is active, and the message says which version it is', async () => {
  await server.send('PATCH', '/api/v1/tenant', { settings: { template_source: 'api' } });
  const made = await server.post('/api/v1/templates', {
    name: 'BILL_DRAFT',
    type: 'BILL',
    channel: 'email',
    parts: { subject: 'Draft {{amount}} {{note}}', text: 'Draft for {{user.first_name}}' },
    variables: { note: { type: 'string', required: true } },
  });
  expect(made.status).toBe(201);
  const { body } = await send({ template: 'BILL_DRAFT_V1', variables: { note: 'new' } });
  expect(body.result).toMatchObject({ state: 'accepted', channels: { email: { plan: 'go' } } });
  expect(await arrives(email)).toMatchObject({ subject: 'Draft 20 new', text: 'Draft for Rui' });
  const id = `${body.result.notification_id}.email`;
  await expect
    .poll(async () => (await server.get(`/api/v1/deliveries/${id}/message`)).body, { timeout: 30_000 })
    .toMatchObject({ template_id: made.body.template_id, template_version: 1 });
  await send({ channels: ['email'] });
  expect(await arrives(email, 2)).toMatchObject({ subject: 'Bill of 20 for Rui' });
  expectProblem(await send({ template: 'BILL_DRAFT', channels: ['sms'] }), {
    status: 422,
    code: 'invalid_template',
    pointer: '/template',
  });
  await server.send('PATCH', '/api/v1/tenant', { settings: { template_source: null } });
});

test('a test is in no test of variants', async () => {
  await server.send('PATCH', '/api/v1/tenant', { settings: { template_source: 'api' } });
  const template = (name: string, variant: string | undefined, subject: string) =>
    server.post('/api/v1/templates', {
      name,
      type: 'LIST',
      channel: 'email',
      ...(variant && { variant }),
      parts: { subject, text: 'x' },
    });
  await template('LIST', undefined, 'default');
  await template('LIST_SHORT', 'short', 'short');
  for (const id of ['LIST', 'LIST_SHORT']) {
    expect((await server.post(`/api/v1/templates/${id}/activate`, {})).status).toBe(200);
  }
  const test = { shares: { default: 1, short: 99 }, metric: 'delivered', planned_users: 100 };
  expect((await server.send('PUT', '/api/v1/templates/LIST/variants', test)).status).toBe(200);
  await send({ notification_type: 'LIST' });
  expect(await arrives(email)).toMatchObject({ subject: 'default' });
  const { body } = await server.get('/api/v1/templates/LIST/variants/results');
  expect(body.users).toBe(0);
  await server.send('DELETE', '/api/v1/templates/LIST/variants');
  await server.send('PATCH', '/api/v1/tenant', { settings: { template_source: null } });
});

test('tidings templates test sends one, and says what became of it', async () => {
  const sent = await runCommand('templates', 'test', 'BILL', '--user', user, '--channel', 'sms', '--var', 'amount=4');
  expect([sent.exitCode, sent.text], sent.errors).toEqual([0, expect.stringMatching(/accepted by sms\s+\S+$/m)]);
  expect(await arrives(sms)).toMatchObject({ text: 'Bill of 4' });
  const rejected = await runCommand('templates', 'test', 'BILL', '--user', 'unknown', '--json');
  expect([rejected.exitCode, JSON.parse(rejected.text).code]).toEqual([1, 'not_found']);
});
