import type { JsonObject, Millis } from '../../model/event.ts';
import type { JobPreview } from '../../model/job.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { TIMERS_CHANNEL } from './waits.ts';

/** Waits that could not be fired, for another reason than their cost: tried again after a pause, and then set aside. */

/** Failed attempts to fire a wait after which it is set aside. */
export const MAX_ATTEMPTS = 8;

/** Pauses after the first failures, in ms: a second, then four times as long each, up to ten minutes. About 26 minutes in all. */
const FIRST_PAUSE_MS: Millis = 1000;
const MAX_PAUSE_MS: Millis = 600_000;

interface UserOfWaits {
  readonly tenantId: string;
  readonly userId: string;
}

/** Returns the ids of the user's waits that are due and not held back after a failure, those due longest. */
export async function loadDueWaitIds(
  connection: Connection,
  { tenantId, userId }: UserOfWaits,
  now: Millis,
  limit: number,
): Promise<string[]> {
  const { rows } = await connection.query<{ wait_id: string }>(
    `select wait_id from waits
     where tenant_id = $1 and user_id = $2 and status = 'waiting' and due_at <= $3 and set_aside_at is null
       and (retry_at is null or retry_at <= $3)
     order by due_at, trigger_time, wait_id limit $4`,
    [tenantId, userId, isoTime(now), limit],
  );
  return rows.map((row) => row.wait_id);
}

/** A wait after a failed attempt to fire it. */
export interface FailedWait {
  readonly rule: string;
  readonly attempts: number;
  /** Null: it is set aside. */
  readonly retryAt: Millis | null;
}

/**
 * Records a failed attempt to fire a wait, which is held back for a growing pause, or set aside after MAX_ATTEMPTS. Returns
 * undefined if it has ended, or another worker recorded a failure meanwhile.
 */
export async function recordWaitFailure(
  connection: Connection,
  { tenantId, userId, waitId }: UserOfWaits & { readonly waitId: string },
  failure: string,
  now: Millis,
): Promise<FailedWait | undefined> {
  const { rows } = await connection.query<FailedWait>(
    `update waits
     set attempts = attempts + 1, failure = $5,
         retry_at = q.retry_at, claimed_until = q.retry_at, set_aside_at = case when q.retry_at is null then $4::timestamptz end
     from (
       select case when attempts + 1 < ${MAX_ATTEMPTS} then
                $4::timestamptz + least(${FIRST_PAUSE_MS} * 4 ^ attempts, ${MAX_PAUSE_MS}) * interval '1 ms'
              end as retry_at
       from waits where tenant_id = $1 and user_id = $2 and wait_id = $3
     ) as q
     where tenant_id = $1 and user_id = $2 and wait_id = $3
       and status = 'waiting' and set_aside_at is null and (waits.retry_at is null or waits.retry_at <= $4)
     returning rule, attempts, waits.retry_at as "retryAt"`,
    [tenantId, userId, waitId, isoTime(now), failure],
  );
  return rows[0];
}

/** Waits of a tenant that are set aside. */
export interface SetAsideFilter {
  readonly tenantId: string;
  /** Absent: of every rule. */
  readonly rule?: string | undefined;
  /** Set aside up to this time. */
  readonly until: Millis;
}

export interface SetAsidePosition {
  readonly userId: string;
  readonly waitId: string;
}

const OF_FILTER = `tenant_id = $1 and set_aside_at is not null and set_aside_at <= $2 and ($3::text is null or rule = $3)`;

/** Returns waits that are set aside, in order of user and id, after a position; null: from the first. */
export async function loadSetAside(
  connection: Connection,
  { tenantId, rule, until }: SetAsideFilter,
  after: SetAsidePosition | null,
  limit: number,
): Promise<SetAsidePosition[]> {
  const { rows } = await connection.query<SetAsidePosition>(
    `select user_id as "userId", wait_id as "waitId" from waits
     where ${OF_FILTER} and (user_id, wait_id) > ($4, $5::uuid) order by user_id, wait_id limit $6`,
    [tenantId, isoTime(until), rule ?? null, after?.userId ?? '', after?.waitId ?? FIRST_ID, limit],
  );
  return rows;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Returns the last failure of a wait, as the audit log shows it; undefined: there is no such wait. */
export async function loadWaitFailure(
  connection: Connection,
  tenantId: string,
  { userId, waitId }: SetAsidePosition,
): Promise<JsonObject | undefined> {
  const { rows } = await connection.query(
    `select rule, attempts, failure, set_aside_at from waits where tenant_id = $1 and user_id = $2 and wait_id = $3`,
    [tenantId, userId, waitId],
  );
  const [row] = rows;
  return row && { ...row, set_aside_at: isoTimeOrNull(row.set_aside_at) };
}

/** Lets the timer try these waits again, as if none had failed. Returns how many were set aside. */
export async function retrySetAside(
  connection: Connection,
  tenantId: string,
  waits: readonly SetAsidePosition[],
): Promise<number> {
  const { rowCount } = await connection.query(
    `update waits set attempts = 0, failure = null, retry_at = null, claimed_until = null, set_aside_at = null
     from unnest($2::text[], $3::uuid[]) as q(user_id, wait_id)
     where tenant_id = $1 and waits.user_id = q.user_id and waits.wait_id = q.wait_id and set_aside_at is not null`,
    [tenantId, waits.map(({ userId }) => userId), waits.map(({ waitId }) => waitId)],
  );
  return rowCount ?? 0;
}

/** Wakes the timer workers, to look for what was below the floor of their queue. */
export async function announceTimers(connection: Connection): Promise<void> {
  await connection.query('select pg_notify($1, $2)', [TIMERS_CHANNEL, String(Date.UTC(1970, 0, 1))]);
}

/** Waits that a preview counts. */
const MAX_PREVIEW_WAITS = 100_000;
const MAX_PREVIEW_SAMPLE = 5;

/** Counts waits that are set aside, up to MAX_PREVIEW_WAITS, by rule and failure, with some of them. */
export async function previewSetAside(connection: Connection, filter: SetAsideFilter): Promise<JobPreview> {
  const values = [filter.tenantId, isoTime(filter.until), filter.rule ?? null];
  const { rows: groups } = await connection.query<{ rule: string; failure: string; count: number }>(
    `select rule, failure, count(*) as count
     from (select rule, failure from waits where ${OF_FILTER} limit ${MAX_PREVIEW_WAITS}) as found
     group by rule, failure order by 3 desc, 1, 2 limit 20`,
    values,
  );
  const { rows: counted } = await connection.query<{ count: number }>(
    `select count(*) as count from (select from waits where ${OF_FILTER} limit ${MAX_PREVIEW_WAITS}) as found`,
    values,
  );
  const { rows: sample } = await connection.query(
    `select wait_id, user_id, rule, kind, failure, catalog_version from waits
     where ${OF_FILTER} order by user_id, wait_id limit ${MAX_PREVIEW_SAMPLE}`,
    values,
  );
  const count = counted[0]?.count ?? 0;
  return { count, isAtLeast: count >= MAX_PREVIEW_WAITS, groups, sample };
}

/** Number of waits of all tenants that are set aside, at most `limit`, and since when; null: none is. */
export async function countSetAside(
  connection: Connection,
  limit: number,
  tenantId: string | null = null,
): Promise<{ readonly count: number; readonly since: Millis } | null> {
  const { rows } = await connection.query<{ count: number; since: Millis | null }>({
    name: tenantId === null ? 'count-set-aside' : 'count-set-aside-of-tenant',
    text: `select count(*) as count, min(set_aside_at) as since
           from (select set_aside_at from waits where set_aside_at is not null
                   ${tenantId === null ? '' : 'and tenant_id = $2'} limit $1) as found`,
    values: tenantId === null ? [limit] : [limit, tenantId],
  });
  const { count = 0, since = null } = rows[0] ?? {};
  return since === null ? null : { count, since };
}
