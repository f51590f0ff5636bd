import { expect, test } from 'vitest';
import { useTenants } from './support/tenants.ts';

const api = useTenants();

/** Sends a POST twice under one key. In between, the kept response is lost, as with a process that dies before it keeps it. */
async function sendTwice(path: string, body: object) {
  const headers = api.headersOf('default', { 'idempotency-key': `${path} ${JSON.stringify(body)}` });
  const first = await api.server.send('POST', path, body, headers);
  await api.rows(`update idempotency_keys set status = null, sealed = null, locked_until = now() - interval '1 ms'`);
  return [first, await api.server.send('POST', path, body, headers)] as const;
}

test('a key is created once, and the text of the second response is the one that works', async () => {
  const [first, second] = await sendTwice('/api/v1/keys', { name: 'shop', scopes: ['users:read'] });
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body.key_id).toBe(first.body.key_id);
  const use = (key: string) => api.server.get('/api/v1/users', { authorization: `Bearer ${key}` });
  expect((await use(second.body.key)).status).toBe(200);
  expect((await use(first.body.key)).status).toBe(401);
});

test('a key is rotated once', async () => {
  const created = await api.send('POST', '/api/v1/keys', { name: 'rotated', scopes: ['users:read'] });
  const [first, second] = await sendTwice(`/api/v1/keys/${created.body.key_id}/rotate`, { overlap: '1h' });
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body.key_id).toBe(first.body.key_id);
  expect(second.body.replaced).toEqual(first.body.replaced);
});

test('a tenant is created once; the same id under another key is a conflict', async () => {
  const [first, second] = await sendTwice('/api/v1/tenants', { tenant_id: 'acme' });
  expect(second).toMatchObject({ status: 201, body: first.body });
  expect((await api.send('POST', '/api/v1/tenants', { tenant_id: 'acme' })).status).toBe(409);
});

test('a member is added once', async () => {
  const [first, second] = await sendTwice('/api/v1/members', { email: 'ann@example.com', role: 'viewer' });
  expect(first.status).toBe(201);
  expect(second).toMatchObject({ status: 201, body: first.body });
});
