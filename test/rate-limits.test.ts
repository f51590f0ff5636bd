import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY, tryKey, until } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let api: TestServer;
let other: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY], perMinute: 600 });
  other = await testServer(tidings, { apiKeys: [ROOT_KEY], perMinute: 600 });
});

afterAll(async () => {
  await api.close();
  await other.close();
  await tidings.close();
});

function getUsers(server: TestServer, key: string) {
  return server.get('/api/v1/users', bearer(key));
}

const event = { user_id: 'u1', event_type: 'seen', event_timestamp: '2025-10-31T10:00:00Z' };

describe('the limit of a key', () => {
  test('allows a minute of requests at once; the next one is rejected, and says when to come again', async () => {
    const { key } = await createKey(api, { per_minute: 5 });
    const remaining: (string | null)[] = [];
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await getUsers(api, key);
      expect(status).toBe(200);
      expect(headers.get('ratelimit-policy')).toBe('"default";q=5;w=60');
      remaining.push(headers.get('ratelimit'));
    }
    expect(remaining).toEqual([
      '"default";r=4;t=12',
      '"default";r=3;t=24',
      '"default";r=2;t=36',
      '"default";r=1;t=48',
      '"default";r=0;t=12',
    ]);
    const { status, headers, body } = await getUsers(api, key);
    expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'rate_limited', '12']);
    expect(headers.get('ratelimit')).toBe('"default";r=0;t=12');
    tidings.clock.now += 11_999;
    expect((await getUsers(api, key)).status).toBe(429);
    tidings.clock.now += 1;
    expect((await getUsers(api, key)).status).toBe(200);
    expect((await getUsers(api, key)).status).toBe(429);
  });

  test('is that of the installation unless the key has its own; a key of the environment has no limit', async () => {
    const { key } = await createKey(api);
    expect((await getUsers(api, key)).headers.get('ratelimit-policy')).toBe('"default";q=600;w=60');
    expect((await getUsers(api, ROOT_KEY)).headers.get('ratelimit')).toBe(null);
  });

  test('counts 100 events as one request, and never rejects a request half way', async () => {
    const { key } = await createKey(api, { per_minute: 20, scopes: ['events:write'] });
    const events = Array.from({ length: 1000 }, (_, i) => ({ ...event, event_id: `e${i}` }));
    const post = (items: unknown) => api.post('/api/v1/events', items, bearer(key));
    expect((await post(events)).headers.get('ratelimit')).toMatch(/r=10;/);
    expect((await post(event)).headers.get('ratelimit')).toMatch(/r=9;/);
    expect((await post(events.slice(0, 101))).headers.get('ratelimit')).toMatch(/r=7;/);
    const last = await post(events);
    expect([last.status, last.headers.get('ratelimit')]).toEqual([202, '"default";r=0;t=12']);
    expect((await post(event)).status).toBe(429);
  });

  test('holds for all processes together, up to some percent', async () => {
    const { key } = await createKey(api, { per_minute: 100 });
    let allowed = 0;
    for (let i = 0; i < 150; i++) {
      for (const server of [api, other]) if ((await getUsers(server, key)).status === 200) allowed++;
    }
    expect(allowed).toBeGreaterThanOrEqual(100);
    expect(allowed).toBeLessThanOrEqual(115);
    // The excess is missing afterwards.
    tidings.clock.now += 6000;
    const state = async (server: TestServer) => (await getUsers(server, key)).headers.get('ratelimit');
    const after = [await state(api), await state(other)];
    for (const one of after) expect(Number(/r=(\d+)/.exec(one ?? '')?.[1])).toBeLessThanOrEqual(10);
  });

  test('is forgotten neither when a key changes nor when a process starts', async () => {
    const { key, key_id } = await createKey(api, { per_minute: 3 });
    for (let i = 0; i < 3; i++) await getUsers(api, key);
    await api.send('PATCH', `/api/v1/keys/${key_id}`, { name: 'renamed' }, bearer(ROOT_KEY));
    expect(await tryKey(api, key)).toEqual([429, 'rate_limited']);
    const started = await testServer(tidings, { apiKeys: [ROOT_KEY] });
    await getUsers(started, key);
    expect(
      await until(
        () => tryKey(started, key),
        ([status]) => status === 429,
      ),
    ).toEqual([429, 'rate_limited']);
    await started.close();
  });
});

test('a clock that was an hour ahead leaves no key without its limit, in this process and in others', async () => {
  const { key } = await createKey(api, { per_minute: 10 });
  tidings.clock.now += 3_600_000;
  expect((await getUsers(api, key)).status).toBe(200);
  await until(
    () => tidings.database.pool.query('select from quotas where taken_until > $1', [tidings.clock.now]),
    ({ rowCount }) => rowCount !== 0,
  );
  tidings.clock.now -= 3_600_000;
  expect((await getUsers(api, key)).headers.get('ratelimit')).toBe('"default";r=9;t=6');
  expect((await getUsers(other, key)).status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for (const server of [api, other]) expect((await getUsers(server, key)).status).toBe(200);
});
