import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { useTenants } from './support/tenants.ts';

const api = useTenants();
const send = api.send;

const toFiles = (name: string) => ({
  'events.yaml': 'events: { came: {} }\n',
  'notifications.yaml': `notifications: { ${name}: { category: TRANSACTIONAL, channels: [internal] } }\n`,
  'rules.yaml': 'rules: {}\n',
});
const apply = (tenant: string, name: string) => send('POST', '/api/v1/catalog', { files: toFiles(name) }, tenant);
const typesOf = async (tenant: string): Promise<string[]> =>
  (await send('GET', '/api/v1/catalog', undefined, tenant)).body.notifications.map(
    ({ name }: { name: string }) => name,
  );

test('an apply reaches all followers at once, also those of followers, and each has its own history', async () => {
  await api.create('one');
  await api.create('two', { follows: 'one' });
  expect((await apply('default', 'FIRST')).status).toBe(200);
  for (const tenant of ['default', 'one', 'two']) expect(await typesOf(tenant)).toEqual(['FIRST']);
  const { body } = await send('GET', '/api/v1/catalog/versions', undefined, 'two');
  expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
  const [entry] = await api.rows(`select detail from audit_log where tenant_id = 'two' and action = 'catalog.applied'`);
  expect(entry.detail).toMatchObject({ follows: 'default' });
});

test('a tenant that applies its own catalog follows no longer, until it asks for it', async () => {
  await api.create('own');
  expect((await apply('own', 'OWN')).status).toBe(200);
  expect((await send('GET', '/api/v1/tenant', undefined, 'own')).body.follows).toBeNull();
  await apply('default', 'SECOND');
  expect(await typesOf('own')).toEqual(['OWN']);
  const followed = await send('PUT', '/api/v1/catalog/follow', { tenant_id: 'default' }, 'own');
  expect(followed).toMatchObject({ status: 200, body: { changed: true } });
  expect(await typesOf('own')).toEqual(['SECOND']);
  await apply('default', 'THIRD');
  expect(await typesOf('own')).toEqual(['THIRD']);
});

test('a rollback carries on to the followers, under their own version numbers', async () => {
  await api.create('rolled');
  await apply('default', 'LATER');
  const { body } = await send('GET', '/api/v1/catalog/versions');
  await send('POST', '/api/v1/catalog/rollback', { version: body.versions[1].version });
  expect(await typesOf('rolled')).toEqual(await typesOf('default'));
  expect(await typesOf('default')).not.toEqual(['LATER']);
});

test('no tenant follows itself, a follower of its own, or one that does not exist', async () => {
  await api.create('base');
  await api.create('follower', { follows: 'base' });
  for (const tenant of ['base', 'follower', 'unknown', 'base.test']) {
    const answer = await send('PUT', '/api/v1/catalog/follow', { tenant_id: tenant }, 'base');
    expectProblem(answer, { status: 404, code: 'not_found', pointer: '/tenant_id' });
    expect((await send('GET', '/api/v1/tenant', undefined, 'base')).body.follows).toBe('default');
  }
});

test('a thousand followers share one content, and get it in one transaction of few statements', async () => {
  await api.rows(
    `with added as (insert into tenants (tenant_id, name, follows) select 'many' || n, 'x', 'default' from generate_series(1, 1000) as n
       returning tenant_id)
     select count(*) from added`,
  );
  const before = await api.rows('select count(*)::int as n from catalog_contents');
  expect((await apply('default', 'SHARED')).status).toBe(200);
  const after = await api.rows('select count(*)::int as n from catalog_contents');
  expect(after[0].n).toBe(before[0].n + 1);
  const active = await api.rows(
    `select count(*)::int as n from active_catalogs join catalogs using (tenant_id, version)
     where content_hash = (select content_hash from active_catalogs join catalogs using (tenant_id, version) where tenant_id = 'default')
       and tenant_id like 'many%'`,
  );
  expect(active).toEqual([{ n: 1000 }]);
});

test('applies of a base and of its followers at the same time end in one order', async () => {
  await Promise.all(['left', 'right'].map((id) => api.create(id)));
  const names = ['A1', 'A2', 'A3', 'A4'];
  const applied = await Promise.all(names.flatMap((name) => [apply('default', name), apply('left', `L${name}`)]));
  expect(applied.map(({ status }) => status)).toEqual(applied.map(() => 200));
  expect(await typesOf('right')).toEqual(await typesOf('default'));
  expect((await typesOf('left'))[0]).toMatch(/^LA/);
});
