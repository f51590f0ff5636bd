import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { createKey, ROOT_KEY } from './support/api-keys.ts';
import { runCommand } from './support/cli.ts';
import { foldAll } from './support/metrics.ts';
import { useTenants } from './support/tenants.ts';

/** Commands beside operations of the API: what an operator lists and changes without writing requests. */

const api = useTenants();

beforeEach(() => {
  vi.stubEnv('TIDINGS_URL', api.server.url);
  vi.stubEnv('TIDINGS_API_KEY', ROOT_KEY);
});

const print = async (...args: string[]) => (await runCommand(...args)).text;
const parse = async (...args: string[]) => JSON.parse(await print(...args, '--json'));

test('a tenant follows the catalog of another one again, and the followers of a catalog are listed', async () => {
  await api.create('own');
  await api.create('base');
  expect(await parse('catalog', 'follow', 'base', '--tenant', 'own')).toEqual({ version: 1, changed: false });
  const { tenants } = await parse('tenants', 'list', '--follows', 'base');
  expect(tenants).toMatchObject([{ tenant_id: 'own', follows: 'base' }]);
  expect(await print('tenants', 'list', '--follows', 'own')).toBe('There are no such tenants.');
  expect(await parse('tenants', 'list', '--follows', 'default', '--limit', '1')).toMatchObject({ has_more: false });
  expect(await print('catalog', 'follow', 'default', '--tenant', 'own')).toMatch(
    /^The catalog of default is followed: version 1 is active, as before\.$/,
  );
  expect(await runCommand('catalog', 'follow', 'nowhere', '--tenant', 'own')).toMatchObject({ exitCode: 1 });
});

test('settings of a tenant are shown and changed with a key of it alone, and removed', async () => {
  await api.create('shop');
  const { key } = await createKey(api.server, { scopes: ['settings:read', 'settings:write'] }, { tenant: 'shop' });
  vi.stubEnv('TIDINGS_API_KEY', key);
  const changed = await parse('settings', 'update', '--zone', 'Asia/Tokyo', '--branding', '{"color":"#0044ff"}');
  expect(changed.settings).toEqual({ zone: 'Asia/Tokyo', branding: { color: '#0044ff' } });
  expect(await print('settings', 'show')).toContain('  branding: {"color":"#0044ff"}');
  const file = join(tmpdir(), `branding-${process.pid}.json`);
  await writeFile(file, '{"slogan":"Hi"}');
  const unset = ['--unset', 'zone', 'mail-from'];
  expect((await parse('settings', 'update', '--branding', `@${file}`, ...unset)).settings).toEqual({
    branding: { slogan: 'Hi' },
  });
  expect((await parse('settings', 'update', '--unset', 'branding')).settings).toEqual({});
  for (const wrong of ['nonsense', '[]', '@/nowhere/at/all']) {
    expect(await runCommand('settings', 'update', '--branding', wrong)).toMatchObject({ exitCode: 2 });
  }
  vi.stubEnv('TIDINGS_API_KEY', ROOT_KEY);
  expect((await parse('tenants', 'update', 'shop', '--branding', '{"a":1}')).settings).toEqual({ branding: { a: 1 } });
});

test('what each tenant used is listed with it', async () => {
  await api.create('busy');
  await api.post('busy', ['u1', 'u2', 'u3']);
  await foldAll(api.tidings.database.pool, api.tidings.clock.now);
  expect(await print('tenants', 'list', '--usage', '7')).toMatch(
    /^busy .* {2}3 events, 3 notifications, 0 messages sent$/m,
  );
  expect(await print('tenants', 'list')).not.toContain('events');
});

test('deliveries are listed by their status, and the message of one is shown', async () => {
  await api.create('mailer');
  await api.post('mailer', ['u1', 'u2']);
  const { deliveries } = await parse('deliveries', 'list', '--status', 'queued', '--tenant', 'mailer');
  expect(deliveries.map((one: { user_id: string }) => one.user_id).sort()).toEqual(['u1', 'u2']);
  const lines = (await print('deliveries', 'list', '--limit', '1', '--tenant', 'mailer')).split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/queued .* email .* MAIL {2}u[12] {2}0 attempts/),
    '… and more; see --limit',
  ]);
  await api.tidings.database.pool.query(
    `update deliveries set hold_code = 'quiet_hours', due_at = '2100-01-01' where tenant_id = 'mailer'`,
  );
  const held = await print('deliveries', 'list', '--limit', '1', '--tenant', 'mailer');
  expect(held).toMatch(/queued .* u[12] {2}0 attempts {2}\S+ {2}held: quiet_hours\n/);
  expect(await print('deliveries', 'list', '--status', 'dead', '--tenant', 'mailer')).toBe('No deliveries found.');
  expect((await runCommand('deliveries', 'list', '--status', 'lost')).exitCode).toBe(2);
  const id = deliveries[0].delivery_id;
  expect(await runCommand('deliveries', 'message', id, '--tenant', 'mailer')).toMatchObject({ exitCode: 1 });
});

test('rejected events are listed with what is wrong with each', async () => {
  await api.create('careless');
  expect(await print('rejected', 'list', '--tenant', 'careless')).toBe('No events are rejected.');
  await api.send('POST', '/api/v1/events', [{ event_id: 'bad', user_id: 'u1', event_type: 'came' }], 'careless');
  expect((await parse('rejected', 'list', '--tenant', 'careless')).rejected).toMatchObject([{ event_id: 'bad' }]);
  expect(await print('rejected', 'list', '--tenant', 'careless')).toMatch(/ {2}bad {2}\w+ {2}event_timestamp: /);
});

test('issuers are trusted, listed and deleted', async () => {
  await api.create('truster');
  const of = ['--tenant', 'truster'];
  expect(await print('issuers', 'list', ...of)).toBe('No issuer is trusted.');
  const trust = ['issuers', 'trust', 'https://id.example.com', '--jwks-url', 'https://id.example.com/jwks.json'];
  expect((await runCommand(...trust, ...of)).exitCode).toBe(2);
  const made = await parse(...trust, '--audience', 'app', 'web', '--user-claim', 'customer_uuid', ...of);
  expect(made).toMatchObject({ audiences: ['app', 'web'], user_claim: 'customer_uuid' });
  expect(await print('issuers', 'list', ...of)).toContain('for app,web');
  expect((await runCommand('issuers', 'delete', 'https://id.example.com', ...of)).exitCode).toBe(2);
  expect(await print('issuers', 'delete', 'https://id.example.com', '--yes', ...of)).toContain('Deleted: ');
  expect(await parse('issuers', 'list', ...of)).toEqual({ issuers: [] });
});

test('a token of a user is printed alone; a rotation that revokes asks first', async () => {
  await api.create('signer');
  const of = ['--tenant', 'signer'];
  const { text, errors } = await runCommand('tokens', 'create', 'u1', '--lifetime', '1h', ...of);
  const token = text.replace(`\n${errors}`, '');
  const me = () => api.server.get('/api/v1/me', { authorization: `Bearer ${token}` });
  expect((await me()).body).toMatchObject({ user_id: 'u1' });
  expect(await print('tokens', 'keys', ...of)).toMatch(/ signs$/);
  expect((await runCommand('tokens', 'rotate', '--revoke', ...of)).exitCode).toBe(2);
  expect(await print('tokens', 'rotate', '--revoke', '--yes', ...of)).toContain('signs from now on');
  expect((await me()).status).toBe(401);
  expect((await parse('tokens', 'keys', ...of)).signing_keys).toHaveLength(1);
});

test('an API key is changed, and keeps what no option names', async () => {
  const { key_id } = await createKey(api.server, { name: 'before', scopes: ['users:read'] });
  expect(await parse('keys', 'update', key_id, '--name', 'after', '--per-minute', '7')).toMatchObject({
    name: 'after',
    per_minute: 7,
    scopes: ['users:read'],
    expires_at: null,
  });
  expect((await parse('keys', 'update', key_id, '--scopes', 'users:read,jobs:read')).scopes).toHaveLength(2);
});
