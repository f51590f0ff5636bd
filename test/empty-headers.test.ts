import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { raw } from './support/raw.ts';
import { useTenants } from './support/tenants.ts';

/* A program whose variable is empty sends an empty header. Without the protection that it asks for, nothing is done. */

const api = useTenants();
const send = (method: string, path: string, body: unknown, headers: Record<string, string>) =>
  api.server.send(method, path, body, api.headersOf('default', headers));
const KEY = { name: 'shop', scopes: ['events:write'] };

test('an empty Idempotency-Key is rejected', async () => {
  const answer = await send('POST', '/api/v1/keys', KEY, { 'idempotency-key': '' });
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: 'idempotency-key' });
});

test('so is an empty If-Match', async () => {
  await api.create('edited');
  const answer = await send('PATCH', '/api/v1/tenants/edited', { name: 'Other' }, { 'if-match': '' });
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer: 'if-match' });
});

test('an empty X-Tidings-Tenant is not the default tenant', async () => {
  const answer = await send('POST', '/api/v1/keys', KEY, { 'x-tidings-tenant': '' });
  expect(answer).toMatchObject({ status: 404, body: { detail: expect.stringContaining('x-tidings-tenant') } });
});

test('several Idempotency-Key headers are rejected: joined, they would be another key in each repetition', async () => {
  const headers = { ...api.headersOf('default'), 'content-type': 'application/json', 'idempotency-key': ['a', 'a'] };
  const answer = await raw(api.server.url, {
    method: 'POST',
    path: '/api/v1/keys',
    headers,
    body: JSON.stringify(KEY),
  });
  expect(answer.status).toBe(400);
  expect(answer.body.errors[0].pointer).toBe('idempotency-key');
});

test('several spaces after Bearer are one', async () => {
  const { authorization = '' } = api.headersOf('default');
  const answer = await api.server.get('/api/v1/tenant', { authorization: authorization.replace(' ', '   ') });
  expect(answer.status).toBe(200);
});
