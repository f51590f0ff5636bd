import type pg from 'pg';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { ChunkResult, Computed, JobActionName, JobFailure, JobFilter, JobStatus } from '../../model/job.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';

/** Jobs: rows that workers run in chunks. The state diagram is in sql/000001.sql. */

/** Failures of one job that are kept; the count goes on. */
const MAX_JOB_FAILURES = 1000;

/** Open jobs of a tenant. */
export const MAX_OPEN_JOBS = 100;

/** A job as the API shows it. Times are ISO 8601 in UTC. */
export interface JobView {
  readonly job_id: string;
  readonly action: JobActionName;
  readonly name: string | null;
  readonly filter: JobFilter;
  readonly patch: JsonObject | null;
  /** Fields that are computed, by their paths; null: none. */
  readonly compute: Computed | null;
  readonly per_second: number | null;
  readonly status: JobStatus;
  /** Items that matched at the start; `matched_exact` false: at least as many. */
  readonly matched: number;
  readonly matched_exact: boolean;
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
  readonly reason: string | null;
  readonly started_by: string;
  readonly stopped_by: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export interface NewJob {
  readonly jobId: string;
  readonly tenantId: string;
  readonly actor: Actor;
  readonly action: JobActionName;
  readonly name: string | null;
  readonly filter: JobFilter;
  readonly patch: JsonObject | null;
  /** Fields that are computed, by their paths; null: none. */
  readonly compute: Computed | null;
  readonly perSecond: number | null;
  readonly matched: number;
  readonly isMatchedExact: boolean;
  /** The caller's idempotency key, and a hash of the request; null: none was sent. */
  readonly request: { readonly key: string; readonly hash: string } | null;
}

/** Stores a job with its audit entry. Returns false if the tenant has MAX_OPEN_JOBS. Throws 23505 if its key is stored. */
export function insertJob(pool: pg.Pool, job: NewJob, now: Millis): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    if (!(await insertJobRow(connection, job, now))) return false;
    const { tenantId, actor, jobId, action, name, filter, matched } = job;
    const detail = { job_action: action, ...(name !== null && { name }), filter: filter as JsonObject, matched };
    const after = { status: 'pending', done: 0, skipped: 0, failed: 0 };
    await appendAuditEntry(connection, { tenantId, actor, action: 'job.started', subject: jobId, detail, after }, now);
    return true;
  });
}

/**
 * Stores a job, in the transaction of its cause. Returns false if the tenant has MAX_OPEN_JOBS.
 * @param isUnbounded whether it is a part of something that has its room, and needs none
 */
export async function insertJobRow(
  connection: Connection,
  job: NewJob,
  now: Millis,
  isUnbounded = false,
): Promise<boolean> {
  // One at a time: two that start at once could exceed the bound.
  await connection.query(`select pg_advisory_xact_lock(hashtextextended('jobs ' || $1, 0))`, [job.tenantId]);
  const { rowCount } = await connection.query(
    `insert into jobs (tenant_id, job_id, action, name, filter, patch, per_second, matched, matched_exact, actor,
                         request_key, request_hash, created_at, compute)
       select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15
       where exists (select from tenants where tenant_id = $1) and ($14::boolean or (
         select count(*) from (select from jobs where ended_at is null and tenant_id = $1 limit ${MAX_OPEN_JOBS}) as open
       ) < ${MAX_OPEN_JOBS})`,
    [
      job.tenantId,
      job.jobId,
      job.action,
      job.name,
      JSON.stringify(job.filter),
      job.patch && JSON.stringify(job.patch),
      job.perSecond,
      job.matched,
      job.isMatchedExact,
      JSON.stringify(job.actor),
      job.request?.key ?? null,
      job.request?.hash ?? null,
      isoTime(now),
      isUnbounded,
      job.compute && JSON.stringify(job.compute),
    ],
  );
  return rowCount !== 0;
}

/**
 * Lets an open job begin anew, in the transaction of the cause; a chunk that is under way changes nothing. Locks the job. Returns
 * false if it has ended.
 */
export async function restartJob(connection: Connection, tenantId: string, jobId: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update jobs set cursor = null, fence = fence + 1, claimed_until = null, attempts = 0, due_at = now()
     where tenant_id = $1 and job_id = $2 and ended_at is null`,
    [tenantId, jobId],
  );
  return rowCount !== 0;
}

/** Returns the job that was started with this idempotency key, and the hash of that request; undefined: none was. */
export async function findJobByRequest(
  pool: pg.Pool,
  tenantId: string,
  key: string,
): Promise<{ readonly job: JobView; readonly hash: string } | undefined> {
  const { rows } = await pool.query(
    `select request_hash, ${COLUMNS} from jobs where tenant_id = $1 and request_key = $2`,
    [tenantId, key],
  );
  return rows[0] && { job: toJobView(rows[0]), hash: rows[0].request_hash };
}

/** Returns a job; undefined: it does not exist. */
export async function loadJob(pool: Connection, tenantId: string, jobId: string): Promise<JobView | undefined> {
  const { rows } = await pool.query(`select ${COLUMNS} from jobs where tenant_id = $1 and job_id = $2`, [
    tenantId,
    jobId,
  ]);
  return rows[0] && toJobView(rows[0]);
}

/** Lists jobs, newest first. @param before only jobs before this one; null: from the newest */
export async function listJobs(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  before: string | null,
): Promise<JobView[]> {
  const { rows } = await pool.query(
    `select ${COLUMNS} from jobs where tenant_id = $1 and job_id < $2 order by job_id desc limit $3`,
    [tenantId, before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit],
  );
  return rows.map(toJobView);
}

/** Lists the failures of a job that are kept, in order of their items. @param after only items after this one */
export async function listJobFailures(
  pool: pg.Pool,
  tenantId: string,
  jobId: string,
  limit: number,
  after: string,
): Promise<JobFailure[]> {
  const { rows } = await pool.query<JobFailure>(
    `select item, code, message from job_failures where tenant_id = $1 and job_id = $2 and item > $3
     order by item limit $4`,
    [tenantId, jobId, after, limit],
  );
  return rows;
}

/** Stops an open job, with an audit entry. Returns whether it was open. No chunk is committed afterwards. */
export async function stopJob(
  pool: pg.Pool,
  tenantId: string,
  jobId: string,
  actor: Actor,
  now: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const before = await lockJobState(connection, tenantId, jobId);
    const { rowCount } = await connection.query(
      `update jobs set status = 'stopped', stopped_by = $3, ended_at = $4, claimed_until = null
       where tenant_id = $1 and job_id = $2 and ended_at is null`,
      [tenantId, jobId, actor.name, isoTime(now)],
    );
    if (rowCount === 0) return false;
    const after = await lockJobState(connection, tenantId, jobId);
    const entry = { tenantId, actor, action: 'job.stopped', subject: jobId, detail: {}, before, after };
    await appendAuditEntry(connection, entry, now);
    return true;
  });
}

/** A job that a worker has claimed for one chunk. */
export interface ClaimedJob {
  readonly tenantId: string;
  readonly jobId: string;
  readonly action: JobActionName;
  readonly filter: JobFilter;
  readonly patch: JsonObject | null;
  /** Fields that are computed, by their paths; null: none. */
  readonly compute: Computed | null;
  readonly perSecond: number | null;
  readonly actor: Actor;
  readonly createdAt: Millis;
  /** Position after the last chunk; null: at the start. */
  readonly cursor: JsonObject | null;
  /** Grows with each claim: only the latest can commit. */
  readonly fence: number;
  /** Claims since a chunk was committed, this one included. */
  readonly attempts: number;
}

/**
 * Claims an open job that is due for `lease` ms; undefined: none is. Of several, that of the tenant whose turn is longest ago, and
 * of these the one due longest. Concurrent calls never claim the same job. Goes by the clock of the database.
 * @param served tenants that had a turn, the latest last
 */
export async function claimJob(
  pool: pg.Pool,
  lease: Millis,
  now: Millis,
  served: readonly string[] = [],
): Promise<ClaimedJob | undefined> {
  const { rows } = await pool.query({
    name: 'claim-job',
    text: `update jobs as j
           set status = 'running', started_at = coalesce(started_at, $2), fence = fence + 1, attempts = attempts + 1,
               claimed_until = now() + $1 * interval '1 millisecond'
           where ctid = any (array(
             select ctid from jobs
             where ended_at is null and due_at <= now() and (claimed_until is null or claimed_until < now())
             order by coalesce(array_position($3::text[], tenant_id::text), 0), due_at limit 1 for update skip locked))
           returning tenant_id, job_id, action, filter, patch, compute, per_second, actor, created_at, cursor, fence, attempts`,
    values: [lease, isoTime(now), served],
  });
  const row = rows[0];
  return (
    row && {
      tenantId: row.tenant_id,
      jobId: row.job_id,
      action: row.action,
      filter: row.filter,
      patch: row.patch,
      compute: row.compute,
      perSecond: row.per_second,
      actor: row.actor,
      createdAt: row.created_at,
      cursor: row.cursor,
      fence: row.fence,
      attempts: row.attempts,
    }
  );
}

/**
 * Runs a chunk and writes its progress in one transaction. Returns its result; undefined: the job was stopped, or claimed by
 * another worker since, and nothing was changed.
 */
export async function commitChunk(
  pool: pg.Pool,
  job: ClaimedJob,
  now: Millis,
  work: (connection: pg.PoolClient) => Promise<ChunkResult>,
): Promise<ChunkResult | undefined> {
  return withTransaction(pool, async (connection) => {
    const { tenantId, jobId, fence, actor } = job;
    const { rows: locked } = await connection.query<JobState>(
      `select ${STATE} from jobs where tenant_id = $1 and job_id = $2 and fence = $3 and ended_at is null for update`,
      [tenantId, jobId, fence],
    );
    const [before] = locked;
    if (!before) return undefined;
    const result = await work(connection);
    const { cursor, done, skipped, failures, pause = 0 } = result;
    const { rows } = await connection.query(
      `update jobs
       set status = case when $4::json is null then 'done' else 'running' end, cursor = $4,
           done = done + $5, skipped = skipped + $6, failed = failed + $7,
           ended_at = case when $4::json is null then $8::timestamptz end,
           claimed_until = null, attempts = 0, due_at = now() + $9 * interval '1 millisecond'
       where tenant_id = $1 and job_id = $2 and fence = $3
       returning done, skipped, failed`,
      [tenantId, jobId, fence, cursor && JSON.stringify(cursor), done, skipped, failures.length, isoTime(now), pause],
    );
    await insertFailures(connection, job, failures);
    if (cursor === null) {
      const after = { status: 'done', ...rows[0] };
      const entry = { tenantId, actor, action: 'job.done', subject: jobId, detail: rows[0], before, after };
      await appendAuditEntry(connection, entry, now);
    }
    return result;
  });
}

/** Stores failures, up to MAX_JOB_FAILURES of the job; an item that is listed already stays as it is. */
async function insertFailures(
  connection: Connection,
  { tenantId, jobId }: ClaimedJob,
  failures: readonly JobFailure[],
): Promise<void> {
  if (failures.length === 0) return;
  await connection.query(
    `insert into job_failures (tenant_id, job_id, item, code, message)
     select $1, $2, f.item, f.code, f.message from json_to_recordset($3) as f(item text, code text, message text)
     limit greatest(0, ${MAX_JOB_FAILURES} - (select count(*) from job_failures where tenant_id = $1 and job_id = $2))
     on conflict (tenant_id, job_id, item) do nothing`,
    [tenantId, jobId, JSON.stringify(failures)],
  );
}

/** Returns a job whose chunk failed to the queue, to be claimed again after `pause` ms. */
export async function postponeJob(pool: pg.Pool, job: ClaimedJob, pause: Millis): Promise<void> {
  await pool.query(
    `update jobs set claimed_until = null, due_at = now() + $4 * interval '1 millisecond'
     where tenant_id = $1 and job_id = $2 and fence = $3 and ended_at is null`,
    [job.tenantId, job.jobId, job.fence, pause],
  );
}

/** Ends a job that cannot go on, with an audit entry. */
export async function failJob(pool: pg.Pool, job: ClaimedJob, reason: string, now: Millis): Promise<void> {
  const { tenantId, jobId, fence, actor } = job;
  await withTransaction(pool, async (connection) => {
    const before = await lockJobState(connection, tenantId, jobId);
    const { rowCount } = await connection.query(
      `update jobs set status = 'failed', reason = $4, ended_at = $5, claimed_until = null
       where tenant_id = $1 and job_id = $2 and fence = $3 and ended_at is null`,
      [tenantId, jobId, fence, reason, isoTime(now)],
    );
    if (rowCount === 0) return;
    const after = await lockJobState(connection, tenantId, jobId);
    const entry = { tenantId, actor, action: 'job.failed', subject: jobId, detail: { reason }, before, after };
    await appendAuditEntry(connection, entry, now);
  });
}

/** A job as the audit log shows it. */
type JobState = {
  readonly status: JobStatus;
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
};

const STATE = 'status, done, skipped, failed';

/** Returns the state of a job, and locks it until the end of the transaction. Null: there is no such job. */
async function lockJobState(connection: Connection, tenantId: string, jobId: string): Promise<JobState | null> {
  const { rows } = await connection.query<JobState>(
    `select ${STATE} from jobs where tenant_id = $1 and job_id = $2 for update`,
    [tenantId, jobId],
  );
  return rows[0] ?? null;
}

const COLUMNS = `job_id, action, name, filter, patch, compute, per_second, status, matched, matched_exact, done, skipped, failed,
  reason, actor, stopped_by, created_at, started_at, ended_at`;

// biome-ignore lint/suspicious/noExplicitAny: a row of COLUMNS, named column by column below
function toJobView(row: any): JobView {
  return {
    job_id: row.job_id,
    action: row.action,
    name: row.name,
    filter: row.filter,
    patch: row.patch,
    compute: row.compute,
    per_second: row.per_second,
    status: row.status,
    matched: row.matched,
    matched_exact: row.matched_exact,
    done: row.done,
    skipped: row.skipped,
    failed: row.failed,
    reason: row.reason,
    started_by: row.actor.name,
    stopped_by: row.stopped_by,
    created_at: isoTime(row.created_at),
    started_at: isoTimeOrNull(row.started_at),
    ended_at: isoTimeOrNull(row.ended_at),
  };
}
