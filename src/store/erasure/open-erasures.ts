import type { JsonObject, Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { toUserHash } from '../rejected.ts';

/* Erasures that have not ended, as their jobs go on with them. */

/** An erasure as its job needs it. */
export interface OpenErasure {
  readonly tenantId: string;
  readonly userId: string;
  readonly erasedAt: Millis;
  readonly until: string;
  readonly addressHashes: readonly string[];
  readonly waitUntil: Millis | null;
  readonly rejectedHash: string;
  readonly userHash: string;
}

/** Returns an erasure that has not ended; undefined: it has. */
export async function loadOpenErasure(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  erasureId: string,
): Promise<OpenErasure | undefined> {
  const { rows } = await connection.query<{
    user_id: string;
    erased_at: Millis;
    until: string;
    address_hashes: string[] | null;
    wait_until: Millis | null;
    user_hash: string;
  }>(
    `select user_hash, user_id, erased_at, until, address_hashes, wait_until from erasures
     where tenant_id = $1 and erasure_id = $2 and finished_at is null`,
    [tenantId, erasureId],
  );
  const row = rows[0];
  return (
    row && {
      tenantId,
      userId: row.user_id,
      erasedAt: row.erased_at,
      until: row.until,
      addressHashes: row.address_hashes ?? [],
      waitUntil: row.wait_until,
      userHash: row.user_hash,
      rejectedHash: toUserHash(seal, tenantId, row.user_id) ?? '',
    }
  );
}

/** Adds the rows that a chunk has deleted from a table. */
export async function addErasedCount(
  connection: Connection,
  tenantId: string,
  erasureId: string,
  table: string,
  rows: number,
): Promise<void> {
  if (rows === 0) return;
  await connection.query(
    `update erasures
     set counts = (counts::jsonb || jsonb_build_object($3::text, coalesce((counts ->> $3)::bigint, 0) + $4::bigint))::json
     where tenant_id = $1 and erasure_id = $2`,
    [tenantId, erasureId, table, rows],
  );
}

/** Ends an erasure: from now on only the keyed hash of the user is known. */
export async function endErasure(
  connection: Connection,
  tenantId: string,
  erasureId: string,
  now: Millis,
): Promise<JsonObject | undefined> {
  const { rows } = await connection.query<{ counts: JsonObject }>(
    `update erasures set user_id = null, address_hashes = null, wait_until = null, finished_at = $3
     where tenant_id = $1 and erasure_id = $2 and finished_at is null returning counts`,
    [tenantId, erasureId, isoTime(now)],
  );
  return rows[0]?.counts;
}

/** The result of a chunk of a step. */
export interface ErasedRows {
  /** Rows that were deleted or changed. */
  readonly rows: number;
  /** Position after the chunk; null: the step is done. */
  readonly at: string | null;
}
