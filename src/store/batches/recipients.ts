import type pg from 'pg';
import { BATCH_PAUSED, type RecipientState } from '../../model/batch.ts';
import type { Decision } from '../../model/decision.ts';
import type { DeliveryStatus } from '../../model/delivery.ts';
import { DIRECT_RULE } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type StoredDecision, unpackDecisions } from '../decisions.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';

/** A line to be stored, in its order. */
export interface NewLine {
  readonly state: 'pending' | 'rejected' | 'empty';
  readonly userId: string | null;
  readonly addressHash: string | null;
  readonly sealed: Buffer | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** Stores lines of a batch, which the transaction has locked, from this one on. */
export async function insertLines(
  connection: Connection,
  tenantId: string,
  batchId: string,
  first: number,
  lines: readonly NewLine[],
): Promise<void> {
  const rows = lines.map(({ state, userId, addressHash, sealed, code, reason }, index) => ({
    l: first + index,
    s: state,
    u: userId,
    h: addressHash,
    d: sealed?.toString('base64') ?? null,
    c: code,
    r: reason,
  }));
  await connection.query({
    name: 'insert-batch-lines',
    text: `insert into batch_recipients (tenant_id, batch_id, line, state, user_id, address_hash, sealed, reason_code, reason)
           select $1, $2, l, s, u, h, decode(d, 'base64'), c, r
           from json_to_recordset($3) as r(l int, s text, u text, h text, d text, c text, r text)`,
    values: [tenantId, batchId, JSON.stringify(rows)],
  });
}

/** A line that waits to be asked for. */
export interface PendingLine {
  readonly line: number;
  readonly userId: string | null;
  readonly addressHash: string | null;
  readonly sealed: Buffer | null;
}

/** Returns the pending ones of some lines, in their order. @param to the first line after them */
export async function loadPending(
  connection: Connection,
  tenantId: string,
  batchId: string,
  from: number,
  to: number,
): Promise<PendingLine[]> {
  return selectPending(connection, 'load-batch-page', 'line >= $3 and line < $4', [tenantId, batchId, from, to]);
}

/** Returns the pending ones of these lines. */
export function loadLines(
  connection: Connection,
  tenantId: string,
  batchId: string,
  lines: readonly number[],
): Promise<PendingLine[]> {
  return selectPending(connection, 'load-batch-lines', 'line = any($3::int[])', [tenantId, batchId, lines]);
}

async function selectPending(
  connection: Connection,
  name: string,
  where: string,
  values: readonly unknown[],
): Promise<PendingLine[]> {
  const { rows } = await connection.query<{
    line: number;
    user_id: string | null;
    address_hash: string | null;
    sealed: Buffer | null;
  }>({
    name,
    text: `select line, user_id, address_hash, sealed from batch_recipients
           where tenant_id = $1 and batch_id = $2 and ${where} and state = 'pending' order by line`,
    values: [...values],
  });
  return rows.map(({ line, user_id: userId, address_hash: addressHash, sealed }) => ({
    line,
    userId,
    addressHash,
    sealed,
  }));
}

/** Notes the users of lines that named an address: a page that is repeated asks for the same ones. */
export async function writeUsers(
  connection: Connection,
  tenantId: string,
  batchId: string,
  users: readonly { readonly line: number; readonly userId: string }[],
): Promise<void> {
  if (users.length === 0) return;
  await connection.query({
    name: 'write-batch-users',
    text: `update batch_recipients as b set user_id = q.u
           from (select *, $2::uuid as of from json_to_recordset($3) as q(l int, u text) offset 0) as q
           where b.tenant_id = $1 and b.batch_id = q.of and b.line = q.l and b.user_id is null and b.address_hash is not null
             and ${selectivityHint('q.l')}`,
    values: [tenantId, batchId, JSON.stringify(users.map(({ line, userId }) => ({ l: line, u: userId })))],
  });
}

/**
 * Returns those of these lines whose user an earlier line of the batch has, under an earlier id of the user as well. Compares whole
 * rows of the index by user, which no other index has: a planner that knows nothing of a table that has just grown would otherwise
 * look each user up among all earlier lines, or among the lines of the user in all batches.
 */
export async function findRepeated(
  connection: Connection,
  tenantId: string,
  batchId: string,
  users: readonly { readonly line: number; readonly userId: string }[],
): Promise<ReadonlySet<number>> {
  const { rows } = await connection.query<{ line: number }>(
    `select q.line from unnest($3::int[], $4::text[]) as q(line, user_id)
     where (select true from (
              select q.user_id as id
              union all select user_id from merged_users where tenant_id = $1 and merged_into = q.user_id) as one
            cross join lateral (
              select from batch_recipients as b
              where b.tenant_id = $1 and b.user_id is not null and b.state <> 'rejected'
                and (b.user_id, b.batch_id, b.line) >= (one.id, $2::uuid, 0)
                and (b.user_id, b.batch_id, b.line) < (one.id, $2::uuid, q.line)
              order by b.user_id, b.batch_id, b.line limit 1) as earlier
            limit 1)`,
    [tenantId, batchId, users.map(({ line }) => line), users.map(({ userId }) => userId)],
  );
  return new Set(rows.map(({ line }) => line));
}

/** A recipient as it is from now on. */
export interface LineResult {
  readonly line: number;
  readonly state: RecipientState;
  readonly notificationId: string | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/**
 * Writes what became of recipients. The id of the batch comes with the lines: a planner that knows nothing of a table that has just
 * grown would otherwise begin with all lines of the batch.
 */
export async function writeResults(
  connection: Connection,
  tenantId: string,
  batchId: string,
  results: readonly LineResult[],
): Promise<void> {
  if (results.length === 0) return;
  const rows = results.map(({ line, state, notificationId, code, reason }) => ({
    l: line,
    s: state,
    n: notificationId,
    c: code,
    r: reason,
  }));
  await connection.query({
    name: 'write-batch-results',
    text: `update batch_recipients as b set state = q.s, notification_id = q.n, reason_code = q.c, reason = q.r
           from (select *, $2::uuid as of from json_to_recordset($3) as q(l int, s text, n uuid, c text, r text) offset 0) as q
           where b.tenant_id = $1 and b.batch_id = q.of and b.line = q.l and ${selectivityHint('q.l')}`,
    values: [tenantId, batchId, JSON.stringify(rows)],
  });
}

/** Cancels the pending ones of some lines. Returns how many. @param to the first line after them */
export async function cancelPending(
  connection: Connection,
  tenantId: string,
  batchId: string,
  from: number,
  to: number,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update batch_recipients set state = 'cancelled', reason_code = 'cancelled', reason = 'Its batch was cancelled.'
     where tenant_id = $1 and batch_id = $2 and line >= $3 and line < $4 and state = 'pending'`,
    [tenantId, batchId, from, to],
  );
  return rowCount ?? 0;
}

/** A recipient that is not final, with what has become of its notification. */
export interface OpenLine {
  readonly line: number;
  readonly state: 'accepted' | 'held' | 'scheduled';
  /** Why it is held; null: it is not, or that is not known. */
  readonly code: string | null;
  readonly notificationId: string;
  readonly deliveries: readonly {
    readonly status: DeliveryStatus;
    readonly hold: string | null;
    readonly code: string | null;
    readonly reason: string | null;
  }[];
  /** State of its wait, if it is scheduled; null: it does not wait. */
  readonly wait: {
    readonly status: 'waiting' | 'fired' | 'cancelled';
    /** Decisions at its end. */
    readonly decisions: readonly Decision[];
  } | null;
}

/** Returns recipients that are not final, in their order, from this line on. */
export async function loadOpen(
  connection: Connection,
  tenantId: string,
  batchId: string,
  from: number,
  limit: number,
): Promise<OpenLine[]> {
  const { rows } = await connection.query<{
    line: number;
    state: OpenLine['state'];
    reason_code: string | null;
    notification_id: string;
    deliveries: OpenLine['deliveries'] | null;
    wait: {
      readonly status: 'waiting' | 'fired' | 'cancelled';
      readonly decisions: readonly StoredDecision[] | null;
    } | null;
  }>({
    name: 'load-open-recipients',
    text: `select line, state, reason_code, notification_id,
             (select json_agg(json_build_object('status', status, 'hold', hold_code, 'code', reason_code, 'reason', reason)
                              order by channel, target)
              from deliveries as d where d.tenant_id = $1 and d.notification_id = r.notification_id) as deliveries,
             case when state = 'scheduled' then (
               select json_build_object('status', status, 'decisions', decisions) from waits as w
               where w.tenant_id = $1 and w.wait_id = r.notification_id and w.rule = '${DIRECT_RULE}'
             ) end as wait
           from batch_recipients as r
           where tenant_id = $1 and batch_id = $2 and line >= $3 and state in ('accepted', 'held', 'scheduled')
           order by line limit $4`,
    values: [tenantId, batchId, from, limit],
  });
  return rows.map(({ line, state, reason_code: code, notification_id: notificationId, deliveries, wait }) => ({
    line,
    state,
    code,
    notificationId,
    deliveries: deliveries ?? [],
    wait: wait && { ...wait, decisions: unpackDecisions(wait.decisions ?? [], notificationId, '') },
  }));
}

/** Makes deliveries due that were held while their batch was paused. Returns how many. */
export async function releasePaused(
  connection: Connection,
  tenantId: string,
  notificationIds: readonly string[],
  now: Millis,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update deliveries set due_at = $3, hold_code = null
     where tenant_id = $1 and notification_id = any($2::uuid[]) and status = 'queued' and hold_code = '${BATCH_PAUSED}'`,
    [tenantId, notificationIds, isoTime(now)],
  );
  return rowCount ?? 0;
}

/** Cancels what is queued of these notifications. Returns how many deliveries. */
export async function cancelQueued(
  connection: Connection,
  tenantId: string,
  notificationIds: readonly string[],
  now: Millis,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update deliveries set status = 'cancelled', finished_at = $3, hold_code = null, reason_code = 'cancelled',
            reason = 'Its batch was cancelled.'
     where tenant_id = $1 and notification_id = any($2::uuid[]) and status = 'queued'`,
    [tenantId, notificationIds, isoTime(now)],
  );
  return rowCount ?? 0;
}

/** Result of a line, as it is stored. */
export interface StoredResult extends LineResult {
  readonly userId: string | null;
  readonly sealed: Buffer | null;
  readonly channels: readonly {
    readonly channel: string;
    readonly status: DeliveryStatus;
    readonly reason_code: string | null;
  }[];
}

/**
 * Lists what became of the lines of a batch, in their order.
 * @param state only those in this state; undefined: all
 * @param after the line before the first
 */
export async function listResults(
  pool: pg.Pool,
  tenantId: string,
  batchId: string,
  {
    state,
    limit,
    after,
  }: { readonly state: RecipientState | undefined; readonly limit: number; readonly after: number },
): Promise<StoredResult[]> {
  const { rows } = await pool.query(
    `select line, state, user_id, sealed, notification_id, reason_code, reason,
       (select json_agg(json_build_object('channel', channel, 'status', status, 'reason_code', reason_code) order by channel, target)
        from deliveries as d where d.tenant_id = $1 and d.notification_id = r.notification_id) as channels
     from batch_recipients as r
     where tenant_id = $1 and batch_id = $2 and line > $3 ${state === undefined ? '' : 'and state = $5'}
     order by line limit $4`,
    [tenantId, batchId, after, limit, ...(state === undefined ? [] : [state])],
  );
  return rows.map((row) => ({
    line: row.line,
    state: row.state,
    userId: row.user_id,
    sealed: row.sealed,
    notificationId: row.notification_id,
    code: row.reason_code,
    reason: row.reason,
    channels: row.channels ?? [],
  }));
}
