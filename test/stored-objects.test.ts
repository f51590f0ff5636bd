import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** Objects of the caller's own that the API stores: what cannot be stored is rejected. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

describe('branding of a tenant', () => {
  const send = (value: string) =>
    api.server.send('PATCH', '/api/v1/tenant', `{"settings":{"branding":{"a":${value}}}}`);

  test.each([
    ['5000 levels', nested(5000)],
    ['33 levels', nested(32)],
    ['U+0000', '"\\u0000"'],
    ['half a surrogate pair', '"\\ud800"'],
    ['U+0000 in a name', '{"\\u0000":1}'],
  ])('with %s is rejected with the place', async (_what, value) => {
    const { status, body } = await send(value);
    expect([status, body.code, body.errors?.[0].pointer]).toEqual([400, 'invalid_request', '/settings/branding']);
  });

  test('of 32 levels is stored as it is', async () => {
    const { status, body } = await send(nested(31));
    expect(status).toBe(200);
    expect(JSON.stringify(body.settings.branding.a)).toBe(nested(31));
  });
});

test('a static key of an issuer with 5000 levels is rejected', async () => {
  const body = `{"audiences":["app"],"public_keys":{"keys":[{"kty":"RSA","x":${nested(5000)}}]}}`;
  const answer = await api.server.send('PUT', '/api/v1/issuers/deep', body);
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request']);
});
