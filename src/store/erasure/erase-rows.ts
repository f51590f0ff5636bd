import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { ERASED, eraseEventIds, eraseFromAuditLog, eraseKeptResponses } from './erase-walked.ts';
import type { ErasedRows, OpenErasure } from './open-erasures.ts';

/*
 * What the job of an erasure deletes, table after table. A chunk is one transaction, and may be run again: what it has deleted
 * is gone, and its position is written with it.
 */

type EraseChunk = (
  connection: Connection,
  seal: Seal,
  erasure: OpenErasure,
  at: string | null,
  limit: number,
) => Promise<ErasedRows>;

/** A part of an erasure. */
export interface ErasureStep {
  /** The table that is counted. */
  readonly table: string;
  readonly erase: EraseChunk;
  /** It must come after what was being sent at the erasure has ended. */
  readonly afterSending?: true;
}

/** The steps, in order: what messages are found by goes after them. */
export const ERASURE_STEPS: readonly ErasureStep[] = [
  { table: 'notifications', erase: eraseNotifications },
  { table: 'events', erase: eraseEvents },
  { table: 'consents', erase: eraseFromConsents },
  byUser('waits', 'began_at <= $2'),
  byUser('toggles', 'true'),
  byUser('limit_uses', 'notification_id <= $3'),
  byUser('exposures', 'at <= $2'),
  byUser('goal_events', 'at <= $2'),
  { table: 'rejected_events', erase: eraseRejected },
  byUser('outbox_events', 'due_at <= $2'),
  byUser('webhook_facts', 'fact_id <= $3'),
  byUser('kafka_outbox', `user_id > '' and for_tenant is null and created_at <= $2`),
  { table: 'kafka_outbox', erase: eraseFromTopicsOfOthers },
  { table: 'event_ids', erase: eraseEventIds },
  { table: 'audit_log', erase: eraseFromAuditLog },
  { table: 'jobs', erase: eraseFromJobs },
  { table: 'idempotency_keys', erase: eraseKeptResponses },
  { table: 'batch_recipients', erase: eraseFromBatches },
  { ...byUser('inbox_items', 'notification_id <= $3'), afterSending: true },
  { table: 'inboxes', erase: eraseInbox, afterSending: true },
  { table: 'provider_messages', erase: eraseProviderMessages, afterSending: true },
];

/** Deletes rows with the id of the user, a chunk at a time. `$2`: the time of the erasure; `$3`: the last notification. */
function byUser(table: string, isOld: string): ErasureStep {
  return {
    table,
    async erase(connection, _seal, { tenantId, userId, erasedAt, until }, _at, limit) {
      const { rowCount } = await connection.query(
        `delete from ${table} where ctid = any(array(
           select ctid from ${table}
           where tenant_id = $1 and user_id = $4 and ${isOld} and $2::timestamptz is not null and $3::uuid is not null
           limit $5 for update))`,
        [tenantId, isoTime(erasedAt), until, userId, limit],
      );
      return toChunk(rowCount, limit);
    },
  };
}

function toChunk(rowCount: number | null, limit: number): ErasedRows {
  const rows = rowCount ?? 0;
  return { rows, at: rows < limit ? null : '' };
}

/** Deletes a page of notifications, with everything that belongs to them. */
async function eraseNotifications(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, until }: OpenErasure,
  _at: string | null,
  limit: number,
): Promise<ErasedRows> {
  const { rows } = await connection.query<{ notification_id: string }>(
    `select notification_id from notifications where tenant_id = $1 and user_id = $2 and notification_id <= $3
     order by notification_id limit $4`,
    [tenantId, userId, until, limit],
  );
  if (rows.length === 0) return { rows: 0, at: null };
  const ids = rows.map(({ notification_id }) => notification_id);
  // A settlement that has begun ends before, and a later one finds nothing to settle.
  await connection.query(
    'select from deliveries where tenant_id = $1 and notification_id = any($2::uuid[]) for update',
    [tenantId, ids],
  );
  await connection.query(
    `delete from provider_messages where tenant_id = $1 and notification_id = any($2::uuid[]) and message_key = any(array(
       select concat_ws('.', notification_id, channel, nullif(target, '')) from deliveries
       where tenant_id = $1 and notification_id = any($2::uuid[])
       union all
       select provider_message_id from all_attempts()
       where tenant_id = $1 and notification_id = any($2::uuid[]) and provider_message_id is not null))`,
    [tenantId, ids],
  );
  for (const table of ['receipts', 'attempts', 'messages', 'deliveries']) {
    await connection.query(`delete from ${table} where tenant_id = $1 and notification_id = any($2::uuid[])`, [
      tenantId,
      ids,
    ]);
  }
  for (const table of ['inbox_items', 'notifications']) {
    await connection.query(
      `delete from ${table} where tenant_id = $1 and user_id = $3 and notification_id = any($2::uuid[])`,
      [tenantId, ids, userId],
    );
  }
  return toChunk(ids.length, limit);
}

/** Deletes a page of events with their ids. An event from before the erasure has a time up to it, or arrived before it. */
async function eraseEvents(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, erasedAt }: OpenErasure,
  at: string | null,
  limit: number,
): Promise<ErasedRows> {
  const { rows } = await connection.query<{ key: string; event_time: number }>(
    `select event_time, key from events
     where tenant_id = $1 and user_id = $2 and event_time >= $3 and (event_time <= $4 or received_at <= $4)
     order by event_time, key limit $5`,
    [tenantId, userId, at ?? '-infinity', isoTime(erasedAt), limit],
  );
  if (rows.length === 0) return { rows: 0, at: null };
  const keys = rows.map(({ key }) => key);
  const last = isoTime(rows.at(-1)?.event_time ?? 0);
  await connection.query(
    `delete from events where tenant_id = $1 and user_id = $2 and event_time between $4 and $5 and key = any($3::uuid[])`,
    [tenantId, userId, keys, isoTime(rows[0]?.event_time ?? 0), last],
  );
  await connection.query('delete from event_ids where tenant_id = $1 and key = any($2::uuid[])', [tenantId, keys]);
  return { rows: keys.length, at: keys.length < limit ? null : last };
}

/**
 * Leaves of consents the least that proves them: purpose, channel, state, wording, times and the keyed hash of the address,
 * under the keyed hash of the user.
 */
async function eraseFromConsents(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, userHash, erasedAt }: OpenErasure,
  _at: string | null,
  limit: number,
): Promise<ErasedRows> {
  const { rowCount } = await connection.query(
    `update consents
     set user_id = $3, address_mask = null, locale = null, sealed = null,
         recorded_by = case when recorded_by = 'user ' || $2 then 'user' else recorded_by end
     where ctid = any(array(
       select ctid from consents where tenant_id = $1 and user_id = $2 and recorded_at <= $4 limit $5))`,
    [tenantId, userId, `${ERASED} ${userHash}`, isoTime(erasedAt), limit],
  );
  return toChunk(rowCount, limit);
}

/** Deletes what waits for topics of other tenants: dead letters of a source that reads messages of several. */
async function eraseFromTopicsOfOthers(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, erasedAt }: OpenErasure,
  _at: string | null,
  limit: number,
): Promise<ErasedRows> {
  const { rowCount } = await connection.query(
    `delete from kafka_outbox where ctid = any(array(
       select ctid from kafka_outbox
       where for_tenant > '' and for_tenant = $1 and user_id = $2 and created_at <= $3 limit $4 for update))`,
    [tenantId, userId, isoTime(erasedAt), limit],
  );
  return toChunk(rowCount, limit);
}

async function eraseRejected(
  connection: Connection,
  _seal: Seal,
  { tenantId, rejectedHash, erasedAt }: OpenErasure,
  _at: string | null,
  limit: number,
): Promise<ErasedRows> {
  const { rowCount } = await connection.query(
    `delete from rejected_events where tenant_id = $1 and rejected_id in (
       select rejected_id from rejected_events where tenant_id = $1 and user_hash = $2 and first_at <= $3 limit $4)`,
    [tenantId, rejectedHash, isoTime(erasedAt), limit],
  );
  return toChunk(rowCount, limit);
}

/** Replaces the user in the filters of jobs: they match no user then. */
async function eraseFromJobs(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId }: OpenErasure,
): Promise<ErasedRows> {
  const { rowCount } = await connection.query(
    `update jobs set filter = replace(filter::text, $2, '"${ERASED}"')::json, patch = replace(patch::text, $2, '"${ERASED}"')::json
     where tenant_id = $1 and position($2 in concat_ws(' ', filter::text, patch::text)) > 0`,
    [tenantId, JSON.stringify(userId)],
  );
  return { rows: rowCount ?? 0, at: null };
}

/** Empties the lines of the user in batches: each stays as a line, and one that is still pending asks for nothing. */
async function eraseFromBatches(
  connection: Connection,
  _seal: Seal,
  { tenantId, userId, addressHashes, until }: OpenErasure,
  _at: string | null,
  limit: number,
): Promise<ErasedRows> {
  const { rowCount } = await connection.query(
    `update batch_recipients set user_id = null, address_hash = null, sealed = null
     where tenant_id = $1 and (batch_id, line) in (
       (select batch_id, line from batch_recipients where tenant_id = $1 and user_id = $2 and batch_id <= $5 limit $4)
       union (
         select batch_id, line from batch_recipients
         where tenant_id = $1 and address_hash = any($3) and batch_id <= $5 limit $4))`,
    [tenantId, userId, addressHashes, limit, until],
  );
  return { rows: rowCount ?? 0, at: rowCount === 0 ? null : '' };
}

/** Deletes the counter of the inbox, unless the user has come back. */
async function eraseInbox(connection: Connection, _seal: Seal, { tenantId, userId }: OpenErasure): Promise<ErasedRows> {
  const { rowCount } = await connection.query(
    `delete from inboxes where tenant_id = $1 and user_id = $2
       and not exists (select from inbox_items where tenant_id = $1 and user_id = $2)`,
    [tenantId, userId],
  );
  return { rows: rowCount ?? 0, at: null };
}

/** Deletes what remains of messages to the addresses of the user whose deliveries are gone. */
async function eraseProviderMessages(
  connection: Connection,
  _seal: Seal,
  { tenantId, addressHashes }: OpenErasure,
  _at: string | null,
  limit: number,
): Promise<ErasedRows> {
  if (addressHashes.length === 0) return { rows: 0, at: null };
  const { rowCount } = await connection.query(
    `delete from provider_messages where ctid in (
       select m.ctid from provider_messages as m
       where m.address_hash = any($2) and m.tenant_id = $1 and not exists (
         select from deliveries as d where d.tenant_id = $1 and d.notification_id = m.notification_id)
       limit $3)`,
    [tenantId, addressHashes, limit],
  );
  return toChunk(rowCount, limit);
}
