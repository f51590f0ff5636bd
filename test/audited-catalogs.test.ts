import { expect, test } from 'vitest';
import { useTenants } from './support/tenants.ts';

/** The audit log has which catalog version a tenant had before and after a change, also one that reached it as a follower. */

const api = useTenants();
const OTHER_FILES = {
  files: {
    'events.yaml': 'events: { came: {}, went: {} }\n',
    'rules.yaml': 'rules: {}\n',
    'notifications.yaml': 'notifications: {}\n',
  },
};

async function listEntries(tenant: string) {
  const { body } = await api.send('GET', '/api/v1/audit-log?action=catalog', undefined, tenant);
  return (body.entries as { action: string; before: object | null; after: object | null }[]).map(
    ({ action, before, after }) => ({ action, before, after }),
  );
}

test('an apply is an entry of each follower, with the versions before and after of that tenant', async () => {
  await api.create('base');
  await api.create('one', { follows: 'base' });
  await api.create('two', { follows: 'one' });
  expect((await api.send('POST', '/api/v1/catalog', OTHER_FILES, 'base')).body.changed).toBe(true);
  expect(await listEntries('base')).toMatchObject([
    { action: 'catalog.applied', before: { version: 1, follows: 'default' }, after: { version: 2, follows: null } },
  ]);
  expect(await listEntries('two')).toMatchObject([
    { action: 'catalog.applied', before: { version: 1, follows: 'one' }, after: { version: 2, follows: 'one' } },
  ]);
  await api.send('POST', '/api/v1/catalog/rollback', { version: 1 }, 'base');
  const [latest] = await listEntries('one');
  expect(latest).toMatchObject({ before: { version: 2 }, after: { version: 1 } });
  expect(await listEntries('one')).toHaveLength(2);
});

test('to follow, or to follow no longer, is an entry also if the content stays; the same again adds no entry', async () => {
  await api.create('own');
  await api.create('model');
  for (const _ of [1, 2]) await api.send('PUT', '/api/v1/catalog/follow', { tenant_id: 'model' }, 'own');
  expect(await listEntries('own')).toMatchObject([
    { action: 'catalog.followed', before: { version: 1, follows: 'default' }, after: { version: 1, follows: 'model' } },
  ]);
});

test('an apply of the content that a tenant has as a follower is an entry: it follows no longer', async () => {
  await api.create('shop');
  await api.create('twin', { follows: 'shop' });
  await api.send('POST', '/api/v1/catalog', OTHER_FILES, 'shop');
  for (const _ of [1, 2]) await api.send('POST', '/api/v1/catalog', OTHER_FILES, 'twin');
  expect(await listEntries('twin')).toMatchObject([
    { action: 'catalog.unfollowed', before: { version: 2, follows: 'shop' }, after: { version: 2, follows: null } },
    { action: 'catalog.applied' },
  ]);
});

test('a tenant that may not follow another one follows the same as before', async () => {
  await api.create('top');
  await api.create('below', { follows: 'top' });
  for (const wrong of ['below', 'top', 'nowhere']) {
    const { status } = await api.send('PUT', '/api/v1/catalog/follow', { tenant_id: wrong }, 'top');
    expect([wrong, status]).toEqual([wrong, 404]);
  }
  expect((await api.send('GET', '/api/v1/tenant', undefined, 'top')).body.follows).toBe('default');
  expect(await listEntries('top')).toEqual([]);
});
