import type { Millis } from '../../model/event.ts';
import { type Actor, type Environment, isTestTenant, type Scope, testTenantId } from '../../model/principal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { copyCatalog } from '../catalog-followers.ts';
import type { Connection } from '../pg/pool.ts';

/** Channel of the announcement that a key or a tenant has changed: processes forget what they know of them. */
export const KEYS_CHANNEL = 'tidings_keys';

/** An API key as it is stored: not with its text, but with a hash of it. */
export interface StoredKey {
  readonly keyId: string;
  /** Tenant of the data. */
  readonly tenantId: string;
  readonly name: string;
  /** SHA-256 of the text of the key. */
  readonly hash: Buffer;
  readonly last4: string;
  readonly isInstallation: boolean;
  readonly scopes: readonly Scope[];
  /** Requests per minute; null: the default. */
  readonly perMinute: number | null;
  readonly createdBy: Actor;
  readonly createdAt: Millis;
  /** Null: it does not expire. */
  readonly expiresAt: Millis | null;
  readonly revokedAt: Millis | null;
  /** The key that it replaces. */
  readonly rotatedFrom: string | null;
  /** The key that replaces it. */
  readonly replacedBy: string | null;
  /** Exact to a minute. */
  readonly lastUsedAt: Millis | null;
}

/** A key to be stored. */
export type NewKey = Omit<StoredKey, 'revokedAt' | 'replacedBy' | 'lastUsedAt'>;

const COLUMNS = `key_id as "keyId", tenant_id as "tenantId", name, hash, last4, is_installation as "isInstallation", scopes,
  per_minute as "perMinute", created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
  revoked_at as "revokedAt", rotated_from as "rotatedFrom", last_used_at as "lastUsedAt",
  (select newer.key_id from api_keys as newer where newer.tenant_id = k.tenant_id and newer.rotated_from = k.key_id limit 1)
    as "replacedBy"`;

/** Returns null for an unknown id. */
export async function loadKey(connection: Connection, keyId: string): Promise<StoredKey | null> {
  const { rows } = await connection.query<StoredKey>({
    name: 'load-api-key',
    text: `select ${COLUMNS} from api_keys as k where key_id = $1`,
    values: [keyId],
  });
  return rows[0] ?? null;
}

/** Locks a key of these tenants until the end of the transaction. Returns null if they have no such key. */
export async function lockKey(
  connection: Connection,
  tenantIds: readonly string[],
  keyId: string,
): Promise<StoredKey | null> {
  const { rowCount } = await connection.query(
    'select from api_keys where key_id = $1 and tenant_id = any($2) for update',
    [keyId, tenantIds],
  );
  // A statement of its own: it sees what the last holder of the lock has committed, also in other rows.
  return rowCount === 0 ? null : loadKey(connection, keyId);
}

/**
 * Returns keys of these tenants, newest first.
 * @param before only keys after this position in the list; null: from the newest
 * @param withInstallation also those of the installation
 */
export async function listKeys(
  connection: Connection,
  tenantIds: readonly string[],
  { limit, before, withInstallation }: { limit: number; before: KeyPosition | null; withInstallation: boolean },
): Promise<StoredKey[]> {
  const { rows } = await connection.query<StoredKey>(
    `select ${COLUMNS} from api_keys as k
     where tenant_id = any($1) and (created_at, key_id) < ($2::timestamptz, $3) and ($4 or not is_installation)
     order by created_at desc, key_id desc limit $5`,
    [tenantIds, before ? isoTime(before.createdAt) : 'infinity', before?.keyId ?? '', withInstallation, limit],
  );
  return rows;
}

/** Position in the list of keys. */
export type KeyPosition = Pick<StoredKey, 'createdAt' | 'keyId'>;

/** Stores a key. One with the same id that was never used gets its text: the request that made it is repeated. */
export async function insertKey(connection: Connection, key: NewKey): Promise<void> {
  await connection.query(
    `insert into api_keys (tenant_id, key_id, hash, last4, name, is_installation, scopes, per_minute, created_by, created_at,
       expires_at, rotated_from)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (tenant_id, key_id) do update set hash = excluded.hash, last4 = excluded.last4
     where api_keys.last_used_at is null`,
    [
      key.tenantId,
      key.keyId,
      key.hash,
      key.last4,
      key.name,
      key.isInstallation,
      key.scopes,
      key.perMinute,
      JSON.stringify(key.createdBy),
      isoTime(key.createdAt),
      isoTimeOrNull(key.expiresAt),
      key.rotatedFrom,
    ],
  );
}

/**
 * Counts the keys of a tenant that are neither expired nor revoked, and locks the tenant: two that create a key at once could
 * exceed a bound. Returns undefined if there is no such tenant.
 */
export async function countActiveKeys(
  connection: Connection,
  tenantId: string,
  now: Millis,
): Promise<number | undefined> {
  const { rowCount } = await connection.query('select from tenants where tenant_id = $1 for no key update', [tenantId]);
  if (rowCount === 0) return undefined;
  const { rows } = await connection.query<{ count: number }>(
    `select count(*) as count from api_keys
     where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`,
    [tenantId, isoTime(now)],
  );
  return rows[0]?.count ?? 0;
}

/** Stores the fields of a key that may change. */
export async function updateKey(connection: Connection, key: StoredKey): Promise<void> {
  await connection.query(
    `update api_keys set name = $3, scopes = $4, per_minute = $5, expires_at = $6, revoked_at = $7
     where tenant_id = $1 and key_id = $2`,
    [
      key.tenantId,
      key.keyId,
      key.name,
      key.scopes,
      key.perMinute,
      isoTimeOrNull(key.expiresAt),
      isoTimeOrNull(key.revokedAt),
    ],
  );
}

/** Announces to all processes that keys or tenants have changed. In the transaction: it cannot be lost between the two. */
export async function announceKeyChange(connection: Connection): Promise<void> {
  await connection.query('select pg_notify($1, $2)', [KEYS_CHANNEL, '']);
}

/** Writes the time of the last use of keys, unless another process did so within a minute. */
export async function markKeysUsed(connection: Connection, keyIds: readonly string[], now: Millis): Promise<void> {
  await connection.query(
    `update api_keys set last_used_at = $2 where key_id in (
       select key_id from api_keys
       where key_id = any($1) and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 minute')
       order by key_id for update skip locked)`,
    [keyIds, isoTime(now)],
  );
}

/** Creates the test tenant of a live tenant, unless it exists. Its catalog follows that of the live one. */
export async function ensureTestTenant(connection: Connection, liveTenantId: string): Promise<string> {
  const tenantId = testTenantId(liveTenantId);
  const { rowCount } = await connection.query(
    `insert into tenants (tenant_id, name, environment, live_tenant_id, follows)
     select $1, name || ' (test)', 'test', tenant_id, tenant_id from tenants where tenant_id = $2
     on conflict do nothing`,
    [tenantId, liveTenantId],
  );
  if (rowCount === 1) await copyCatalog(connection, liveTenantId, tenantId);
  return tenantId;
}

/** Returns the environment of a tenant. */
export function environmentOf(tenantId: string): Environment {
  return isTestTenant(tenantId) ? 'test' : 'live';
}
