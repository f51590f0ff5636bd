import { TENANT_FACTS } from '../dump/tables.ts';
import type { Connection } from '../pg/pool.ts';

/** Rows that one statement deletes. */
const CHUNK_ROWS = 1000;

/** Tables whose rows are deleted last: the audit log is read until the end, and `tenants` says that it is being deleted. */
const LAST_TABLES = ['audit_log', 'tenants'];

/** A table with rows of tenants, and its primary key. */
export interface TenantTable {
  readonly name: string;
  readonly key: readonly string[];
}

/** Returns the tables with rows of tenants, each before those that its rows refer to. `tenants` is not one of them. */
export async function listTenantTables(connection: Connection): Promise<TenantTable[]> {
  const { rows } = await connection.query<TenantTable>(
    `select c.relname as name, array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum)) as key
     from pg_class as c
     join pg_index as i on i.indrelid = c.oid and i.indisprimary
     join pg_attribute as a on a.attrelid = c.oid and a.attnum = any (i.indkey[0:i.indnkeyatts - 1])
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id')
     group by c.oid, c.relname order by c.oid desc`,
  );
  const last = ({ name }: TenantTable) => LAST_TABLES.indexOf(name);
  return rows.filter(({ name }) => name !== 'tenants').sort((a, b) => last(a) - last(b));
}

/** Deletes some messages of a tenant that wait for topics of others. Returns how many; 0: there are no more. */
export async function deleteFromTopicsOfOthers(connection: Connection, tenantId: string): Promise<number> {
  const { rowCount } = await connection.query(
    `delete from kafka_outbox where ctid = any(array(
       select ctid from kafka_outbox where for_tenant > '' and for_tenant = $1 limit ${CHUNK_ROWS} for update))`,
    [tenantId],
  );
  return rowCount ?? 0;
}

/** Deletes some rows of a tenant from a table. Returns how many; 0: it has no more. */
export async function deleteSome(
  connection: Connection,
  { name, key }: TenantTable,
  tenantId: string,
): Promise<number> {
  const columns = key.map((column) => `"${column}"`).join(', ');
  const { rowCount } = await connection.query(
    `delete from ${name} where (${columns}) in (
       select ${columns} from ${name} where tenant_id = $1 order by ${columns} limit ${CHUNK_ROWS})`,
    [tenantId],
  );
  return rowCount ?? 0;
}

/** Deletes the tenant itself, and facts about it, unless it still has a test tenant. Its other rows must be gone. */
export async function deleteTenantRow(connection: Connection, tenantId: string): Promise<void> {
  const { rowCount } = await connection.query('select from tenants where live_tenant_id = $1', [tenantId]);
  if (rowCount !== 0) return;
  await connection.query('delete from metadata where name = any($1::text[])', [
    TENANT_FACTS.map((fact) => `${fact} ${tenantId}`),
  ]);
  await connection.query('delete from held_receipts where account_tenant = $1', [tenantId]);
  await connection.query(`update tenants set follows = null where follows = $1`, [tenantId]);
  await connection.query(`delete from tenants where tenant_id = $1 and status = 'deleting'`, [tenantId]);
}
