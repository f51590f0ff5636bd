import { expect, test } from 'vitest';
import { useTenants } from './support/tenants.ts';

const api = useTenants();
const send = api.send;

const FILES = {
  'events.yaml': 'events: { came: {} }\n',
  'notifications.yaml': 'notifications: { OWN: { category: TRANSACTIONAL, channels: [internal] } }\n',
  'rules.yaml': 'rules: {}\n',
};
const follow = (tenant: string, base: string) => send('PUT', '/api/v1/catalog/follow', { tenant_id: base }, tenant);
const read = async (tenant: string) => (await send('GET', '/api/v1/tenant', undefined, tenant)).body;
const actionsOf = async (tenant: string) =>
  (await send('GET', '/api/v1/audit-log?action=catalog.', undefined, tenant)).body.entries.map(
    ({ action, before, after }: { action: string; before: unknown; after: unknown }) => ({ action, before, after }),
  );

test('a rejected request to follow changes nothing', async () => {
  await api.create('base');
  await api.create('middle', { follows: 'base' });
  await api.create('leaf', { follows: 'middle' });
  const before = await read('base');
  for (const tenant of ['base', 'middle', 'leaf', 'unknown']) {
    expect((await follow('base', tenant)).status).toBe(404);
    expect(await read('base')).toEqual(before);
  }
  expect((await send('DELETE', '/api/v1/tenants/leaf')).status).toBe(202);
});

test('of two tenants that begin to follow each other at the same time, one does', async () => {
  for (const round of [1, 2, 3]) {
    const [a, b] = [`left${round}`, `right${round}`];
    await api.create(a);
    await api.create(b);
    const answers = await Promise.all([follow(a, b), follow(b, a)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    const bases = [(await read(a)).follows, (await read(b)).follows];
    expect(bases).toContain('default');
  }
});

test('the tenant that another one follows is a part of it: a new revision, and an entry in the audit log', async () => {
  await api.create('other');
  await api.create('mover');
  const before = await read('mover');
  expect(await follow('mover', 'other')).toMatchObject({ status: 200, body: { changed: false } });
  const after = await read('mover');
  expect(after).toMatchObject({ follows: 'other', revision: before.revision + 1 });
  expect(await actionsOf('mover')).toMatchObject([
    { action: 'catalog.followed', before: { follows: 'default' }, after: { follows: 'other' } },
  ]);
  await follow('mover', 'other');
  expect(await read('mover')).toEqual(after);
});

test('a catalog of its own ends that a tenant follows, also if the content is the same', async () => {
  await send('POST', '/api/v1/catalog', { files: FILES });
  await api.create('same');
  const applied = await send('POST', '/api/v1/catalog', { files: FILES }, 'same');
  expect(applied).toMatchObject({ status: 200, body: { changed: false } });
  expect((await read('same')).follows).toBeNull();
  const [{ action, after }] = await actionsOf('same');
  expect({ action, after }).toMatchObject({ action: 'catalog.unfollowed', after: { follows: null } });
});

test('a rollback to the version that is active ends it as well', async () => {
  await api.create('still');
  const { body } = await send('GET', '/api/v1/catalog/versions', undefined, 'still');
  const rolledBack = await send('POST', '/api/v1/catalog/rollback', { version: body.versions[0].version }, 'still');
  expect(rolledBack).toMatchObject({ status: 200, body: { changed: false } });
  expect((await read('still')).follows).toBeNull();
});
