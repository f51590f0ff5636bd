import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, payment, type TestApi, testApi } from './support/api.ts';

/** Users, as requests find, show and change them. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const pathOf = (id: string) => `/api/v1/users/${encodeURIComponent(id)}`;
const send = (method: string, id: string, traits: object) => {
  api.tidings.clock.now += 1000;
  return api.server.send(method as 'PUT', pathOf(id), { traits });
};
const find = async (query: string) => {
  const { body } = await api.server.get(`/api/v1/users?${query}`);
  return body.users.map((user: { user_id: string }) => user.user_id);
};
const searchBy = async (kind: string, address: string) => {
  const { body } = await api.server.post('/api/v1/users/search', { kind, address });
  return body.users.map((user: { user_id: string }) => user.user_id);
};

describe('a user', () => {
  test('is made by PATCH, which sets some traits and leaves the others', async () => {
    const made = await send('PATCH', 'p/1', { email: 'maria@example.com', name: 'Maria', plan: 'pro' });
    expect(made).toMatchObject({
      status: 200,
      body: { user_id: 'p/1', traits: { name: 'Maria', plan: 'pro' }, addresses: { email: 'm…@example.com' } },
    });
    const { body } = await send('PATCH', 'p/1', { plan: 'free', time_zone: 'Europe/Lisbon' });
    expect(body).toMatchObject({ traits: { name: 'Maria', plan: 'free' }, time_zone: 'Europe/Lisbon' });
    expect((await api.server.get(pathOf('p/1'))).body).toEqual(body);
    expect(JSON.stringify(body)).not.toContain('maria@');
  });

  test('is replaced by PUT: what is left out is null, an address too', async () => {
    await send('PATCH', 'replaced', { email: 'ann@example.com', country: 'PT', plan: 'pro' });
    const { body } = await send('PUT', 'replaced', { plan: 'free' });
    expect(body.traits).toEqual({ email: null, country: null, plan: 'free' });
    expect(body.addresses).toEqual({});
    expect(await searchBy('email', 'ann@example.com')).toEqual([]);
  });

  test('has a change in its timeline with who made it, and in the audit log', async () => {
    await send('PATCH', 'timeline', { plan: 'pro' });
    const { body } = await api.server.get('/api/v1/audit/timeline');
    expect(body.recent_events).toMatchObject([
      { event_type: 'profile.updated', user_traits: { plan: 'pro' }, context: { by: { kind: 'local' } } },
    ]);
    const log = await api.server.get('/api/v1/audit-log?subject=timeline');
    expect(log.body.entries).toMatchObject([{ action: 'user.changed', detail: { traits: ['plan'] } }]);
  });

  test('is not changed if the entry of the audit log cannot be written: both are one transaction', async () => {
    await send('PATCH', 'unaudited', { plan: 'pro' });
    const { pool } = api.tidings.database;
    await pool.query(`alter table audit_log add constraint none_for_a_while check (subject <> 'unaudited') not valid`);
    const failed = await send('PATCH', 'unaudited', { plan: 'free' });
    await pool.query('alter table audit_log drop constraint none_for_a_while');
    expect(failed.status).toBeGreaterThanOrEqual(400);
    expect((await api.server.get(pathOf('unaudited'))).body.traits).toEqual({ plan: 'pro' });
  });

  test.each([
    ['email', 'no mail', 'no email address'],
    ['email_address', 'Maria <maria@example.com>', 'no email address'],
    ['phone', '0151 23456', 'no phone number in E.164 form'],
    ['phone_number', 987_654_321, 'no phone number in E.164 form'],
  ])(
    'gets no %s that no message can go to, and an event with it is stored and says so',
    async (trait, value, problem) => {
      const id = `unusable ${trait}`;
      for (const method of ['PATCH', 'PUT']) {
        const rejected = await send(method, id, { plan: 'pro', [trait]: value });
        expectProblem(rejected, { status: 400, code: 'invalid_request', pointer: `/traits/${trait}` });
        expect(rejected.body.detail).toContain(problem);
      }
      const users = [
        { user_id: id, traits: { [trait]: value } },
        { user_id: 'usable', traits: { plan: 'pro' } },
      ];
      expect((await api.server.post('/api/v1/users/bulk', { users })).body).toMatchObject({
        ...{ stored: 1, rejected: 1 },
        results: [{ status: 'rejected', code: 'invalid_address', path: `traits.${trait}` }, { status: 'stored' }],
      });
      expect((await api.server.get(pathOf(id))).status).toBe(404);
      const event = payment({ event_id: `of ${id}`, user_id: id, user_traits: { [trait]: value, plan: 'pro' } });
      const { body } = await api.server.post('/api/v1/events', event);
      expect(body).toMatchObject({
        accepted: 1,
        results: [{ notes: [{ code: 'unusable_address', path: `user_traits.${trait}` }] }],
      });
      expect(JSON.stringify(body)).not.toContain(String(value));
      expect((await send('PATCH', id, { [trait]: '' })).status).toBe(200);
      expect((await api.server.get(pathOf(id))).body.addresses).toEqual({});
    },
  );

  test('is not changed by traits that cannot be stored', async () => {
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`t${index}`, index]));
    expectProblem(await send('PATCH', 'large', many), { status: 400, code: 'invalid_request', pointer: '/traits' });
    expectProblem(await api.server.get(pathOf('large')), { status: 404, code: 'not_found', pointer: 'user_id' });
    const wrong = await send('PATCH', 'x'.repeat(300), {});
    expectProblem(wrong, { status: 400, code: 'invalid_request', pointer: 'user_id' });
    const { body } = await api.server.get('/api/v1/events/rejected');
    expect(body.rejected).toEqual([]);
  });

  test('keeps a trait that a later event set, whatever comes after it with an earlier time', async () => {
    await send('PATCH', 'late', { plan: 'pro' });
    const old = payment({ user_id: 'late', user_traits: { plan: 'old' } });
    expect((await api.server.post('/api/v1/events', old)).status).toBe(202);
    expect((await api.server.get(pathOf('late'))).body.traits.plan).toBe('pro');
  });
});

describe('many users', () => {
  test('are changed by one request, with a result for each', async () => {
    api.tidings.clock.now += 1000;
    const { body } = await api.server.post('/api/v1/users/bulk', {
      users: [
        { user_id: 'bulk 1', traits: { plan: 'a' } },
        { user_id: 'bulk\u0001', traits: {} },
        { user_id: 'bulk 2', traits: { email: 'bulk@example.com' } },
      ],
    });
    expect(body).toMatchObject({
      stored: 2,
      rejected: 1,
      results: [
        { user_id: 'bulk 1', status: 'stored' },
        { status: 'rejected', code: 'invalid_id', path: 'user_id' },
        { user_id: 'bulk 2', status: 'stored' },
      ],
    });
    expect(await find('prefix=bulk')).toEqual(['bulk 1', 'bulk 2']);
  });

  test('of which there are more than a thousand are rejected as a whole', async () => {
    const users = Array.from({ length: 1001 }, (_, index) => ({ user_id: `n${index}`, traits: {} }));
    const answer = await api.server.post('/api/v1/users/bulk', { users });
    expectProblem(answer, { status: 400, code: 'invalid_request', pointer: '/users' });
  });
});

describe('users are found', () => {
  test('but not those who are known by an address alone, unless it or their id is asked for', async () => {
    const bare = { type: 'INSUFFICIENT_FUNDS_EMAIL', recipients: [{ email: 'bare@example.com' }] };
    const { body } = await api.server.post('/api/v1/notifications', bare);
    const [{ user_id: id }] = body.results;
    expect(id).toMatch(/^addr:/);
    const hash = id.slice('addr:'.length);
    expect(await find('limit=200')).not.toContain(id);
    expect(await find(`contains=${hash}`)).toEqual([]);
    expect(await find('prefix=a&limit=200')).not.toContain(id);
    expect(await find('prefix=addr:')).toEqual([id]);
    expect(await searchBy('email', 'bare@example.com')).toEqual([id]);
  });

  test('by the start and by a part of their id', async () => {
    for (const id of ['find-10', 'find-21', 'find-210', 'other-21']) await send('PATCH', id, {});
    expect(await find('prefix=find-')).toEqual(['find-10', 'find-21', 'find-210']);
    expect(await find('contains=21')).toEqual(['find-21', 'find-210', 'other-21']);
    expect(await find('prefix=find&contains=210')).toEqual(['find-210']);
    expect(await find('prefix=find%25')).toEqual([]);
  });

  test('by the start of their name, in any case; first and last name make one', async () => {
    await send('PATCH', 'named 1', { name: 'Zoë  Ångström' });
    await send('PATCH', 'named 2', { first_name: 'Zoe', last_name: 'Lima' });
    await send('PATCH', 'named 3', { first_name: 'Zoltan' });
    expect(await find('name=zo')).toEqual(['named 2', 'named 3', 'named 1']);
    expect(await find(`name=${encodeURIComponent('ZOË å')}`)).toEqual(['named 1']);
    await send('PATCH', 'named 3', { first_name: 'Ana' });
    expect(await find('name=zol')).toEqual([]);
  });

  test('by the start of the last word of their name, each once', async () => {
    await send('PATCH', 'last 1', { name: 'Harry da Silveira' });
    await send('PATCH', 'last 2', { first_name: 'Silvester', last_name: 'Silvers' });
    await send('PATCH', 'last 3', { name: 'Silva Moss' });
    expect(await find('name=silv')).toEqual(['last 3', 'last 1', 'last 2']);
    expect(await find('name=SILVEI')).toEqual(['last 1']);
    expect(await find('name=da')).toEqual([]);
    await send('PATCH', 'last 1', { name: 'Harry Moore' });
    expect(await find('name=silvei')).toEqual([]);
  });

  test('by an address, in any spelling, which is in no URL', async () => {
    await send('PATCH', 'mail 1', { email: 'Same@Example.com' });
    await send('PATCH', 'mail 2', { email: 'same@example.com', phone: '+351912345678' });
    expect(await searchBy('email', ' same@EXAMPLE.com ')).toEqual(['mail 1', 'mail 2']);
    expect(await searchBy('phone', '+351 912 345 678')).toEqual(['mail 2']);
    expect(await searchBy('email', 'unknown@example.com')).toEqual([]);
    expectProblem(await api.server.get('/api/v1/users?email=same@example.com'), {
      status: 400,
      code: 'invalid_request',
      pointer: 'email',
    });
  });

  test('a page at a time, each once; a cursor of another filter is rejected', async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `page ${index}`);
    for (const id of ids) await send('PATCH', id, { name: 'Same Name' });
    for (const query of ['prefix=page', 'contains=age%20', 'name=same', 'name=name']) {
      const found: string[] = [];
      let next: string | null = null;
      do {
        const after: string = next === null ? '' : `&after=${next}`;
        const { body } = await api.server.get(`/api/v1/users?${query}&limit=3${after}`);
        found.push(...body.users.map((user: { user_id: string }) => user.user_id));
        next = body.next;
      } while (next !== null);
      expect(found, query).toEqual(ids);
    }
    const { body } = await api.server.get('/api/v1/users?prefix=page&limit=2');
    const other = await api.server.get(`/api/v1/users?prefix=pag&after=${body.next}`);
    expectProblem(other, { status: 400, code: 'invalid_request', pointer: 'after' });
  });
});
