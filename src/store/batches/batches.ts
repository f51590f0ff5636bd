import type pg from 'pg';
import {
  type BatchSource,
  type BatchState,
  type CodeCounts,
  countChanges,
  type RecipientChange,
  type RecipientCounts,
} from '../../model/batch.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';
import { insertLines, type NewLine } from './recipients.ts';

/* Batches. The state diagram is in sql/000001.sql. */

/** Batches of a tenant that have not ended, at most. */
export const MAX_OPEN_BATCHES = 100;

/** A batch as it is stored. Times in ms. */
export interface StoredBatch {
  readonly batchId: string;
  readonly name: string | null;
  /** With addresses masked. */
  readonly request: JsonObject;
  /** Null: its lines are all of its recipients. */
  readonly source: BatchSource | null;
  readonly perSecond: number | null;
  readonly state: BatchState;
  readonly lines: number;
  /** The first line that was not asked for yet. */
  readonly nextLine: number;
  readonly counts: RecipientCounts;
  readonly codes: CodeCounts;
  readonly actor: Actor;
  readonly createdAt: Millis;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
  readonly reason: string | null;
}

export interface NewBatch {
  readonly tenantId: string;
  readonly batchId: string;
  readonly operationId: string;
  readonly name: string | null;
  readonly request: JsonObject;
  /** The original of the request, if it differs. */
  readonly sealed: Buffer | null;
  readonly source: BatchSource | null;
  readonly perSecond: number | null;
  readonly actor: Actor;
}

/**
 * Stores a batch with its audit entry; returns its id, or that of the batch which an earlier try made. Undefined: there are
 * MAX_OPEN_BATCHES.
 */
export function insertBatch(pool: pg.Pool, batch: NewBatch, now: Millis): Promise<string | undefined> {
  const { tenantId, batchId, operationId, name, request, sealed, source, perSecond, actor } = batch;
  return withTransaction(pool, async (connection) => {
    // One at a time: two at once could exceed the bound.
    await connection.query(`select pg_advisory_xact_lock(hashtextextended('batches ' || $1, 0))`, [tenantId]);
    const { rows: known } = await connection.query<{ batch_id: string }>(
      'select batch_id from batches where tenant_id = $1 and operation_id = $2',
      [tenantId, operationId],
    );
    if (known[0]) return known[0].batch_id;
    const { rowCount } = await connection.query(
      `insert into batches (tenant_id, batch_id, operation_id, name, request, sealed, per_second, actor, created_at, source)
       select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
       where (select count(*) from (
         select from batches where tenant_id = $1 and ended_at is null limit ${MAX_OPEN_BATCHES}) as open) < ${MAX_OPEN_BATCHES}`,
      [
        tenantId,
        batchId,
        operationId,
        name,
        JSON.stringify(request),
        sealed,
        perSecond,
        JSON.stringify(actor),
        isoTime(now),
        source && JSON.stringify(source),
      ],
    );
    if (rowCount === 0) return undefined;
    const after = { state: 'draft', type: request.type as string };
    const entry = { tenantId, actor, action: 'batch.created', subject: batchId, detail: { name }, after };
    await appendAuditEntry(connection, entry, now);
    return batchId;
  });
}

/**
 * Returns a batch; undefined: no batch has this id.
 * @param isLocked whether it stays as it is until the end of the transaction
 */
export async function loadBatch(
  connection: Connection,
  tenantId: string,
  batchId: string,
  isLocked = false,
): Promise<StoredBatch | undefined> {
  const { rows } = await connection.query(
    `select ${BATCH_COLUMNS} from batches where tenant_id = $1 and batch_id = $2${isLocked ? ' for update' : ''}`,
    [tenantId, batchId],
  );
  return rows[0] && toBatch(rows[0]);
}

/** Returns the batches of a tenant that are paused, at most MAX_OPEN_BATCHES, and those with these ids. */
export async function loadPausedBatches(
  connection: Connection,
  tenantId: string,
  batchIds: readonly string[],
): Promise<StoredBatch[]> {
  const { rows } = await connection.query(
    `select ${BATCH_COLUMNS} from batches where tenant_id = $1 and batch_id in (
       select batch_id from batches where tenant_id = $1 and ended_at is null and state = 'paused'
       union all select unnest($2::uuid[]))`,
    [tenantId, batchIds],
  );
  return rows.map(toBatch);
}

/** Returns the original of the request of a batch; null: it is as it is shown. */
export async function loadSealedRequest(
  connection: Connection,
  tenantId: string,
  batchId: string,
): Promise<Buffer | null> {
  const { rows } = await connection.query<{ sealed: Buffer | null }>(
    'select sealed from batches where tenant_id = $1 and batch_id = $2',
    [tenantId, batchId],
  );
  return rows[0]?.sealed ?? null;
}

/** Lists batches, newest first. @param before only batches before this one; null: from the newest */
export async function listBatches(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  before: string | null,
): Promise<StoredBatch[]> {
  const { rows } = await pool.query(
    `select ${BATCH_COLUMNS} from batches where tenant_id = $1 and batch_id < $2 order by batch_id desc limit $3`,
    [tenantId, before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit],
  );
  return rows.map(toBatch);
}

/** Stores lines of a draft, which the transaction has locked, after those that it has, and counts them. */
export async function appendLines(
  connection: Connection,
  tenantId: string,
  { batchId, lines: known, counts, codes }: StoredBatch,
  lines: readonly NewLine[],
): Promise<void> {
  await insertLines(connection, tenantId, batchId, known, lines);
  const changes = lines.flatMap(({ state, code }): RecipientChange[] =>
    state === 'pending' ? [] : [{ from: null, to: state, code }],
  );
  const counted = countChanges(counts, codes, changes);
  await connection.query(
    'update batches set lines = $3, counts = $4, codes = $5 where tenant_id = $1 and batch_id = $2',
    [tenantId, batchId, known + lines.length, JSON.stringify(counted.counts), JSON.stringify(counted.codes)],
  );
}

/** A change of a batch by a command. */
export interface BatchChange {
  readonly state?: BatchState;
  readonly perSecond?: number | null;
  readonly source?: BatchSource | null;
}

/** Changes a batch, which the transaction has locked. It is due at once. */
export async function updateBatch(
  connection: Connection,
  tenantId: string,
  batch: StoredBatch,
  { state = batch.state, perSecond = batch.perSecond, source = batch.source }: BatchChange,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update batches
     set state = $3, per_second = $4, source = $6, due_at = now(), attempts = 0, reason = null,
         started_at = coalesce(started_at, case when $3 = 'running' then $5::timestamptz end)
     where tenant_id = $1 and batch_id = $2`,
    [tenantId, batch.batchId, state, perSecond, isoTime(now), source && JSON.stringify(source)],
  );
}

export const BATCH_COLUMNS = `batch_id, name, request, source, per_second, state, lines, next_line, counts, codes, actor, created_at, started_at,
  ended_at, reason`;

// biome-ignore lint/suspicious/noExplicitAny: a row of BATCH_COLUMNS, named column by column below
export function toBatch(row: any): StoredBatch {
  return {
    batchId: row.batch_id,
    name: row.name,
    request: row.request,
    source: row.source,
    perSecond: row.per_second,
    state: row.state,
    lines: row.lines,
    nextLine: row.next_line,
    counts: row.counts,
    codes: row.codes,
    actor: row.actor,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    reason: row.reason,
  };
}
