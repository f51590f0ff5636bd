import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Seal } from '../src/privacy/seal.ts';
import { rotateEncryption } from '../src/store/encryption/rotate-encryption.ts';
import { payment, type TestApi, testApi } from './support/api.ts';

/** Several addresses of a user under a new encryption key. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

test('all addresses of a user are sealed again, open with the new key alone, and keep their places and ids', async () => {
  const { tidings, server } = api;
  const event = payment({ user_traits: { email: 'maria@example.com' } });
  await server.post('/api/v1/events', event);
  const path = `/api/v1/users/${encodeURIComponent(String(event.user_id))}/addresses`;
  for (const address of ['ann@example.com', 'ben@example.com'])
    await server.post(path, { kind: 'email', address, primary: address.startsWith('b') });
  const before = (await server.get(path)).body;
  const newKey = randomBytes(32);
  const progress = await rotateEncryption(
    tidings.database.pool,
    new Seal([newKey, Buffer.from(tidings.key, 'base64')]),
    () => {},
  );
  expect(progress.unreadable).toBe(0);
  const { rows } = await tidings.database.pool.query('select sealed, user_id from addresses order by place');
  const alone = new Seal(newKey);
  expect(rows.map((row) => alone.open(row.sealed, `address\ndefault\n${row.user_id}\nemail`))).toEqual([
    'ben@example.com',
    'maria@example.com',
    'ann@example.com',
  ]);
  expect((await server.get(path)).body).toEqual(before);
});
