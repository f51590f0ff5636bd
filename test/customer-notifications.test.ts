import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The toggles of a customer, as the app of a lender calls them. */

const types: { readonly [type: string]: string } = {
  PAYMENT_REMINDER: 'category: TRANSACTIONAL, channels: [push, email, sms]',
  CARD_PURCHASE: 'category: OPERATIONAL, channels: [push]',
  NEWS: 'category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email, sms]',
  STATEMENT: 'category: TRANSACTIONAL, channels: [email, in_app]',
  CODE: 'category: SECURITY, channels: [sms]',
  OFFER: 'category: SYSTEM, channels: [email]',
  ALERT: 'category: OPERATIONAL, channels: [internal]',
};
const FILES = new Map([
  ['events.yaml', 'events: { opened: {} }'],
  [
    'notifications.yaml',
    `notifications:\n${Object.entries(types)
      .map(([name, type]) => `  ${name}: { ${type} }\n`)
      .join('')}`,
  ],
  ['rules.yaml', `rules: { ${Object.keys(types).map((type) => `${type}: { on: opened }`)} }`],
  [
    'preferences.yaml',
    `audiences: { PAYMENT_REMINDER: { products: [LOAN] }, CARD_PURCHASE: { products: [CREDIT] } }
consent: { MARKETING/sms: record }
locks: { types: { STATEMENT: { email: true }, OFFER: { email: false } } }`,
  ],
  ...Object.entries(types).flatMap(([type, text]) =>
    (/\[(.*)\]/.exec(text)?.[1] ?? '')
      .split(', ')
      .flatMap((channel): [string, string][] => [
        [`templates/${type}/${channel}.en.txt`, 'Hello'],
        ...(channel === 'email' ? [[`templates/${type}/email.en.subject.txt`, 'Hello'] as [string, string]] : []),
        ...(channel === 'push' ? [[`templates/${type}/push.en.title.txt`, 'Hello'] as [string, string]] : []),
      ]),
  ),
]);
const CUSTOMER = '6f9b2c1e-4c6a-4c0e-9a55-0c2d6d0a7b11';
const LIST = `/api/v1/customer-notifications/${CUSTOMER}`;

let tidings: TestTidings;
let server: TestServer;
beforeEach(async () => {
  tidings = await testTidings({}, FILES);
  server = await testServer(tidings);
});
afterEach(async () => {
  await server.close();
  await tidings.close();
});

const open = (user = CUSTOMER, products: readonly string[] = ['LOAN']) => {
  tidings.clock.now += 1000;
  return tidings.ingest([
    {
      user_id: user,
      event_type: 'opened',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      user_traits: { email: 'maria@example.com', phone: '+351912345678', products },
    },
  ]);
};
interface Toggle {
  readonly id: string;
  readonly category: string;
}
const listOf = async (path = LIST): Promise<Map<string, Toggle>> =>
  new Map(((await server.get(path)).body as Toggle[]).map((toggle) => [toggle.category, toggle]));
const change = async (category: string, body: object, root = '/api/v1') => {
  const id = (await listOf()).get(category)?.id;
  tidings.clock.now += 1000;
  return server.send('PATCH', `${root}/customer-notifications/${id}`, body);
};

describe('the list', () => {
  test('has the toggles that can concern the customer by their products, and locked ones with the reason', async () => {
    await open();
    const { status, body } = await server.get(LIST);
    expect(status).toBe(200);
    expect(body).toEqual([
      expect.objectContaining({
        category: 'PAYMENT_REMINDER',
        product: 'LOAN',
        enabled: true,
        selected_delivery_method: 'push',
        delivery_methods: ['push', 'email', 'sms'],
        locked: false,
        locked_reason: null,
      }),
      expect.objectContaining({ category: 'NEWS', product: 'GENERIC', delivery_methods: ['email'], locked: false }),
      expect.objectContaining({ category: 'STATEMENT', delivery_methods: ['in_app'], enabled: true, locked: false }),
      expect.objectContaining({
        category: 'CODE',
        enabled: true,
        locked: true,
        locked_reason: { code: 'required', text: 'it is required: no user can turn it off' },
      }),
      expect.objectContaining({
        category: 'OFFER',
        enabled: false,
        locked: true,
        locked_reason: { code: 'tenant_off', text: 'it is locked off for every user (lock of type OFFER)' },
      }),
    ]);
  });

  test('is another one for a customer with other products, and the same under the path without /api/v1', async () => {
    await open();
    const before = await listOf();
    expect(await listOf(`/customer-notifications/${CUSTOMER}`)).toEqual(before);
    await open(CUSTOMER, ['CREDIT']);
    const after = await listOf();
    expect([...after.keys()]).toEqual(['CARD_PURCHASE', 'NEWS', 'STATEMENT', 'CODE', 'OFFER']);
    expect(after.get('NEWS')?.id).toBe(before.get('NEWS')?.id);
    const gone = await server.send('PATCH', `/customer-notifications/${before.get('PAYMENT_REMINDER')?.id}`, {});
    expectProblem(gone, { status: 404, code: 'not_found' });
  });

  test('of an unknown customer is not found', async () => {
    expectProblem(await server.get(LIST), { status: 404, code: 'not_found', pointer: 'user_id' });
  });

  test('notes one row for each type, however often it is read', async () => {
    await open();
    await listOf();
    await listOf();
    await open(CUSTOMER, ['CREDIT']);
    await listOf();
    const { rows } = await tidings.database.pool.query('select notification_type from toggles order by 1');
    expect(rows.map((row) => row.notification_type)).toEqual(['CARD_PURCHASE', 'CODE', 'NEWS', 'OFFER', 'STATEMENT']);
  });
});

describe('a change', () => {
  test.each(['/api/v1', ''])('of method and switch holds, and the next event obeys it (%s)', async (root) => {
    await open();
    const { status, body } = await change(
      'PAYMENT_REMINDER',
      { selected_delivery_method: 'email', enabled: true },
      root,
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ category: 'PAYMENT_REMINDER', enabled: true, selected_delivery_method: 'email' });
    const [result] = await open();
    const reminder = result?.decisions.find((one) => one.notification_type === 'PAYMENT_REMINDER');
    expect(reminder?.evidence.plan).toMatchObject([
      { channel: 'push', code: 'preference_off' },
      { channel: 'email', verdict: 'go' },
      { channel: 'sms', code: 'preference_off' },
    ]);
    expect((await change('PAYMENT_REMINDER', { enabled: false })).body).toMatchObject({
      enabled: false,
      selected_delivery_method: 'email',
    });
    const [muted] = await open();
    expect(muted?.decisions.find((one) => one.notification_type === 'PAYMENT_REMINDER')).toMatchObject({
      outcome: 'suppressed',
      reason_code: 'all_channels_dropped',
    });
    expect((await change('PAYMENT_REMINDER', { enabled: true })).body).toMatchObject({
      enabled: true,
      selected_delivery_method: 'email',
    });
  });

  test('turns on what the customer had turned off elsewhere for the type alone', async () => {
    await open();
    tidings.clock.now += 1000;
    await server.send('PATCH', `/api/v1/users/${CUSTOMER}/preferences`, {
      types: { PAYMENT_REMINDER: { email: false, channels: [], frequency: 'NEVER' } },
    });
    expect((await listOf()).get('PAYMENT_REMINDER')).toMatchObject({ enabled: false, locked: false });
    expect((await change('PAYMENT_REMINDER', { enabled: true, selected_delivery_method: 'email' })).body).toMatchObject(
      {
        enabled: true,
        selected_delivery_method: 'email',
      },
    );
  });

  test('keeps a channel that is locked on', async () => {
    await open();
    const { status, body } = await change('STATEMENT', { enabled: false });
    expect([status, body.enabled]).toEqual([200, false]);
    expect((await change('STATEMENT', { enabled: true, selected_delivery_method: 'in_app' })).body.enabled).toBe(true);
    const { body: all } = await server.get(`/api/v1/users/${CUSTOMER}/preferences`);
    const statement = all.types.find(({ type }: { type: string }) => type === 'STATEMENT');
    expect(statement.channels.email.on).toBe(true);
  });

  test('of what the customer turned off more broadly, or the tenant decides, is rejected with the reason', async () => {
    await open();
    tidings.clock.now += 1000;
    await server.send('PATCH', `/api/v1/users/${CUSTOMER}/preferences`, {
      categories: { MARKETING: { enabled: false } },
    });
    expect((await listOf()).get('NEWS')).toMatchObject({ locked: true, locked_reason: { code: 'preference_off' } });
    const answer = await change('NEWS', { enabled: true });
    expectProblem(answer, { status: 422, code: 'preference_locked', pointer: '/enabled' });
    expect(answer.body.detail).toContain('the user turned off category MARKETING');
    expectProblem(await change('CODE', { enabled: false }), {
      status: 422,
      code: 'preference_locked',
      pointer: '/enabled',
    });
    expect((await change('CODE', { enabled: true })).status).toBe(200);
  });

  test.each([
    [{ selected_delivery_method: 'in_app' }, '/selected_delivery_method'],
    [{ selected_delivery_method: 'pigeon' }, '/selected_delivery_method'],
    [{ enabled: 'yes' }, '/enabled'],
    [{ method: 'email' }, '/method'],
  ])('that makes no sense is rejected: %j', async (body, pointer) => {
    await open();
    expectProblem(await change('PAYMENT_REMINDER', body), { status: 400, code: 'invalid_request', pointer });
  });

  test('of an id that is no toggle is not found', async () => {
    await open();
    for (const id of [CUSTOMER, 'nonsense', '0'.repeat(300)])
      expectProblem(await server.send('PATCH', `/api/v1/customer-notifications/${id}`, { enabled: true }), {
        status: 404,
        code: 'not_found',
      });
  });
});

describe('with the token of a customer', () => {
  test('reach only their own toggles; those of another customer do not exist', async () => {
    await open();
    await open('another');
    const guarded = await testServer(tidings, { apiKeys: [ROOT_KEY] });
    const tokenOf = async (user: string) =>
      (await guarded.post(`/api/v1/users/${user}/tokens`, {}, bearer(ROOT_KEY))).body.token as string;
    const [mine, theirs] = [bearer(await tokenOf(CUSTOMER)), bearer(await tokenOf('another'))];
    const own = await guarded.get(LIST, mine);
    expect([own.status, own.body.length]).toEqual([200, 5]);
    const path = `/customer-notifications/${own.body[0].id}`;
    expectProblem(await guarded.get(LIST, theirs), { status: 404, code: 'not_found', pointer: 'user_id' });
    expectProblem(await guarded.send('PATCH', path, { enabled: false }, theirs), { status: 404, code: 'not_found' });
    tidings.clock.now += 1000;
    expect((await guarded.send('PATCH', path, { enabled: false }, mine)).body.enabled).toBe(false);
    const { key } = await createKey(guarded, { scopes: ['preferences:read'] });
    expect((await guarded.get(LIST, bearer(key))).status).toBe(200);
    expectProblem(await guarded.send('PATCH', path, { enabled: true }, bearer(key)), {
      status: 403,
      code: 'forbidden',
    });
    await guarded.close();
  });
});
