import { afterEach, beforeEach, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

/** Streams of readers who are no longer admitted. */

let inbox: InboxTidings;
beforeEach(async () => {
  inbox = await inboxTidings({ apiKeys: [ROOT_KEY], heartbeat: 100 });
});
afterEach(() => inbox.close());

const root = bearer(ROOT_KEY);

async function openOwn(lifetime: string) {
  const { body } = await inbox.server.post('/api/v1/users/ann/tokens', { lifetime }, root);
  const reader = await inbox.stream(inbox.server, null, bearer(body.token));
  await reader.until('counts');
  return reader;
}

test('a stream ends when its token has expired, also while nothing happens', async () => {
  const reader = await openOwn('2m');
  inbox.tidings.clock.now += 3 * 60_000;
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'token_expired' } });
});

test('nothing is written after the token has expired', async () => {
  const reader = await openOwn('2m');
  inbox.tidings.clock.now += 3 * 60_000;
  await inbox.tell('ann', 'too late');
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'token_expired' } });
  expect(reader.text()).not.toContain('too late');
});

test('a stream ends when the keys of its tokens are revoked, and those of other readers go on', async () => {
  const reader = await openOwn('1h');
  const backend = await inbox.stream(inbox.server, 'ann', root);
  await backend.until('counts');
  await inbox.server.post('/api/v1/signing-keys/rotate', { revoke: true }, root);
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'unauthorized' } });
  await inbox.tell('ann', 'still here');
  await backend.until('item');
});

test('a stream ends when its tenant is suspended', async () => {
  const reader = await openOwn('1h');
  await inbox.tidings.database.pool.query("update tenants set status = 'suspended' where tenant_id = 'default'");
  await inbox.tidings.database.pool.query('notify tidings_keys');
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'tenant_suspended' } });
});
