import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { CatalogData, Millis } from '../model.ts';
import { recordChange } from './changes.ts';
import { timestamp, transaction } from './database.ts';

/**
 * Makes the catalog the active one of the tenant. The same content as the active version makes no new one.
 * Returns the version in force afterwards, and whether it is new.
 */
export async function applyCatalog(
  pool: pg.Pool,
  tenantId: string,
  data: CatalogData,
  by: string,
  now: Millis,
): Promise<{ version: number; changed: boolean }> {
  const content = JSON.stringify(data);
  const hash = createHash('sha256').update(content).digest('hex');
  return transaction(pool, async (connection) => {
    // Two processes that start together apply one after the other; the second finds its content active.
    await connection.query(`select pg_advisory_xact_lock(hashtextextended('catalog ' || $1, 0))`, [tenantId]);
    const { rows } = await connection.query<{ version: number; content_hash: string; highest: number }>(
      `select c.version, c.content_hash, (select max(version) from catalogs where tenant_id = $1) as highest
       from active_catalogs join catalogs as c using (tenant_id, version) where tenant_id = $1`,
      [tenantId],
    );
    const active = rows[0];
    if (active?.content_hash === hash) return { version: active.version, changed: false };
    const version = (active?.highest ?? 0) + 1;
    await connection.query(
      `insert into catalogs (tenant_id, version, content_hash, content, applied_at, applied_by) values ($1, $2, $3, $4, $5, $6)`,
      [tenantId, version, hash, content, timestamp(now), by],
    );
    await connection.query(
      `insert into active_catalogs (tenant_id, version) values ($1, $2)
       on conflict (tenant_id) do update set version = excluded.version`,
      [tenantId, version],
    );
    await recordChange(
      connection,
      { tenantId, actor: by, action: 'catalog.applied', subject: `version ${version}`, detail: { content_hash: hash } },
      now,
    );
    return { version, changed: true };
  });
}

export async function activeVersion(pool: pg.Pool, tenantId: string): Promise<number> {
  const { rows } = await pool.query<{ version: number }>({
    name: 'active-version',
    text: 'select version from active_catalogs where tenant_id = $1',
    values: [tenantId],
  });
  return rows[0]?.version ?? 0;
}

export async function loadCatalog(
  pool: pg.Pool,
  tenantId: string,
  version: number,
): Promise<{ data: CatalogData; appliedAt: Millis } | undefined> {
  const { rows } = await pool.query<{ content: CatalogData; applied_at: Millis }>(
    'select content, applied_at from catalogs where tenant_id = $1 and version = $2',
    [tenantId, version],
  );
  return rows[0] && { data: rows[0].content, appliedAt: rows[0].applied_at };
}
