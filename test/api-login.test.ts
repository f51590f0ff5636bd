import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkIsolation } from '../src/health/database-checks.ts';
import { requireIsolation, type TenantDatabase } from '../src/store/pg/tenant-database.ts';
import { type ExternalDatabase, useExternalServer } from './support/external-server.ts';

/** The login of the API on a server that Tidings did not make. */

const server = useExternalServer();

const ISOLATED = { shared: null, database: { isIsolated: true } };

async function seen(database: TenantDatabase, tenantId: string): Promise<string[]> {
  const { rows } = await database.forTenant(tenantId).query('select tenant_id from tenants');
  return rows.map(({ tenant_id }) => tenant_id);
}

async function addTenant({ owner }: ExternalDatabase): Promise<void> {
  await owner.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme')`);
}

async function passwords(): Promise<string[]> {
  const { rows } = await server.admin.query(
    `select rolname || ' ' || rolpassword as password from pg_authid where rolname like 'tidings_api%' order by 1`,
  );
  return rows.map(({ password }) => password);
}

async function nameOf({ owner }: ExternalDatabase): Promise<string> {
  const { rows } = await owner.query('select oid from pg_database where datname = current_database()');
  return `tidings_api_${rows[0].oid}`;
}

describe('an owner that may create roles', () => {
  test('gets a login of the API at the first start, and the same one at the next', async () => {
    const external = await server.createDatabase('createrole');
    const first = await external.start();
    expect(first).toMatchObject(ISOLATED);
    await addTenant(external);
    expect(await seen(first.database, 'acme')).toEqual(['acme']);
    expect(await seen(first.database, 'default')).toEqual(['default']);
    await requireIsolation(first.database);
    const before = await passwords();
    expect(await external.start()).toMatchObject(ISOLATED);
    expect(await passwords()).toEqual(before);
  });

  test('gets one login when several processes start at once', async () => {
    const external = await server.createDatabase('createrole');
    const started = await Promise.all(Array.from({ length: 4 }, () => external.start()));
    for (const one of started) {
      expect(one).toMatchObject(ISOLATED);
      expect(await seen(one.database, 'default')).toEqual(['default']);
    }
  });

  test('keeps the login when the encryption key is rotated', async () => {
    const external = await server.createDatabase('createrole');
    await external.start();
    const before = await passwords();
    const rotated = await external.start({ keys: [randomBytes(32), external.key] });
    expect(rotated).toMatchObject(ISOLATED);
    expect(await passwords()).toEqual(before);
  });

  test('gets a login for each of two databases on one server', async () => {
    const [one, two] = [await server.createDatabase('createrole'), await server.createDatabase('createrole')];
    expect(await one.start()).toMatchObject(ISOLATED);
    expect(await two.start()).toMatchObject(ISOLATED);
    expect(await nameOf(one)).not.toBe(await nameOf(two));
  });

  test('completes what a killed start has left: a role without rights, or with another password', async () => {
    const external = await server.createDatabase('createrole');
    const name = await nameOf(external);
    await external.owner.query(`create role ${name} login password 'of another key'`);
    await external.owner.query(`grant select on users, metadata to ${name}`);
    const { database } = await external.start();
    expect(await seen(database, 'default')).toEqual(['default']);
    await expect(database.requests.query('select from metadata')).rejects.toMatchObject({ code: '42501' });
  });

  test('gets no login from a start that must not change the schema', async () => {
    const external = await server.createDatabase('createrole');
    const { database, shared } = await external.start({ migrates: false });
    expect(database.isIsolated).toBe(false);
    expect(shared).toMatch(/rejects the login of the API/);
    await external.start();
    expect(await external.start({ migrates: false })).toMatchObject(ISOLATED);
  });
});

describe('an owner that must not create roles', () => {
  test('serves one tenant with one login, says so, and rejects a second tenant', async () => {
    const external = await server.createDatabase('');
    const { database, shared } = await external.start();
    expect(shared).toBe('the login of DATABASE_URL must not create roles');
    expect(await seen(database, 'default')).toEqual(['default']);
    await expect(requireIsolation(database)).rejects.toMatchObject({
      code: 'tenant_isolation_unavailable',
      status: 409,
    });
  });

  test('does not start with two tenants', async () => {
    const external = await server.createDatabase('');
    await addTenant(external);
    await expect(external.start()).rejects.toThrow(/several tenants.*TIDINGS_API_DATABASE_URL/);
  });

  test('uses the login that the documented statement makes, and grants it its rights', async () => {
    const external = await server.createDatabase('');
    await addTenant(external);
    await server.admin.query(`create role documented login password 'p' nosuperuser nocreaterole nobypassrls`);
    const started = await external.start({ apiUrl: external.urlOf('documented', 'p') });
    expect(started).toMatchObject(ISOLATED);
    expect(await seen(started.database, 'acme')).toEqual(['acme']);
  });
});

describe('a configured login ends the start', () => {
  test.each([
    ['superuser', 'superuser', /is a superuser/],
    ['bypassing', 'bypassrls', /has BYPASSRLS/],
    ['creating', 'createrole', /has CREATEROLE/],
    ['reading_files', 'in role pg_read_server_files', /is a member of a role/],
  ])('if it is %s', async (name, attributes, cause) => {
    const external = await server.createDatabase('');
    await server.admin.query(`create role ${name} login password 'p' ${attributes}`);
    await expect(external.start({ apiUrl: external.urlOf(name, 'p') })).rejects.toThrow(cause);
  });

  test('if it is the owner, or a member of the owner, directly or not', async () => {
    const external = await server.createDatabase('');
    await expect(external.start({ apiUrl: external.url })).rejects.toThrow(/owns tables/);
    await server.admin.query(`create role between_roles in role ${external.name};
      create role member login password 'p' noinherit in role between_roles`);
    await expect(external.start({ apiUrl: external.urlOf('member', 'p') })).rejects.toThrow(/is a member of the role/);
  });

  test('if its password is wrong, or it acts as another role', async () => {
    const external = await server.createDatabase('');
    await server.admin.query(`create role acting login password 'p'; create role acted; grant acted to acting;
      alter role acting set role = acted`);
    await expect(external.start({ apiUrl: external.urlOf('acting', 'wrong') })).rejects.toThrow(/cannot be used/);
    await expect(external.start({ apiUrl: external.urlOf('acting', 'p') })).rejects.toThrow(/acts as acted/);
  });
});

test('the ready check fails as soon as the login may bypass row-level security', async () => {
  const external = await server.createDatabase('createrole');
  const { database } = await external.start();
  expect(await checkIsolation(database).run()).toMatchObject({ status: 'ok' });
  await server.admin.query(`alter role ${await nameOf(external)} bypassrls`);
  expect(await checkIsolation(database).run()).toMatchObject({
    status: 'failing',
    cause: expect.stringMatching(/has BYPASSRLS/),
  });
  await expect(requireIsolation(database)).rejects.toMatchObject({ code: 'tenant_isolation_unavailable' });
});
