import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { createKey } from './support/api-keys.ts';
import { cutAfter } from './support/cut-pool.ts';
import { useTenants } from './support/tenants.ts';

const api = useTenants();
const { send } = api;

/** Returns the tables that have rows of a tenant or of its test keys. */
async function tablesOf(tenant: string): Promise<string[]> {
  const tables = await api.rows(
    `select c.relname as name from pg_class as c
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
       and exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await api.rows(`select from ${name} where tenant_id in ($1, $1 || '.test') limit 1`, [tenant]);
    if (rows.length > 0) found.push(name);
  }
  return found.sort();
}

async function fill(tenant: string): Promise<void> {
  await api.create(tenant);
  await api.post(tenant, ['a', 'b', 'c']);
  await send('POST', '/api/v1/events', [{ user_id: 'x' }], tenant);
  await send('POST', '/api/v1/jobs', { action: 'deliveries.retry', filter: {} }, tenant);
  await createKey(api.server, { environment: 'test' }, { tenant });
  await api.rows(
    `insert into exposures (tenant_id, user_id, rule, variant, at) values ($1, 'a', 'R', 'control', now())`,
    [tenant],
  );
  await api.rows(`insert into goal_events (tenant_id, user_id, event_time, targets) values ($1, 'a', now(), '[]')`, [
    tenant,
  ]);
  await api.rows(
    `insert into metric_rollups (tenant_id, grain, dimension, bucket) values ($1, 'day', 'channel', now())`,
    [tenant],
  );
  expect((await tablesOf(tenant)).length).toBeGreaterThan(10);
}

test('a deleted tenant is gone with every row, also those of its test keys, and others keep theirs', async () => {
  await fill('gone');
  await api.post('default', ['stays']);
  const deleted = await send('DELETE', '/api/v1/tenants/gone');
  expect(deleted).toMatchObject({ status: 202, body: { status: 'deleting' } });
  expectProblem(await send('GET', '/api/v1/users', undefined, 'gone'), { status: 403, code: 'tenant_suspended' });
  expectProblem(await send('POST', '/api/v1/tenants', { tenant_id: 'gone' }), {
    status: 409,
    code: 'tenant_exists',
    pointer: '/tenant_id',
  });
  await api.keep();
  await api.keep();
  expect(await tablesOf('gone')).toEqual([]);
  expectProblem(await send('GET', '/api/v1/tenants/gone'), { status: 404, code: 'not_found' });
  expect((await api.rows(`select from users where tenant_id = 'default' and user_id = 'stays'`)).length).toBe(1);
  const { body } = await send('GET', '/api/v1/audit-log?subject=gone&action=tenant.deleted');
  expect(body.entries).toHaveLength(1);
  await api.create('gone');
  expect((await send('GET', '/api/v1/users', undefined, 'gone')).body.users).toEqual([]);
});

test('a deletion that is cut off after any number of statements is completed by the next keeper', async () => {
  await fill('cut');
  await send('DELETE', '/api/v1/tenants/cut');
  for (let allowed = 1; (await tablesOf('cut')).length > 0; allowed += 3) {
    await api.keep(cutAfter(api.tidings.pool, allowed));
    expect(allowed).toBeLessThan(400);
  }
  expect(await tablesOf('cut')).toEqual([]);
});

test('a tenant that others follow is not deleted until they follow another one', async () => {
  await api.create('base');
  await api.create('follower', { follows: 'base' });
  const rejected = await send('DELETE', '/api/v1/tenants/base');
  expectProblem(rejected, { status: 409, code: 'tenant_in_use' });
  expect(rejected.body.detail).toContain('follower');
  await send('PUT', '/api/v1/catalog/follow', { tenant_id: 'default' }, 'follower');
  expect((await send('DELETE', '/api/v1/tenants/base')).status).toBe(202);
  expectProblem(await send('POST', '/api/v1/tenants/base/resume'), { status: 409, code: 'tenant_in_use' });
});
