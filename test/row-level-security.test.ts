import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBypass } from '../src/store/pg/api-login.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { useDatabase } from './support/database.ts';
import { API_ROLE } from './support/postgres.ts';

/** The second wall between tenants, as PostgreSQL itself sees it: what the login of the API can and cannot do. */

const database = useDatabase();
/** A plain session of the API login: what an injected statement would have. */
let intruder: pg.Client;

beforeAll(async () => {
  const { pool, apiUrl } = database();
  await pool.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme'), ('beta', 'Beta')`);
  await pool.query(
    `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at)
     select tenant, 'u', '{}', '{}', '{}', now(), now() from unnest(array['acme', 'beta']) as tenant`,
  );
  intruder = new pg.Client({ connectionString: apiUrl });
  await intruder.connect();
});
afterAll(() => intruder.end());

/** Rows of the installation that are shown to each tenant, and changed by none: circuits of its accounts, and when they were open. */
const SHARED: { readonly [table: string]: string } = {
  circuits: '((tenant_id IS NULL) AND (domain IS NULL))',
  circuit_openings: '((tenant_id IS NULL) AND (account IS NULL))',
};

const SCHEMA = `relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`;

describe('every table', () => {
  test('is closed by row-level security', async () => {
    const { rows } = await database().pool.query(
      `select relname from pg_class where ${SCHEMA} and not relrowsecurity and relname <> 'migrations'`,
    );
    expect(rows).toEqual([]);
  });

  test('of tenants has the one policy of tenants, for reading and for writing', async () => {
    const { rows } = await database().pool.query<{ name: string; policies: unknown }>(
      `select relname as name,
              (select json_agg(json_build_array(polcmd, pg_get_expr(polqual, polrelid), polwithcheck is null) order by polcmd)
               from pg_policy where polrelid = c.oid) as policies
       from pg_class as c where ${SCHEMA} and not relispartition
         and exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id')`,
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { name, policies } of rows) {
      const tenant = `( SELECT current_setting('tidings.tenant'::text, true) AS current_setting)`;
      const shared = SHARED[name];
      expect(policies, name).toEqual([
        ['*', `(tenant_id = ${tenant})`, true],
        ...(shared ? [['r', shared, true]] : []),
      ]);
    }
  });
});

describe('the login of the API', () => {
  test('sees no row without a tenant, with an empty one, and after a transaction that had one', async () => {
    const count = async () => (await intruder.query('select from users')).rowCount;
    expect(await count()).toBe(0);
    await intruder.query(`select set_config('tidings.tenant', '', false)`);
    expect(await count()).toBe(0);
    await intruder.query(`begin; select set_config('tidings.tenant', 'acme', true)`);
    expect(await count()).toBe(1);
    await intruder.query('commit');
    expect(await count()).toBe(0);
  });

  test('sees the rows of its tenant only, whatever it asks for', async () => {
    await intruder.query(`begin; select set_config('tidings.tenant', 'acme', true)`);
    const seen = await intruder.query('select tenant_id from users union all select tenant_id from tenants');
    await intruder.query('rollback');
    expect(seen.rows).toEqual([{ tenant_id: 'acme' }, { tenant_id: 'acme' }]);
  });

  test('writes no row of another tenant', async () => {
    await intruder.query(`begin; select set_config('tidings.tenant', 'acme', true)`);
    const entry = (tenant: string) =>
      `insert into audit_log (tenant_id, entry_id, at, actor_kind, actor_id, actor, action, subject, detail)
       values ('${tenant}', gen_random_uuid(), now(), 'local', 'l', 'l', 'a', 's', '{}')`;
    await intruder.query(entry('acme'));
    await expect(intruder.query(entry('beta'))).rejects.toMatchObject({ code: '42501' });
    await intruder.query('rollback');
  });

  test.each([
    'select from sessions',
    'select from login_attempts',
    'select from metadata',
    'select from migrations',
    'update event_ids set user_id = user_id',
    'select from events_default',
    'delete from events',
    'update events set user_id = user_id',
    'delete from audit_log',
    'update audit_log set action = action',
    `update tenants set status = 'active'`,
    `update tenants set follows = null`,
    'delete from tenants',
    'insert into catalog_contents values ($$h$$, $${}$$)',
    'truncate users',
    'alter table users disable row level security',
    'alter table users no force row level security',
    'drop policy own_tenant on users',
    'create table own (id int)',
    'create role helper',
    'alter role tidings_api bypassrls',
    'set role tidings',
    'set session authorization tidings',
    'copy users from stdin',
    `copy (select 1) to '/nowhere'`,
    `copy (select 1) to program 'true'`,
  ])('must not: %s', async (statement) => {
    await expect(intruder.query(statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('gets no row by turning row-level security off for its session', async () => {
    await intruder.query('set row_security = off');
    await expect(intruder.query('select from users')).rejects.toMatchObject({ code: '42501' });
    await intruder.query('reset row_security');
  });
});

describe('a partition', () => {
  const openPartitions = async () => {
    const { rows } = await database().pool.query<{ name: string; granted: boolean; closed: boolean }>(
      `select relname as name, has_any_column_privilege($1, oid, 'select, insert, update, references') as granted,
              relrowsecurity as closed
       from pg_class where ${SCHEMA} and relispartition`,
      [API_ROLE],
    );
    return { names: rows.map(({ name }) => name), open: rows.filter(({ granted, closed }) => granted || !closed) };
  };

  test('of a month that is made later is closed', async () => {
    const before = await openPartitions();
    await new Partitions(database().pool).ensureAhead(Date.parse('2031-05-01T00:00:00Z'));
    const { names, open } = await openPartitions();
    expect(names.length).toBeGreaterThan(before.names.length);
    expect(names).toEqual(expect.arrayContaining(['events_2031_05', 'deliveries_2031_06']));
    expect(open).toEqual([]);
  });

  test('that a default partition was rebuilt into is closed', async () => {
    const { pool } = database();
    await pool.query(
      `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
       select 'acme', 'u', '2033-02-03', gen_random_uuid(), 't', now(), '{}', '{}', 1, '[]' from generate_series(1, 50)`,
    );
    const partitions = new Partitions(pool, { maxLockedRows: 5 });
    await partitions.ensureAhead(Date.parse('2033-02-01T00:00:00Z'));
    await partitions.settle();
    const { names, open } = await openPartitions();
    expect(names).toEqual(expect.arrayContaining(['events_2033_02', 'events_default']));
    expect(open).toEqual([]);
    const { rows } = await pool.query('select count(*) as events from events_2033_02');
    expect(rows).toEqual([{ events: 50 }]);
  });

  test('shows no row to a login that was granted it by mistake', async () => {
    const { pool } = database();
    await pool.query(`grant select on events_default, events_2033_02 to ${API_ROLE}`);
    await intruder.query(`begin; select set_config('tidings.tenant', 'acme', true)`);
    expect((await intruder.query('select from events_2033_02')).rowCount).toBe(0);
    expect((await intruder.query('select from events')).rowCount).toBe(50);
    await intruder.query('commit');
    await pool.query(`revoke all on events_default, events_2033_02 from ${API_ROLE}`);
  });
});

describe('the proof that row-level security holds', () => {
  test('succeeds for the login of the API', async () => {
    expect(await findBypass(database().pool, API_ROLE)).toBeNull();
  });

  test('fails for the owner, a superuser and an unknown role', async () => {
    const { pool } = database();
    const { rows } = await pool.query('select current_user as owner');
    expect(await findBypass(pool, rows[0].owner)).toMatch(/owns tables|superuser/);
    const { rows: admins } = await pool.query('select rolname as name from pg_roles where rolsuper limit 1');
    expect(await findBypass(pool, admins[0].name)).toMatch(/is a superuser/);
    expect(await findBypass(pool, 'nobody')).toMatch(/does not exist/);
  });

  test('fails if one table was opened', async () => {
    const { pool } = database();
    await pool.query('alter table events_default disable row level security');
    expect(await findBypass(pool, API_ROLE)).toBe('row-level security is not enabled on events_default');
    await pool.query('alter table events_default enable row level security');
    await pool.query('alter table users disable row level security');
    expect(await findBypass(pool, API_ROLE)).toBe('row-level security is not enabled on users');
    await pool.query('alter table users enable row level security');
  });
});
