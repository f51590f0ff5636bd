import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY, tryKey, until } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let api: TestServer;
let other: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY] });
  other = await testServer(tidings, { apiKeys: [ROOT_KEY] });
  await tidings.database.pool.query(
    `insert into tenants (tenant_id, name) values ('acme', 'Acme'), ('rival', 'Rival')`,
  );
});

afterAll(async () => {
  await api.close();
  await other.close();
  await tidings.close();
});

describe('the text of a key', () => {
  test('has a shape that secret scanners find by one pattern', async () => {
    const live = await createKey(api);
    const own = await createKey(api, { environment: 'test' });
    expect(live.key).toMatch(/^td_live_[0-9A-Za-z]{44}$/);
    expect(own.key).toMatch(/^td_test_[0-9A-Za-z]{44}$/);
    expect(live.key.slice(8, 16)).toBe(live.key_id);
  });

  test('a mistyped or cut key is rejected without a look-up', async () => {
    const { key } = await createKey(api);
    const { pool } = tidings.database;
    const query = pool.query;
    const mistyped = [
      `${key.slice(0, -1)}${key.endsWith('x') ? 'y' : 'x'}`,
      key.slice(0, -1),
      `${key}0`,
      key.replace('td_live_', 'td_test_'),
      key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21),
      key.slice(0, 20) + key[21] + key[20] + key.slice(22),
      'td_live_',
    ].filter((one) => one !== key);
    const calls: unknown[] = [];
    pool.query = ((...args: Parameters<typeof query>) => {
      calls.push(args[0]);
      return query.apply(pool, args);
    }) as typeof query;
    try {
      for (const one of mistyped) {
        const { status, body } = await api.get('/api/v1/users', bearer(one));
        expect([status, body.code]).toEqual([401, 'unauthorized']);
        expect(body.detail).toMatch(/mistyped/);
      }
    } finally {
      pool.query = query;
    }
    expect(calls).toEqual([]);
  });

  test('is shown once', async () => {
    const { key, key_id } = await createKey(api, { scopes: ['keys:read'] });
    for (const path of ['/api/v1/keys?limit=200', `/api/v1/keys/${key_id}`]) {
      const { status, body } = await api.get(path, bearer(ROOT_KEY));
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(key.slice(16, 46));
    }
  });

  test('the text of a stored key with another id is unknown', async () => {
    const { key } = await createKey(api);
    await tidings.database.pool.query('update api_keys set hash = $2 where key_id = $1', [
      key.slice(8, 16),
      Buffer.alloc(32),
    ]);
    expect(await tryKey(other, key)).toEqual([401, 'unauthorized']);
  });
});

describe('scopes', () => {
  test('a key may do what its scopes say, and the response names the one that is missing', async () => {
    const { key } = await createKey(api, { scopes: ['users:read'] });
    expect(await tryKey(api, key)).toEqual([200]);
    const { status, body } = await api.get('/api/v1/deliveries', bearer(key));
    expect([status, body.code]).toEqual([403, 'forbidden']);
    expect(body.detail).toContain('deliveries:read');
  });

  test('an unknown scope is answered with the nearest one', async () => {
    const { body } = await api.post('/api/v1/keys', { name: 'x', scopes: ['event:write'] }, bearer(ROOT_KEY));
    expect(body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/scopes/0' }] });
    expect(body.detail).toContain('did you mean events:write?');
  });

  test('a key cannot give a scope that it does not have: not to a new key, by a change or by a rotation', async () => {
    const { key: weak } = await createKey(api, { scopes: ['keys:write', 'users:read'] });
    const { key_id: strong } = await createKey(api, { scopes: ['events:write'] });
    const { key_id: own } = await createKey(api, { scopes: ['users:read'] }, { by: weak });
    const attempts = [
      await api.post('/api/v1/keys', { name: 'x', scopes: ['events:write'] }, bearer(weak)),
      await api.send('PATCH', `/api/v1/keys/${own}`, { scopes: ['events:write'] }, bearer(weak)),
      await api.post(`/api/v1/keys/${strong}/rotate`, {}, bearer(weak)),
      await api.send('PATCH', `/api/v1/keys/${strong}`, { name: 'mine' }, bearer(weak)),
      await api.post('/api/v1/keys', { name: 'x', scopes: ['users:read'], is_installation: true }, bearer(weak)),
    ];
    for (const { status, body } of attempts) expect([status, body.code]).toEqual([403, 'forbidden']);
    expect(attempts[0]?.body.detail).toContain('events:write');
  });

  test.each([
    [{ scopes: ['users:fly'] }],
    [{ scopes: [] }],
    [{ scopes: ['me'] }],
    [{ scopes: ['tenants:read'] }],
    [{ name: '' }],
    [{ name: 'x'.repeat(201) }],
    [{ per_minute: 0 }],
    [{ expires_at: '2001-01-01T00:00:00Z' }],
    [{ expires_at: 'tomorrow' }],
    [{ environment: 'staging' }],
    [{ is_installation: true, environment: 'test' }],
    [{ secret: 'mine' }],
  ])('a key with %j is not created', async (body) => {
    const { status, body: problem } = await api.post(
      '/api/v1/keys',
      { name: 'x', scopes: ['users:read'], ...body },
      bearer(ROOT_KEY),
    );
    expect([status, problem.code]).toEqual([400, 'invalid_request']);
  });

  test('a change of the scopes holds at once, in every process', async () => {
    const { key, key_id } = await createKey(api, { scopes: ['users:read'] });
    expect(await tryKey(other, key)).toEqual([200]);
    await api.send('PATCH', `/api/v1/keys/${key_id}`, { scopes: ['jobs:read'] }, bearer(ROOT_KEY));
    expect(await tryKey(api, key)).toEqual([403, 'forbidden']);
    expect(
      await until(
        () => tryKey(other, key),
        ([status]) => status !== 200,
      ),
    ).toEqual([403, 'forbidden']);
  });
});

describe('the end of a key', () => {
  test('a revoked key is rejected at once, also by another process, and stays in the list', async () => {
    const { key, key_id } = await createKey(api);
    expect([await tryKey(api, key), await tryKey(other, key)]).toEqual([[200], [200]]);
    const { body } = await api.send('DELETE', `/api/v1/keys/${key_id}`, undefined, bearer(ROOT_KEY));
    expect(body.status).toBe('revoked');
    expect(await tryKey(api, key)).toEqual([401, 'unauthorized']);
    expect(
      await until(
        () => tryKey(other, key),
        ([status]) => status !== 200,
      ),
    ).toEqual([401, 'unauthorized']);
    const again = await api.send('DELETE', `/api/v1/keys/${key_id}`, undefined, bearer(ROOT_KEY));
    expect([again.status, again.body.revoked_at]).toEqual([200, body.revoked_at]);
    const listed = await api.get('/api/v1/keys?limit=200', bearer(ROOT_KEY));
    expect(listed.body.keys.find((one: { key_id: string }) => one.key_id === key_id).status).toBe('revoked');
  });

  test('an expired key is rejected', async () => {
    const expires_at = new Date(tidings.clock.now + 60_000).toISOString();
    const { key, key_id } = await createKey(api, { expires_at });
    expect(await tryKey(api, key)).toEqual([200]);
    tidings.clock.now += 60_000;
    expect(await tryKey(api, key)).toEqual([401, 'unauthorized']);
    expect((await api.get(`/api/v1/keys/${key_id}`, bearer(ROOT_KEY))).body.status).toBe('expired');
  });

  test('an ended key is neither changed nor rotated', async () => {
    const { key_id } = await createKey(api);
    await api.send('DELETE', `/api/v1/keys/${key_id}`, undefined, bearer(ROOT_KEY));
    for (const answer of [
      await api.send('PATCH', `/api/v1/keys/${key_id}`, { name: 'again' }, bearer(ROOT_KEY)),
      await api.post(`/api/v1/keys/${key_id}/rotate`, {}, bearer(ROOT_KEY)),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([409, 'key_ended']);
    }
  });
});

describe('rotation', () => {
  test('the new key has the same rights, and both work during the overlap', async () => {
    const old = await createKey(api, { name: 'shop', scopes: ['users:read'], per_minute: 500 });
    const { status, body } = await api.post(`/api/v1/keys/${old.key_id}/rotate`, { overlap: '1h' }, bearer(ROOT_KEY));
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'shop', scopes: ['users:read'], per_minute: 500, rotated_from: old.key_id });
    expect(body.replaced).toMatchObject({ key_id: old.key_id, replaced_by: body.key_id, status: 'active' });
    expect([await tryKey(api, old.key), await tryKey(api, body.key)]).toEqual([[200], [200]]);
    tidings.clock.now += 3_600_000;
    expect([await tryKey(api, old.key), await tryKey(api, body.key)]).toEqual([[401, 'unauthorized'], [200]]);
  });

  test('without an overlap the old key ends at once; the default is a day; 30 days are the most', async () => {
    const first = await createKey(api);
    const { body } = await api.post(`/api/v1/keys/${first.key_id}/rotate`, { overlap: '0s' }, bearer(ROOT_KEY));
    expect(await tryKey(api, first.key)).toEqual([401, 'unauthorized']);
    const next = await api.post(`/api/v1/keys/${body.key_id}/rotate`, undefined, bearer(ROOT_KEY));
    expect(Date.parse(next.body.replaced.expires_at) - tidings.clock.now).toBe(24 * 3_600_000);
    for (const overlap of ['31d', 'soon', '-1h']) {
      const path = `/api/v1/keys/${next.body.key_id}/rotate`;
      expect((await api.post(path, { overlap }, bearer(ROOT_KEY))).status).toBe(400);
    }
  });

  test('of two rotations at once one succeeds', async () => {
    const { key_id } = await createKey(api);
    const path = `/api/v1/keys/${key_id}/rotate`;
    const both = await Promise.all([api, other].map((server) => server.post(path, {}, bearer(ROOT_KEY))));
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  });

  test('no request fails while a key is rotated under load', async () => {
    let { key, key_id } = await createKey(api, { scopes: ['users:read', 'keys:write'] });
    let rotations = 0;
    let isOver = false;
    const failed: unknown[] = [];
    const load = [api, other].map(async (server) => {
      while (!isOver) {
        const result = await tryKey(server, key);
        if (result[0] !== 200) failed.push(result);
      }
    });
    for (; rotations < 20; rotations++) {
      const { body } = await api.post(`/api/v1/keys/${key_id}/rotate`, { overlap: '1m' }, bearer(key));
      ({ key, key_id } = body);
    }
    isOver = true;
    await Promise.all(load);
    expect(failed).toEqual([]);
  });
});

describe('tenants', () => {
  test('a key of a tenant acts for that tenant only', async () => {
    const { key } = await createKey(api, { scopes: ['users:read', 'events:write'] }, { tenant: 'acme' });
    const event = { user_id: 'of-acme', event_type: 'seen', event_timestamp: '2025-10-31T10:00:00Z' };
    expect((await api.post('/api/v1/events', event, bearer(key))).status).toBe(202);
    const find = async (headers: Record<string, string>) =>
      (await api.get('/api/v1/users?prefix=of-acme', headers)).body.users?.length;
    expect(await find(bearer(key))).toBe(1);
    expect(await find(bearer(ROOT_KEY))).toBe(0);
    expect(await find(bearer(key, { 'x-tidings-tenant': 'acme' }))).toBe(1);
    const foreign = await api.get('/api/v1/users', bearer(key, { 'x-tidings-tenant': 'rival' }));
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
  });

  test('keys of another tenant are not found', async () => {
    const { key_id } = await createKey(api, {}, { tenant: 'acme' });
    const { key } = await createKey(api, { scopes: ['keys:read', 'keys:write', 'users:read'] }, { tenant: 'rival' });
    for (const [method, path, body] of [
      ['GET', `/api/v1/keys/${key_id}`],
      ['PATCH', `/api/v1/keys/${key_id}`, { name: 'mine' }],
      ['DELETE', `/api/v1/keys/${key_id}`],
      ['POST', `/api/v1/keys/${key_id}/rotate`, {}],
    ] as const) {
      expect((await api.send(method, path, body, bearer(key))).status, method).toBe(404);
    }
    const { body } = await api.get('/api/v1/keys?limit=200', bearer(key));
    expect(body.keys.map((one: { key_id: string }) => one.key_id)).toEqual([key.slice(8, 16)]);
  });

  test('a key of the installation acts for every tenant; tenants do not see it', async () => {
    const scopes = ['users:read', 'tenants:read'];
    const { key, key_id } = await createKey(api, { scopes, is_installation: true });
    for (const tenant of ['default', 'acme', 'rival']) {
      expect((await api.get('/api/v1/users', bearer(key, { 'x-tidings-tenant': tenant }))).status).toBe(200);
    }
    const own = await createKey(api, { scopes: ['keys:read', 'keys:write'] });
    expect((await api.get(`/api/v1/keys/${key_id}`, bearer(own.key))).status).toBe(404);
    expect((await api.send('DELETE', `/api/v1/keys/${key_id}`, undefined, bearer(own.key))).status).toBe(404);
  });
});

test('the last use of a key is shown, exact to a minute', async () => {
  const { key, key_id } = await createKey(api);
  await tryKey(api, key);
  const read = async () => (await api.get(`/api/v1/keys/${key_id}`, bearer(ROOT_KEY))).body.last_used_at;
  const first = await until(read, (at) => at !== null);
  expect(first).toBe(new Date(tidings.clock.now).toISOString());
  tidings.clock.now += 59_000;
  await tryKey(other, key);
  tidings.clock.now += 2000;
  await tryKey(other, key);
  expect(await until(read, (at) => at !== first)).not.toBe(null);
});

test('the list has pages', async () => {
  for (let i = 0; i < 3; i++) await createKey(api, { name: `page ${i}` }, { tenant: 'acme' });
  const headers = bearer(ROOT_KEY, { 'x-tidings-tenant': 'acme' });
  const all = (await api.get('/api/v1/keys?limit=200', headers)).body.keys;
  const paged = [];
  for (let next: string | null = ''; next !== null; ) {
    const { body } = await api.get(`/api/v1/keys?limit=2&after=${next}`, headers);
    paged.push(...body.keys);
    next = body.next;
  }
  expect(paged).toEqual(all);
});

describe('the end of time', () => {
  test('a key that expires in the last year can be rotated as any other', async () => {
    const { key_id } = await createKey(api, { expires_at: '9999-12-31T23:59:59Z' });
    tidings.clock.now += 86_400_000;
    const rotated = await api.post(`/api/v1/keys/${key_id}/rotate`, { overlap: '0s' }, bearer(ROOT_KEY));
    expect([rotated.status, rotated.body.expires_at]).toEqual([201, '9999-12-31T23:59:59.999Z']);
  });

  test('an expiry in the year 10000 of UTC is named as what is wrong', async () => {
    const body = { name: 'late', scopes: ['users:read'], expires_at: '9999-12-31T23:59:59-23:00' };
    const { status, body: problem } = await api.post('/api/v1/keys', body, bearer(ROOT_KEY));
    expect([status, problem.code, problem.errors]).toMatchObject([
      400,
      'invalid_request',
      [{ pointer: '/expires_at' }],
    ]);
  });
});
