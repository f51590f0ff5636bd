import type pg from 'pg';
import type { CatalogData } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import type { ActiveVersion } from '../model/release.ts';
import { isoTime } from '../time/iso-time.ts';

export interface CatalogVersionView {
  readonly version: number;
  readonly active: boolean;
  readonly applied_at: string;
  readonly applied_by: string;
  readonly rules: number;
  readonly notifications: number;
  /** When and by which actor it became active, newest first; at most MAX_SHOWN_ACTIVATIONS. */
  readonly activations: readonly ActivationView[];
}

export interface ActivationView {
  readonly kind: 'applied' | 'rolled_back' | 'released';
  readonly at: string;
  readonly by: string;
  /** For a rollback and a release, the version that was active before. */
  readonly from?: number;
}

/** Activations of a version that a list shows. */
const MAX_SHOWN_ACTIVATIONS = 10;
/** Latest activations of a tenant that a list looks at. */
const MAX_EXAMINED_ACTIVATIONS = 1000;

/** Lists at most `limit` versions, newest first. */
export async function listCatalogs(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  before: number | null = null,
): Promise<CatalogVersionView[]> {
  const { rows } = await pool.query(
    `select c.version, c.version = a.version as active, c.applied_at, c.applied_by,
            jsonb_array_length(content -> 'rules') as rules,
            jsonb_array_length(content -> 'notifications') as notifications
     from catalogs as c join catalog_contents using (content_hash) left join active_catalogs as a using (tenant_id)
     where c.tenant_id = $1 and ($3::int is null or c.version < $3) order by c.version desc limit $2`,
    [tenantId, limit, before],
  );
  const activations = await loadActivations(pool, tenantId);
  return rows.map((row) => ({
    ...row,
    applied_at: isoTime(row.applied_at),
    activations: (activations.get(row.version) ?? []).slice(0, MAX_SHOWN_ACTIVATIONS),
  }));
}

const KINDS: { readonly [action: string]: ActivationView['kind'] } = {
  'catalog.applied': 'applied',
  'catalog.rolled_back': 'rolled_back',
  'release.finished': 'released',
};

/** Returns the latest activations by version, newest first, from the audit log. */
async function loadActivations(pool: pg.Pool, tenantId: string): Promise<Map<number, ActivationView[]>> {
  const { rows } = await pool.query<{
    at: Millis;
    actor: string;
    action: string;
    version: number;
    from: number | null;
  }>(
    `select at, actor, action, coalesce((detail ->> 'to')::int, substr(subject, 9)::int) as version,
            (detail ->> 'from')::int as from
     from audit_log where tenant_id = $1 and action in ('catalog.applied', 'catalog.rolled_back', 'release.finished')
     order by entry_id desc limit ${MAX_EXAMINED_ACTIVATIONS}`,
    [tenantId],
  );
  const byVersion = new Map<number, ActivationView[]>();
  for (const { at, actor, action, version, from } of rows) {
    const kind = KINDS[action] ?? 'applied';
    const activation = { kind, at: isoTime(at), by: actor, ...(from === null ? {} : { from }) } as const;
    const known = byVersion.get(version);
    if (known) known.push(activation);
    else byVersion.set(version, [activation]);
  }
  return byVersion;
}

/** Returns the versions that decide about the users of a tenant; version 0: no catalog was applied yet. */
export async function loadActiveVersion(pool: pg.Pool, tenantId: string): Promise<ActiveVersion> {
  const { rows } = await pool.query<ActiveVersion>({
    name: 'active-version',
    text: 'select version, release from active_catalogs where tenant_id = $1',
    values: [tenantId],
  });
  return rows[0] ?? { version: 0, release: null };
}

/** Returns the hash of the content of a version, and when it was applied. */
export async function loadCatalogHead(
  pool: pg.Pool,
  tenantId: string,
  version: number,
): Promise<{ hash: string; appliedAt: Millis } | undefined> {
  const { rows } = await pool.query<{ hash: string; appliedAt: Millis }>(
    'select content_hash as hash, applied_at as "appliedAt" from catalogs where tenant_id = $1 and version = $2',
    [tenantId, version],
  );
  return rows[0];
}

/** Returns a version; `chars` is the size of its content as JSON, in characters. */
export async function loadCatalog(
  pool: pg.Pool,
  tenantId: string,
  version: number,
): Promise<{ data: CatalogData; appliedAt: Millis; chars: number } | undefined> {
  const { rows } = await pool.query<{ content: CatalogData; applied_at: Millis; chars: number }>(
    `select content, applied_at, length(content::text) as chars
     from catalogs join catalog_contents using (content_hash) where tenant_id = $1 and version = $2`,
    [tenantId, version],
  );
  return rows[0] && { data: rows[0].content, appliedAt: rows[0].applied_at, chars: rows[0].chars };
}

/**
 * Loads every applied catalog, by version.
 * @param maxBytes of their contents as they are stored: the newest ones that fit, and at least the newest; null: all
 * @param versions only these; null: all
 */
export async function loadCatalogs(
  pool: pg.Pool,
  tenantId: string,
  maxBytes: number | null = null,
  versions: readonly number[] | null = null,
): Promise<Map<number, CatalogData>> {
  const { rows } = await pool.query<{ version: number; content: CatalogData }>(
    `select version, content from catalogs join catalog_contents using (content_hash)
     join (select version, sum(pg_column_size(content)) over (order by version desc) - pg_column_size(content) as newer
           from catalogs join catalog_contents using (content_hash)
           where tenant_id = $1 and ($3::int[] is null or version = any($3))) as s using (version)
     where tenant_id = $1 and ($2::bigint is null or newer < $2)`,
    [tenantId, maxBytes, versions],
  );
  return new Map(rows.map(({ version, content }) => [version, content]));
}
