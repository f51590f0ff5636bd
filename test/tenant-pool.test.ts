import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tenantPool } from '../src/store/pg/tenant-pool.ts';
import { withTransaction, withTransactionRetry } from '../src/store/pg/transaction.ts';
import { useDatabase } from './support/database.ts';

/** The pool of one tenant does all that a pool does for the functions of the store, and sees one tenant. */

const database = useDatabase();
let acme: pg.Pool;
let beta: pg.Pool;

beforeAll(async () => {
  const { pool, tenants } = database();
  await pool.query(`insert into tenants (tenant_id, name) values ('acme', 'Acme'), ('beta', 'Beta')`);
  acme = tenants.forTenant('acme');
  beta = tenants.forTenant('beta');
});

const NAME = 'select name from tenants';
const names = async (pool: Pick<pg.Pool, 'query'>) => (await pool.query(NAME)).rows.map(({ name }) => name);

/** Backends whose session has a tenant although nothing runs on it. */
async function keptTenants(): Promise<string[]> {
  const sessions = await Promise.all(Array.from({ length: 6 }, () => database().tenants.requests.connect()));
  const found = [];
  for (const session of sessions) {
    const { rows } = await session.query(`select current_setting('tidings.tenant', true) as tenant`);
    found.push(rows[0].tenant);
    session.release();
  }
  return found;
}

describe('a statement', () => {
  test('has its tenant: as text, with values, and prepared under a name', async () => {
    expect(await names(acme)).toEqual(['Acme']);
    expect((await beta.query(`${NAME} where tenant_id <> $1`, ['x'])).rows).toEqual([{ name: 'Beta' }]);
    for (const pool of [acme, beta, acme, beta]) {
      const { rows } = await pool.query({ name: 'names', text: `${NAME} where name <> $1`, values: ['x'] });
      expect(rows).toEqual([{ name: pool === acme ? 'Acme' : 'Beta' }]);
    }
  });

  test('returns what a pool returns: count, rows, types', async () => {
    const result = await acme.query('select created_at, revision, null as nothing from tenants');
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 1 });
    expect(result.rows[0]).toEqual({ created_at: expect.any(Number), revision: 1, nothing: null });
    expect(await acme.query('update tenants set name = name')).toMatchObject({ command: 'UPDATE', rowCount: 1 });
    expect((await acme.query('select where false')).rows).toEqual([]);
  });

  test('that fails rejects, and leaves the connection usable', async () => {
    for (let i = 0; i < 20; i++) {
      await expect(acme.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
      await expect(acme.query({ name: 'wrong', text: 'select nothing' })).rejects.toMatchObject({ code: '42703' });
      await expect(acme.query('select; select')).rejects.toMatchObject({ code: '42601' });
      const circular: { self?: unknown } = {};
      circular.self = circular;
      await expect(acme.query('select $1::json', [circular])).rejects.toThrow(/circular/);
    }
    expect(await names(acme)).toEqual(['Acme']);
    expect(database().tenants.requests.totalCount).toBeLessThanOrEqual(6);
  });

  test('is planned once for a connection, also without a name', async () => {
    const text = 'select name, 1 as planned_once from tenants';
    for (let i = 0; i < 20; i++) await acme.query(text);
    const session = await database().tenants.requests.connect();
    const { rows } = await session.query('select name from pg_prepared_statements where statement = $1', [text]);
    session.release();
    expect(rows.length).toBeLessThanOrEqual(1);
    const { rows: one } = await acme.query(
      'select generic_plans + custom_plans as plans from pg_prepared_statements where statement = $1',
      [text],
    );
    for (const { plans } of one) expect(plans).toBeGreaterThan(0);
  });

  test('takes one round trip', async () => {
    const session = await database().tenants.requests.connect();
    // biome-ignore lint/suspicious/noExplicitAny: the driver's own connection, which its types do not have
    const { stream } = (session as any).connection;
    session.release();
    let packets = 0;
    stream.on('data', () => packets++);
    const own = tenantPool({ connect: async () => session, release: () => {} } as unknown as pg.Pool, 'acme');
    Object.assign(session, { release: () => {} });
    await own.query('select $1::int', [1]);
    const before = packets;
    await own.query('select $1::int', [1]);
    expect(packets - before).toBe(1);
  });
});

describe('a transaction', () => {
  test('has its tenant in each statement, and none afterwards', async () => {
    const seen = await withTransaction(acme, async (connection) => [
      ...(await names(connection)),
      ...(await names(connection)),
    ]);
    expect(seen).toEqual(['Acme', 'Acme']);
    expect(new Set(await keptTenants())).not.toContain('acme');
  });

  test('is rolled back by an error, and run again if that is worth it', async () => {
    let runs = 0;
    const work = withTransaction(acme, async (connection) => {
      await connection.query(`update tenants set name = 'Other'`);
      if (++runs < 3) await connection.query(`do $$ begin raise serialization_failure; end $$`);
      else throw new Error('enough');
    });
    await expect(work).rejects.toThrow('enough');
    expect(runs).toBe(3);
    expect(await names(acme)).toEqual(['Acme']);
  });

  test('may begin with an isolation level, have savepoints, and begin twice', async () => {
    const level = await withTransactionRetry(beta, async (connection) => {
      await connection.query('begin isolation level repeatable read');
      await connection.query('begin');
      await connection.query('savepoint s');
      await expect(connection.query('select 1 / 0')).rejects.toThrow();
      await connection.query('rollback to savepoint s');
      const { rows } = await connection.query(
        `select current_setting('transaction_isolation') as level, name from tenants`,
      );
      await connection.query('commit');
      return rows;
    });
    expect(level).toEqual([{ level: 'repeatable read', name: 'Beta' }]);
  });

  test('that was left open is not given to the next caller', async () => {
    const { requests } = database().tenants;
    const connection = await acme.connect();
    const { rows } = await connection.query('select pg_backend_pid() as pid');
    await connection.query('begin');
    connection.release();
    const pids = await Promise.all(Array.from({ length: 6 }, () => requests.query('select pg_backend_pid() as pid')));
    expect(pids.map((one) => one.rows[0].pid)).not.toContain(rows[0].pid);
  });
});

test('many tenants at once never see each other', async () => {
  const { pool, tenants } = database();
  const ids = Array.from({ length: 20 }, (_, n) => `t${n}`);
  await pool.query('insert into tenants (tenant_id, name) select id, id from unnest($1::text[]) as id', [ids]);
  const jobs = Array.from({ length: 600 }, async (_, n) => {
    const id = ids[n % ids.length] as string;
    const own = tenants.forTenant(id);
    if (n % 7 === 0) await own.query('select 1 / 0').catch(() => {});
    if (n % 5 === 0) return [id, await withTransaction(own, names)] as const;
    return [id, await names(own)] as const;
  });
  for (const [id, seen] of await Promise.all(jobs)) expect(seen).toEqual([id]);
  for (const kept of await keptTenants()) expect(kept || null).toBeNull();
});

afterAll(async () => {
  await database().pool.query(`delete from tenants where tenant_id <> 'default'`);
});
