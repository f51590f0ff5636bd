import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Seal } from '../../privacy/seal.ts';
import { createMonths, Partitions } from '../pg/partitions.ts';
import { addTenant, type LeftOut, withTestTenant } from './added-tenant.ts';
import { adoptFacts, completeRestore } from './complete-restore.ts';
import type { DumpHeader, TableEnd } from './format.ts';
import type { DumpPart, OpenedDump } from './read-dump.ts';
import { prepareTarget } from './restore-target.ts';
import { isTenantTable, MERGED_TABLES } from './tables.ts';
import { selectTenantRows } from './tenant-rows.ts';
import type { DumpProgress } from './write-dump.ts';

/** Longest wait for a lock that another session holds. */
const LOCK_TIMEOUT = '30s';

export interface RestoreOptions {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  /** The only tenant to restore; null: all that the dump has. */
  readonly tenant: string | null;
  /** Whether the workers may go on at once, as if the dumped installation had ended with the snapshot. */
  readonly resume: boolean;
  readonly clock: () => number;
  readonly onProgress?: (progress: DumpProgress) => void;
}

/** The result of a restore. */
export interface RestoreSummary {
  readonly header: DumpHeader;
  /** The restored tenant; null: all. */
  readonly tenant: string | null;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  readonly rows: number;
  /** Deliveries that were being sent at the time of the snapshot: they are in doubt, or queued again. */
  readonly rescued: number;
  /** Whether nothing is sent until `tidings resume`. */
  readonly paused: boolean;
  /** Null: all tenants were restored. */
  readonly left_out: LeftOut | null;
}

/**
 * Restores a dump in one transaction: a restore that fails or is killed leaves the database as it was. The dump is read once,
 * and checked completely before the commit.
 *
 * @throws ConfigError if the dump is damaged or does not fit, or the database is not one that it can be restored into
 */
export async function restoreDump({ header, parts }: OpenedDump, options: RestoreOptions): Promise<RestoreSummary> {
  const { pool, seal } = options;
  const target = { header, tenant: options.tenant ?? header.tenant };
  const connection = await pool.connect();
  try {
    await begin(connection);
    if (await prepareTarget(connection, target)) await createMonths(connection, header.partitions);
    else {
      // A running installation must not wait for the locks of new partitions until the end of the restore.
      await connection.query('rollback');
      await new Partitions(pool).ensureMonths(header.partitions);
      await begin(connection);
      await prepareTarget(connection, target);
    }
    const tables = await loadTables(connection, parts, options, target);
    await adoptFacts(connection, target, seal);
    const completed = await completeRestore(connection, {
      ...target,
      resume: options.resume,
      now: options.clock(),
    });
    await connection.query('commit');
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    return { header, tenant: target.tenant, tables, rows, ...completed };
  } finally {
    // Closed: after an error, the transaction ends with its session.
    connection.release(true);
  }
}

/** Begins the transaction. The settings of a session keep its statements from reading whole tables; here they may. */
async function begin(connection: pg.PoolClient): Promise<void> {
  await connection.query(
    `begin; set local enable_seqscan = on; set local enable_hashjoin = on; set local lock_timeout = '${LOCK_TIMEOUT}'`,
  );
}

async function loadTables(
  connection: pg.PoolClient,
  parts: AsyncGenerator<DumpPart, void>,
  { onProgress = () => {} }: RestoreOptions,
  { header, tenant }: { readonly header: DumpHeader; readonly tenant: string | null },
): Promise<{ table: string; rows: number }[]> {
  const loaded: { table: string; rows: number }[] = [];
  let [rows, bytes] = [0, 0];
  for (;;) {
    const { value: part } = await parts.next();
    if (!part || part.type === 'end') return loaded;
    if (part.type !== 'table') continue;
    const { name, columns } = part;
    const isMerged = MERGED_TABLES[name] !== undefined;
    const table = name === 'metadata' ? 'restored_facts' : isMerged ? `restored_${name}` : name;
    if (isMerged) await connection.query(`create temp table ${table} (like ${name}) on commit drop`);
    const list = columns.map((column) => `"${column}"`).join(', ');
    const sink: Writable & { rowCount: number } = connection.query(
      copyFrom(`copy ${table} (${list}) from stdin with (format text, encoding 'UTF8')`),
    );
    let end: TableEnd | undefined;
    async function* rowsOfTable(): AsyncGenerator<Buffer, void> {
      for (;;) {
        const { value: next } = await parts.next();
        if (next?.type !== 'rows') {
          end = next?.type === 'table end' ? next.end : undefined;
          return;
        }
        bytes += next.bytes.length;
        onProgress({ table: name, rows, bytes });
        yield next.bytes;
      }
    }
    const selected =
      tenant === null || tenant === header.tenant || !isTenantTable(name)
        ? rowsOfTable()
        : selectTenantRows(rowsOfTable(), withTestTenant(tenant));
    await pipeline(Readable.from(selected, { objectMode: false }), sink);
    if (name === 'tenants' && tenant !== null) await addTenant(connection, tenant, list);
    else if (isMerged) await mergeRows(connection, name, list);
    rows += end?.rows ?? 0;
    loaded.push({ table: name, rows: sink.rowCount });
  }
}

/** Adds the loaded rows to those of the table; they replace rows with the same key, and the tenant of a new installation. */
async function mergeRows(connection: pg.PoolClient, table: string, columns: string): Promise<void> {
  const replaced = columns.replace(/"(\w+)"/g, 'excluded."$1"');
  await connection.query(
    `insert into ${table} (${columns}) select ${columns} from restored_${table}
     on conflict (${MERGED_TABLES[table]}) do update set (${columns}) = row (${replaced})`,
  );
  if (table !== 'tenants') return;
  await connection.query('delete from tenants where tenant_id not in (select tenant_id from restored_tenants)');
}
