import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import { bearer, type TestIssuer, type TestKey, testIssuer } from './support/tokens.ts';

let api: TestApi;
let issuer: TestIssuer;
let key: TestKey;

beforeAll(async () => {
  api = await testApi();
  issuer = await testIssuer(() => api.tidings.clock.now);
  key = await issuer.makeKey('one');
  const body = { public_keys: { keys: issuer.keys }, audiences: ['app'] };
  await api.server.send('PUT', `/api/v1/issuers/${encodeURIComponent(issuer.issuer)}`, body);
});
afterAll(async () => {
  await issuer.close();
  await api.close();
});

test('an expiry in milliseconds is rejected: the token would be valid for 50,000 years', async () => {
  const exp = api.tidings.clock.now + 600_000;
  const answer = await api.server.get('/api/v1/me', bearer(await key.sign({ exp })));
  expectProblem(answer, { status: 401, code: 'unauthorized' });
  expect(answer.body.detail).toContain('in seconds');
  expect((await api.server.get('/api/v1/me', bearer(await key.sign()))).status).toBe(200);
});
