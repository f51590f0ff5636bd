import type pg from 'pg';
import { type BatchSource, countChanges, countOpen, isReading, type RecipientChange } from '../../model/batch.ts';
import type { Millis } from '../../model/event.ts';
import { systemActor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import { withTransaction } from '../pg/transaction.ts';
import { BATCH_COLUMNS, loadBatch, type StoredBatch, toBatch } from './batches.ts';

/** A batch that a worker has claimed for one turn. */
export interface ClaimedBatch extends StoredBatch {
  readonly tenantId: string;
  /** The original of the request; null: it is `request`. */
  readonly sealed: Buffer | null;
  /** The line from which the next look at open recipients goes on. */
  readonly scanned: number;
  /** Grows with each claim: only the latest can commit. */
  readonly fence: number;
  /** Claims since a turn was committed, this one included. */
  readonly attempts: number;
}

/**
 * Claims a started batch that is due for `lease` ms; undefined: none is. Of several, that of the tenant whose turn is longest
 * ago, and of these the one due longest. Concurrent calls never claim the same batch. Goes by the clock of the database.
 * @param served tenants that had a turn, the latest last
 */
export async function claimBatch(
  pool: pg.Pool,
  lease: Millis,
  served: readonly string[],
): Promise<ClaimedBatch | undefined> {
  const { rows } = await pool.query({
    name: 'claim-batch',
    text: `update batches
           set fence = fence + 1, attempts = attempts + 1, claimed_until = now() + $1 * interval '1 millisecond'
           where ctid = any (array(
             select ctid from batches
             where ended_at is null and state <> 'draft' and due_at <= now()
               and (claimed_until is null or claimed_until < now())
             order by coalesce(array_position($2::text[], tenant_id::text), 0), due_at limit 1 for update skip locked))
           returning tenant_id, sealed, scanned, fence, attempts, ${BATCH_COLUMNS}`,
    values: [lease, served],
  });
  const row = rows[0];
  return (
    row && {
      ...toBatch(row),
      tenantId: row.tenant_id,
      sealed: row.sealed,
      scanned: row.scanned,
      fence: row.fence,
      attempts: row.attempts,
    }
  );
}

/** Result of a turn. */
export interface TurnResult {
  readonly changes: readonly RecipientChange[];
  readonly nextLine: number;
  readonly scanned: number;
  /** Lines that the batch has now, and how far it has come with its audience. */
  readonly lines: number;
  readonly source: BatchSource | null;
  /** Time in ms until the next turn. */
  pause(batch: StoredBatch): Millis;
}

/**
 * Runs the last part of a turn and writes its progress in one transaction: the batch ends with its last open recipient.
 * Undefined: it was claimed by another worker since, and nothing was changed.
 * @param work gets the batch as it is by now, which a command may have changed since the claim
 */
export async function commitTurn(
  pool: pg.Pool,
  { tenantId, batchId, fence }: ClaimedBatch,
  now: Millis,
  work: (connection: pg.PoolClient, batch: StoredBatch) => Promise<TurnResult>,
): Promise<StoredBatch | undefined> {
  return withTransaction(pool, async (connection) => {
    const batch = await loadBatch(connection, tenantId, batchId, true);
    const { rows } = await connection.query<{ fence: number }>(
      'select fence from batches where tenant_id = $1 and batch_id = $2',
      [tenantId, batchId],
    );
    if (!batch || rows[0]?.fence !== fence || batch.endedAt !== null) return undefined;
    const result = await work(connection, batch);
    const { counts, codes } = countChanges(batch.counts, batch.codes, result.changes);
    const { lines, source } = result;
    const isRead = batch.state === 'cancelled' || !isReading(source);
    const isEnded = isRead && result.nextLine >= lines && countOpen(counts) === 0;
    const state = isEnded && batch.state !== 'cancelled' ? 'finished' : batch.state;
    const { nextLine } = result;
    const next = { ...batch, state, lines, source, counts, codes, nextLine, endedAt: isEnded ? now : null };
    await connection.query(
      `update batches
       set state = $4, counts = $5, codes = $6, next_line = $7, scanned = $8, ended_at = $9, reason = null, attempts = 0,
           lines = $11, source = $12,
           claimed_until = null, due_at = now() + $10 * interval '1 millisecond'
       where tenant_id = $1 and batch_id = $2 and fence = $3`,
      [
        tenantId,
        batchId,
        fence,
        state,
        JSON.stringify(counts),
        JSON.stringify(codes),
        nextLine,
        result.scanned,
        isEnded ? isoTime(now) : null,
        result.pause(next),
        lines,
        source && JSON.stringify(source),
      ],
    );
    if (isEnded) {
      const states = { before: { state: batch.state }, after: { state, counts: { ...counts } } };
      const entry = { tenantId, actor: systemActor('batches'), action: 'batch.ended', subject: batchId, detail: {} };
      await appendAuditEntry(connection, { ...entry, ...states }, now);
    }
    return next;
  });
}

/**
 * Returns a batch whose turn failed to the queue, to be claimed again after `pause` ms.
 * @param isPaused whether it waits for a command instead
 */
export async function postponeBatch(
  pool: pg.Pool,
  { tenantId, batchId, fence }: ClaimedBatch,
  { pause, reason, isPaused }: { readonly pause: Millis; readonly reason: string; readonly isPaused: boolean },
): Promise<void> {
  await pool.query(
    `update batches
     set claimed_until = null, due_at = now() + $4 * interval '1 millisecond', reason = $5,
         state = case when $6 and state = 'running' then 'paused' else state end, attempts = case when $6 then 0 else attempts end
     where tenant_id = $1 and batch_id = $2 and fence = $3 and ended_at is null`,
    [tenantId, batchId, fence, pause, reason, isPaused],
  );
}
