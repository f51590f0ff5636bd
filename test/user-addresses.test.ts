import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

/** Addresses of a user, as requests list, add, prefer and remove them. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const MARIA = 'maria@example.com';
let users = 0;
let path: string;
let userId: string;

beforeEach(async () => {
  userId = `address user ${users++}`;
  path = `/api/v1/users/${encodeURIComponent(userId)}/addresses`;
  await tell({ email: MARIA });
});

/** Posts an event with these traits, a second after the one before. */
async function tell(user_traits: object): Promise<void> {
  api.tidings.clock.now += 1000;
  const event_timestamp = new Date(api.tidings.clock.now).toISOString();
  const { body } = await api.server.post('/api/v1/events', {
    user_id: userId,
    event_type: 'payment_failed',
    event_timestamp,
    user_traits,
  });
  expect(body.accepted).toBe(1);
}

const add = (address: string, rest: object = {}, kind = 'email') => api.server.post(path, { kind, address, ...rest });
const remove = (id: string) => api.server.send('DELETE', `${path}/${id}`);
const prefer = (id: string) => api.server.post(`${path}/${id}/primary`, undefined);
const list = async () => (await api.server.get(path)).body.addresses;
/** The first letters of the addresses in order; with a star the one that receives, with a plus sign that of the traits. */
const order = async () =>
  (await list())
    .map(({ address, primary, is_trait }: { address: string; primary: boolean; is_trait: boolean }) => {
      return `${address[0]}${primary ? '*' : ''}${is_trait ? '+' : ''}`;
    })
    .join(' ');

describe('addresses of a user', () => {
  test('are listed with masks; the first that is added beside that of the traits does not receive', async () => {
    const { status, body } = await add('ann@example.com');
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: 'email', address: 'a…@example.com', primary: false, is_trait: false });
    expect(await list()).toMatchObject([
      { address: 'm…@example.com', primary: true, is_trait: true, added_at: null },
      body,
    ]);
    expect(JSON.stringify(await list())).not.toMatch(/ann@|maria@/);
  });

  test('no address is stored in the clear, nor is it in the audit log or in an id', async () => {
    const { body } = await add('secret.name@example.com');
    for (const table of ['addresses', 'audit_log', 'idempotency_keys']) {
      const { rows } = await api.tidings.database.pool.query(`select t::text as row from ${table} as t`);
      expect(JSON.stringify(rows), table).not.toContain('secret.name');
    }
    await tell({ email: MARIA });
    const first = userId;
    userId = `${first} twin`;
    path = `/api/v1/users/${encodeURIComponent(userId)}/addresses`;
    await tell({});
    expect((await add('secret.name@example.com')).body.address_id).not.toBe(body.address_id);
  });

  test('one that is added again, in any spelling, is the same and stays', async () => {
    const first = await add('ann@example.com');
    const again = await add(' Ann@Example.COM ');
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await order()).toBe('m*+ a');
  });

  test('requests that add one address at the same time add it once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => add('ann@example.com')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
    expect(await order()).toBe('m*+ a');
  });

  test('one that is added as primary receives, and so does one that is made primary', async () => {
    await add('ann@example.com', { primary: true });
    expect(await order()).toBe('a* m+');
    const ben = (await add('ben@example.com')).body;
    const preferred = await prefer(ben.address_id);
    expect([preferred.status, preferred.body]).toEqual([200, { ...ben, primary: true }]);
    expect((await prefer(ben.address_id)).body).toEqual(preferred.body);
    expect(await order()).toBe('b* a m+');
  });

  test('each kind has its own: the first number receives at once', async () => {
    const { body } = await add('+351 912-345-678', {}, 'phone');
    expect(body).toMatchObject({ kind: 'phone', address: '+351…78', primary: true });
    expect((await api.server.get(`/api/v1/audit/${encodeURIComponent(userId)}`)).body.profile.addresses).toEqual({
      email: 'm…@example.com',
      phone: '+351…78',
    });
  });

  test('if the one that receives is removed, the next receives; that of the traits cannot be removed', async () => {
    const ann = (await add('ann@example.com', { primary: true })).body;
    const removed = await remove(ann.address_id);
    expect([removed.status, removed.body]).toEqual([200, ann]);
    expect(await order()).toBe('m*+');
    const [maria] = await list();
    expectProblem(await remove(maria.address_id), { status: 409, code: 'address_of_traits' });
    expectProblem(await remove(ann.address_id), { status: 404, code: 'not_found', pointer: 'address_id' });
    expectProblem(await prefer('nonsense'), { status: 404, code: 'not_found', pointer: 'address_id' });
  });

  test('an unknown user has no address', async () => {
    path = '/api/v1/users/unknown/addresses';
    expectProblem(await api.server.get(path), { status: 404, code: 'not_found', pointer: 'user_id' });
    expectProblem(await add('ann@example.com'), { status: 404, code: 'not_found', pointer: 'user_id' });
  });

  test('at most twenty of a kind are added; that of the traits is beside them', async () => {
    for (let n = 0; n < 20; n++) expect((await add(`a${n}@example.com`)).status).toBe(201);
    expectProblem(await add('more@example.com'), { status: 422, code: 'too_many_addresses' });
    expectProblem(await add(MARIA), { status: 422, code: 'too_many_addresses' });
    expect((await add('a3@example.com', { primary: true })).status).toBe(200);
    await tell({ email: 'new@example.com' });
    expect(await list()).toHaveLength(21);
    expect((await add('+351912345678', {}, 'phone')).status).toBe(201);
  });
});

describe('an invalid address is rejected', () => {
  test.each([
    'maria',
    'maria@',
    '@example.com',
    'maria@localhost',
    'Maria <maria@example.com>',
    'a@b.c,d@e.f',
    'a b@c.de',
    'a@b@c.de',
    'a@exa\u0000mple.com',
  ])('email: %s', async (address) => {
    expectProblem(await add(address), { status: 400, code: 'invalid_request', pointer: '/address' });
  });

  test.each(['912345678', '0912345678', '+0351912345678', '+35', '+3519123456781234567', 'maria@example.com'])(
    'phone: %s',
    async (address) => {
      expectProblem(await add(address, {}, 'phone'), { status: 400, code: 'invalid_request', pointer: '/address' });
    },
  );

  test.each([
    ['maria@bücher.example', 'email'],
    ["o'brien+news@mail.example.com", 'email'],
    ['00351912345678', 'phone'],
    ['+1 (555) 010.0100', 'phone'],
  ])('but not %s', async (address, kind) => {
    expect((await add(address, {}, kind)).status).toBe(201);
  });
});

describe('the address of the traits', () => {
  test('replaces the earlier one and receives; those that were added stay beside it, in their order', async () => {
    await add('ann@example.com');
    await add('ben@example.com', { primary: true });
    await tell({ email: 'new@example.com' });
    expect(await order()).toBe('n*+ b a');
  });

  test('that was added as well stays when another takes its place', async () => {
    await add(MARIA);
    await tell({ email: 'new@example.com' });
    expect(await order()).toBe('n*+ m');
  });

  test('may be one that was added before: it is listed once, and receives', async () => {
    const { added_at } = (await add('ann@example.com')).body;
    await tell({ email: 'Ann@example.com' });
    expect(await order()).toBe('A*+');
    expect(await list()).toMatchObject([{ address: 'A…@example.com', added_at }]);
    await tell({ email: 'new@example.com' });
    expect(await order()).toBe('n*+ A');
  });

  test('that an event repeats does not take back the place of the one that a request preferred', async () => {
    await add('ann@example.com', { primary: true });
    await tell({ email: MARIA });
    expect(await order()).toBe('a* m+');
  });

  test('that an event removes is gone, and the next receives', async () => {
    await add('ann@example.com');
    await add('ben@example.com');
    await tell({ email: '' });
    expect(await order()).toBe('a* b');
    await tell({ email: MARIA });
    expect(await order()).toBe('m*+ a b');
    await tell({ email: '' });
    for (const { address_id } of await list()) await remove(address_id);
    expect(await list()).toEqual([]);
  });

  test('of many users that change at once leaves what was added to some of them', async () => {
    await add('ann@example.com', { primary: true });
    const event = (user_id: string, email: string) => ({
      user_id,
      event_type: 'payment_failed',
      event_timestamp: new Date(api.tidings.clock.now).toISOString(),
      user_traits: { email },
    });
    const others = ['p', 'q', 'r'].map((name) => `${userId} ${name}`);
    await api.tidings.ingest(others.map((user) => event(user, 'first@example.com')));
    api.tidings.clock.now += 1000;
    await api.tidings.ingest([
      event(userId, 'new@example.com'),
      ...others.map((user, n) => event(user, n ? 'second@example.com' : '')),
    ]);
    expect(await order()).toBe('n*+ a');
    const masks = [];
    for (const user of others) {
      path = `/api/v1/users/${encodeURIComponent(user)}/addresses`;
      masks.push(await order());
    }
    expect(masks).toEqual(['', 's*+', 's*+']);
  });
});

test('a principal with the right to personal data sees all addresses unmasked, those that receive by their kind', async () => {
  await add('ann@example.com');
  await add('ben@example.com', { primary: true });
  const reveal = `/api/v1/users/${encodeURIComponent(userId)}/reveal`;
  expect((await api.server.post(reveal, { reason: 'ticket' })).body).toEqual({
    user_id: userId,
    email: 'ben@example.com',
    phone: null,
    others: [
      { kind: 'email', address: MARIA },
      { kind: 'email', address: 'ann@example.com' },
    ],
  });
});

test('each change is in the audit log with the states before and after; what changes nothing is not', async () => {
  const ann = (await add('ann@example.com')).body;
  await add('ann@example.com');
  await prefer(ann.address_id);
  await prefer(ann.address_id);
  await remove(ann.address_id);
  const { body } = await api.server.get(`/api/v1/audit-log?subject=${encodeURIComponent(userId)}`);
  const primary = { ...ann, primary: true };
  expect(body.entries.toReversed()).toMatchObject([
    { action: 'address.added', before: null, after: ann },
    { action: 'address.changed', before: ann, after: primary },
    { action: 'address.removed', before: primary, after: null },
  ]);
});

test('a request that is repeated with its idempotency key is done once', async () => {
  const send = () =>
    api.server.post(path, { kind: 'email', address: 'ann@example.com' }, { 'idempotency-key': userId });
  const [first, second] = [await send(), await send()];
  expect([second.status, second.body]).toEqual([first.status, first.body]);
  expect(first.status).toBe(201);
});
