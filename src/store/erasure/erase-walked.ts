import { documentRow, openDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { MAX_OFFSET_MS } from '../pg/database-clock.ts';
import type { Connection } from '../pg/pool.ts';
import type { ErasedRows, OpenErasure } from './open-erasures.ts';

/* Steps of an erasure through tables without an index by user: each chunk looks at the next rows, whosever they are. */

/** Rows of a table without an index by user that one chunk looks at. */
const WALKED_ROWS = 20_000;
const WALKED_ENTRIES = 2000;
/** Kept responses that one chunk opens: each has up to 256 KiB. */
const WALKED_RESPONSES = 100;

const FIRST_UUID = '00000000-0000-0000-0000-000000000000';

/** The place of a user in what is kept of the deeds of others. */
export const ERASED = 'erased user';

/** Walks through the ids of events: those whose event retention has deleted are found by no index. */
export async function eraseEventIds(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, erasedAt }: OpenErasure,
  at: string | null,
): Promise<ErasedRows> {
  const { rows } = await connection.query<{ key: string; is_own: boolean }>(
    `select key, user_id = $3 and (event_time <= $4 or received_at <= $4) as is_own from event_ids
     where tenant_id = $1 and key > $2 order by key limit ${WALKED_ROWS}`,
    [tenantId, at ?? FIRST_UUID, userId, isoTime(erasedAt)],
  );
  const keys = rows.flatMap(({ key, is_own }) => (is_own ? [key] : []));
  if (keys.length > 0)
    await connection.query('delete from event_ids where tenant_id = $1 and key = any($2::uuid[])', [tenantId, keys]);
  return { rows: keys.length, at: rows.length < WALKED_ROWS ? null : (rows.at(-1)?.key ?? null) };
}

/** An entry about a suppression of an address that no user has any longer; it may be lifted. */
const OF_SUPPRESSION = `(a.subject = any (select id from suppressed) or (a.action in ('suppression.added', 'suppression.removed')
         and a.detail ->> 'address_hash' in (select hash from gone)))`;

/**
 * Walks through the audit log. An entry about the user keeps who did what and when, without whose data; one by the user no
 * longer says who; of others, which only name the user, the name is replaced.
 */
export async function eraseFromAuditLog(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, erasedAt, addressHashes }: OpenErasure,
  at: string | null,
): Promise<ErasedRows> {
  const { rows } = await connection.query<{ last: string | null; examined: number; changed: number }>(
    `with page as (
       select entry_id from audit_log where tenant_id = $1 and entry_id > $2 order by entry_id limit ${WALKED_ENTRIES}
     ), suppressed as (
       select suppression_id::text as id from suppressions where tenant_id = $1 and address_hash = any($6) and address_mask is null
     ), gone as (
       select hash from unnest($6::text[]) as own(hash)
       where not exists (select from addresses as other where other.tenant_id = $1 and other.hash = own.hash and other.hash > '')
     ), changed as (
       update audit_log as a
       set subject = case when a.subject = $3 then '${ERASED}' else a.subject end,
           actor_id = case when a.actor_kind = 'user' and a.actor_id = $3 then '${ERASED}' else a.actor_id end,
           actor = case when a.actor_kind = 'user' and a.actor_id = $3 then '${ERASED}' else a.actor end,
           detail = case when a.subject = $3 or ${OF_SUPPRESSION} then '{}' else replace(a.detail::text, $4, '"${ERASED}"')::json end,
           before = case when a.subject = $3 then null
             when ${OF_SUPPRESSION} then (a.before::jsonb || '{"address": null, "evidence": {}}')::json
             else replace(a.before::text, $4, '"${ERASED}"')::json end,
           after = case when a.subject = $3 then null
             when ${OF_SUPPRESSION} then (a.after::jsonb || '{"address": null, "evidence": {}}')::json
             else replace(a.after::text, $4, '"${ERASED}"')::json end
       from page
       where a.tenant_id = $1 and a.entry_id = page.entry_id and a.at <= $5 and (
         a.subject = $3 or ${OF_SUPPRESSION} or (a.actor_kind = 'user' and a.actor_id = $3)
         or position($4 in concat_ws(' ', a.detail::text, a.before::text, a.after::text)) > 0)
       returning 1
     )
     select (select entry_id from page order by entry_id desc limit 1) as last, (select count(*)::int from page) as examined,
            (select count(*)::int from changed) as changed`,
    [
      tenantId,
      at ?? FIRST_UUID,
      userId,
      JSON.stringify(userId),
      // No index finds what another process noted by its clock.
      isoTime(erasedAt + MAX_OFFSET_MS),
      addressHashes,
    ],
  );
  const { last = null, examined = 0, changed = 0 } = rows[0] ?? {};
  return { rows: changed, at: examined < WALKED_ENTRIES ? null : last };
}

/** Walks through the kept responses: of those that name the user, and of the user's own requests, nothing is kept. */
export async function eraseKeptResponses(
  connection: Connection,
  seal: Seal,
  { tenantId, userId }: OpenErasure,
  at: string | null,
): Promise<ErasedRows> {
  const own = at === null ? await eraseOwnKeys(connection, tenantId, userId) : 0;
  const after = at === null ? ['', '', ''] : (JSON.parse(at) as [string, string, string]);
  const { rows } = await connection.query<{ actor: string; route: string; key: string; sealed: Buffer | null }>(
    `select actor, route, key, sealed from idempotency_keys
     where tenant_id = $1 and (actor, route, key) > ($2, $3, $4) order by actor, route, key limit ${WALKED_RESPONSES}`,
    [tenantId, ...after],
  );
  let dropped = 0;
  for (const { actor, route, key, sealed } of rows) {
    if (sealed === null) continue;
    const kept = openDocument(seal, sealed, documentRow('idempotency_keys', tenantId, actor, route, key));
    // One that cannot be opened may name the user.
    if (kept && !String(kept.body).includes(JSON.stringify(userId).slice(1, -1))) continue;
    await connection.query(
      'update idempotency_keys set sealed = null where tenant_id = $1 and actor = $2 and route = $3 and key = $4 and sealed = $5',
      [tenantId, actor, route, key, sealed],
    );
    dropped++;
  }
  const last = rows.at(-1);
  const isOver = rows.length < WALKED_RESPONSES || !last;
  return { rows: own + dropped, at: isOver ? null : JSON.stringify([last.actor, last.route, last.key]) };
}

async function eraseOwnKeys(connection: Connection, tenantId: string, userId: string): Promise<number> {
  const { rowCount } = await connection.query('delete from idempotency_keys where tenant_id = $1 and actor = $2', [
    tenantId,
    `user ${userId}`,
  ]);
  return rowCount ?? 0;
}
