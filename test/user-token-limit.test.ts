import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let server: TestServer;
beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [ROOT_KEY], perMinute: 50 });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

async function makeToken(user: string): Promise<string> {
  const { body } = await server.post(`/api/v1/users/${user}/tokens`, {}, bearer(ROOT_KEY));
  return body.token;
}

test('all tokens of one user together have a tenth of the limit of a key, and another user is not affected', async () => {
  const tokens = [await makeToken('ann'), await makeToken('ann')];
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++) statuses.push((await server.get('/api/v1/me', bearer(tokens[i % 2] as string))).status);
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
  const { body, headers } = await server.get('/api/v1/me', bearer(tokens[0] as string));
  expect(body).toMatchObject({ code: 'rate_limited', detail: expect.stringContaining('The user of the token') });
  expect(headers.get('retry-after')).toBe('12');
  expect((await server.get('/api/v1/me', bearer(await makeToken('ben')))).status).toBe(200);
  tidings.clock.now += 12_000;
  expect((await server.get('/api/v1/me', bearer(tokens[0] as string))).status).toBe(200);
});
