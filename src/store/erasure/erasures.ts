import type pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { TidingsError } from '../../errors.ts';
import { ADDRESS_USER } from '../../model/direct.ts';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { lastUuidAt } from '../../time/uuid-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import { lockUsers } from '../facts/facts.ts';
import { insertJobRow, MAX_OPEN_JOBS, restartJob } from '../jobs/jobs.ts';
import { leaveLists } from '../lists/members.ts';
import { listMergedInto, loadMerges } from '../merge/merged-users.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';
import { toUserHash } from '../rejected.ts';
import { findErasedAt, hasComeBack } from './find-erased-at.ts';
import { toErasedHash } from './load-erasures.ts';

/*
 * Erasures of users. The request deletes in one transaction what would let the user receive or decide anything more, and leaves
 * a row that rejects events from before; a job deletes the rest (erase-rows.ts).
 */

/** An erasure as the API shows it. It never names the user. */
export interface ErasureView {
  readonly erasure_id: string;
  readonly status: 'running' | 'done';
  readonly erased_at: string;
  readonly finished_at: string | null;
  readonly job_id: string;
  /** Rows that were deleted, by table. */
  readonly counts: { readonly [table: string]: number };
}

/** Time in ms after which a message that was being sent at the erasure has ended: longer than a lease. */
const SENDING_MS: Millis = 120_000;

/** Tables whose rows of the user the request itself deletes, in this order. */
const ERASED_AT_ONCE = [
  ...['users', 'addresses', 'devices', 'merged_users', 'address_verifications'],
  ...['connector_tasks', 'user_products'],
] as const;

/** The user to erase, and the actor that asked for it. */
export interface ErasureRequest {
  readonly tenantId: string;
  readonly userId: string;
  readonly actor: Actor;
  readonly reason: string | null;
}

/** An erasure, and whether the request began it. */
interface BegunErasure {
  readonly view: ErasureView;
  readonly isNew: boolean;
}

/**
 * Begins the erasure of a user: from its commit on, nothing is decided for the user or sent to them, and events from before are
 * rejected. One that is under way or done, of a user who has not come back since, is returned as it is; one that is under way
 * begins anew if they have. Users that were merged into this one are erased with them, each by an erasure of its own.
 * @returns undefined: nothing is known of the user
 * @throws TidingsError `too_many_jobs`, `already_merged`
 */
export async function beginErasure(
  pool: pg.Pool,
  seal: Seal,
  request: ErasureRequest,
  clock: () => Millis,
): Promise<BegunErasure | undefined> {
  const { tenantId, userId } = request;
  const expected = await listOthers(pool, tenantId, userId);
  return withTransaction(pool, async (connection) => {
    // All at once: locks are acquired in one order.
    await lockUsers(connection, tenantId, [userId, ...expected]);
    const merge = (await loadMerges(connection, tenantId, [userId])).get(userId);
    if (merge) {
      const message = `The user was merged into ${merge.into}; erase that one, and both are erased.`;
      throw new TidingsError('already_merged', message, { pointer: 'user_id' });
    }
    const others = await listOthers(connection, tenantId, userId);
    const further = others.filter((other) => !expected.includes(other));
    if (further.length > 0) await lockUsers(connection, tenantId, further);
    const now = clock();
    const begun = await beginLocked(connection, seal, request, now);
    for (const other of others) await beginLocked(connection, seal, { ...request, userId: other, isPart: true }, now);
    return begun;
  });
}

/** Returns the users who are erased with a user: those merged into them, and those known by one of their addresses alone. */
async function listOthers(connection: Connection, tenantId: string, userId: string): Promise<string[]> {
  const merged = await listMergedInto(connection, tenantId, userId);
  // Codes were sent to the addresses themselves.
  const hashes = await loadAddressHashes(connection, tenantId, userId);
  return [...merged, ...hashes.map((hash) => ADDRESS_USER + hash)];
}

/** Begins the erasure of one user whose lock the transaction holds. */
async function beginLocked(
  connection: pg.PoolClient,
  seal: Seal,
  { tenantId, userId, actor, reason, isPart = false }: ErasureRequest & { readonly isPart?: boolean },
  now: Millis,
): Promise<BegunErasure | undefined> {
  const hash = toErasedHash(seal, tenantId, userId);
  const known = await loadErasure(connection, tenantId, { hash });
  const hashes = { erased: hash, rejected: toUserHash(seal, tenantId, userId) };
  const isThere = await isKnown(connection, tenantId, userId, hashes);
  const isUnderWay = known !== undefined && isThere && (await isOpen(connection, tenantId, known));
  const isBack = isUnderWay && (await hasComeBack(connection, tenantId, userId));
  if (known && (!isThere || (isUnderWay && !isBack))) return { view: known, isNew: false };
  if (!isThere && !known) return undefined;
  // Its job begins anew, before any other row is locked: a chunk has the lock of the job first.
  const isAgain = isBack && (await restartJob(connection, tenantId, known.job_id));
  const [erasureId, jobId] = isAgain ? [known.erasure_id, known.job_id] : [uuidv7(), uuidv7()];
  const erasedAt = await findErasedAt(connection, { tenantId, userId, rejectedHash: hashes.rejected }, now);
  const addressHashes = await loadAddressHashes(connection, tenantId, userId);
  // Before their deliveries, as all that changes both.
  await connection.query('select from users where tenant_id = $1 and user_id = $2 for update', [tenantId, userId]);
  const sending = await cancelOpenDeliveries(connection, tenantId, userId, now);
  await connection.query(
    `insert into erasures as e (tenant_id, user_hash, erasure_id, erased_at, until, user_id, address_hashes, wait_until, job_id, actor)
       select $1, $2, $3, $4, greatest($5::uuid, (
         select notification_id from notifications where tenant_id = $1 and user_id = $6 order by notification_id desc limit 1
       ), (
         select batch_id from batches where tenant_id = $1 order by batch_id desc limit 1
       )), $6, $7, $8, $9, $10
       on conflict (tenant_id, user_hash) do update
       set erasure_id = excluded.erasure_id, erased_at = excluded.erased_at, until = excluded.until, user_id = excluded.user_id,
           address_hashes = coalesce(e.address_hashes, '{}') || excluded.address_hashes,
           wait_until = greatest(e.wait_until, excluded.wait_until), job_id = excluded.job_id, actor = excluded.actor,
           counts = case when e.erasure_id = excluded.erasure_id then e.counts else '{}' end, finished_at = null`,
    [
      tenantId,
      hash,
      erasureId,
      isoTime(erasedAt),
      lastUuidAt(erasedAt),
      userId,
      addressHashes,
      isoTimeOrNull(sending ? now + SENDING_MS : null),
      jobId,
      JSON.stringify(actor),
    ],
  );
  // A worker that is at a task writes nothing once the task is gone.
  for (const table of ERASED_AT_ONCE)
    await connection.query(`delete from ${table} where tenant_id = $1 and user_id = $2`, [tenantId, userId]);
  await connection.query(`delete from waits where tenant_id = $1 and user_id = $2 and status = 'waiting'`, [
    tenantId,
    userId,
  ]);
  await leaveLists(connection, tenantId, userId, now);
  await hideSuppressedAddresses(connection, tenantId, addressHashes);
  const filter = { erasure_id: erasureId };
  const job = {
    ...{ jobId, tenantId, actor, action: 'users.erase' as const, name: null, filter, patch: null },
    ...{ compute: null, perSecond: null, matched: 1, isMatchedExact: true, request: null },
  };
  // The users who are erased with another one need no room: there may be more of them than there is.
  if (!isAgain && !(await insertJobRow(connection, job, now, isPart))) {
    const message = `There are ${MAX_OPEN_JOBS} open jobs; wait until one has ended, or stop one.`;
    throw new TidingsError('too_many_jobs', message, { retryAfter: 10 });
  }
  const detail = reason === null ? {} : { reason };
  const entry = { tenantId, actor, action: 'user.erased', subject: erasureId, detail };
  await appendAuditEntry(connection, entry, now);
  const view = await loadErasure(connection, tenantId, { erasureId });
  return view && { view, isNew: true };
}

/** Returns an erasure; undefined: there is no such one. */
export async function loadErasure(
  connection: Connection,
  tenantId: string,
  by: { readonly erasureId: string } | { readonly hash: string },
): Promise<ErasureView | undefined> {
  const [column, value] = 'hash' in by ? ['user_hash', by.hash] : ['erasure_id', by.erasureId];
  const { rows } = await connection.query<{
    erasure_id: string;
    erased_at: Millis;
    finished_at: Millis | null;
    job_id: string;
    counts: { [table: string]: number };
  }>(
    `select erasure_id, erased_at, finished_at, job_id, counts from erasures where tenant_id = $1 and ${column} = $2`,
    [tenantId, value],
  );
  const row = rows[0];
  return (
    row && {
      erasure_id: row.erasure_id,
      status: row.finished_at === null ? 'running' : 'done',
      erased_at: isoTime(row.erased_at),
      finished_at: isoTimeOrNull(row.finished_at),
      job_id: row.job_id,
      counts: row.counts,
    }
  );
}

/** Whether the job of an erasure is under way; one that was stopped or has failed is begun again by the next request. */
async function isOpen(connection: Connection, tenantId: string, { status, job_id }: ErasureView): Promise<boolean> {
  if (status === 'done') return false;
  const { rowCount } = await connection.query(
    'select from jobs where tenant_id = $1 and job_id = $2 and ended_at is null',
    [tenantId, job_id],
  );
  return rowCount !== 0;
}

/** Whether anything is stored of a user, or an erasure of them has not ended. */
async function isKnown(
  connection: Connection,
  tenantId: string,
  userId: string,
  hashes: { readonly erased: string; readonly rejected: string | null },
): Promise<boolean> {
  const { rows } = await connection.query<{ is_known: boolean }>(
    `select exists (select from users where tenant_id = $1 and user_id = $2)
         or exists (select from devices where tenant_id = $1 and user_id = $2)
         or exists (select from merged_users where tenant_id = $1 and user_id = $2)
         or exists (select from list_members where tenant_id = $1 and user_id = $2)
         or exists (select from user_products where tenant_id = $1 and user_id = $2)
         or exists (select from rejected_events where tenant_id = $1 and user_hash = $3)
         or exists (select from kafka_outbox where tenant_id = $1 and user_id = $2 and user_id > '' and for_tenant is null)
         or exists (select from erasures where tenant_id = $1 and user_hash = $4 and finished_at is null) as is_known`,
    [tenantId, userId, hashes.rejected, hashes.erased],
  );
  return rows[0]?.is_known === true;
}

async function loadAddressHashes(connection: Connection, tenantId: string, userId: string): Promise<string[]> {
  const { rows } = await connection.query<{ hash: string }>(
    'select hash from addresses where tenant_id = $1 and user_id = $2',
    [tenantId, userId],
  );
  return rows.map(({ hash }) => hash);
}

/**
 * Ends the open deliveries of a user. One that is being sent ends normally; its fence is out of date, so its result changes
 * nothing. Returns whether any was.
 */
async function cancelOpenDeliveries(
  connection: Connection,
  tenantId: string,
  userId: string,
  now: Millis,
): Promise<boolean> {
  const { rows } = await connection.query<{ worker: string | null }>(
    `update deliveries as d
     set status = 'cancelled', finished_at = $3, hold_code = null, reason_code = 'cancelled', reason = null, fence = fence + 1
     from (select notification_id from notifications where tenant_id = $1 and user_id = $2) as n
     where d.tenant_id = $1 and d.notification_id = n.notification_id and d.finished_at is null
     returning d.worker`,
    [tenantId, userId, isoTime(now)],
  );
  return rows.some(({ worker }) => worker !== null);
}

/** Leaves of the suppressions of these addresses the keyed hash, unless another user has the address. */
async function hideSuppressedAddresses(
  connection: Connection,
  tenantId: string,
  hashes: readonly string[],
): Promise<void> {
  if (hashes.length === 0) return;
  await connection.query(
    `update suppressions as s set address_mask = null, evidence = '{}'
     where tenant_id = $1 and address_hash = any($2)
       and not exists (select from addresses as a where a.tenant_id = $1 and a.hash = s.address_hash)`,
    [tenantId, hashes],
  );
}
