import { formatDeliveryId } from '../../model/delivery-id.ts';
import type { Millis } from '../../model/event.ts';
import type { JobPreview, JobScope, ReplayFilter } from '../../model/job.ts';
import { isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Deliveries of an endpoint, and their replay. */

/** An attempt at an endpoint. */
export interface EndpointAttempt {
  readonly attempt: number;
  readonly started_at: string;
  readonly duration_ms: number;
  readonly outcome: string;
  /** Status of the response; null: no response, or a success. */
  readonly code: string | null;
  readonly reason: string | null;
  readonly response: string | null;
}

/** A delivery of an endpoint with its attempts, the first first. */
export interface EndpointDelivery {
  readonly delivery_id: string;
  readonly notification_type: string;
  readonly user_id: string;
  readonly status: string;
  readonly hold_code: string | null;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly due_at: string | null;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly attempts: readonly EndpointAttempt[];
}

/** Attempts of a delivery that are shown, the latest. */
const MAX_SHOWN_ATTEMPTS = 30;

/** Returns deliveries of an endpoint, newest first. @param before those older than this notification; null: from the newest */
export async function listEndpointDeliveries(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  endpointId: string,
  limit: number,
  before: string | null,
): Promise<EndpointDelivery[]> {
  const { rows } = await connection.query(
    `select d.*, coalesce((
       select json_agg(a order by attempt) from (
         select attempt, started_at, duration_ms, outcome, code, reason, response from all_attempts() as a
         where a.tenant_id = d.tenant_id and a.notification_id = d.notification_id and a.channel = 'webhook' and a.target = $2
         order by attempt desc limit ${MAX_SHOWN_ATTEMPTS}
       ) as a), '[]') as attempts
     from (
       select tenant_id, notification_id, notification_type, user_id, status, hold_code, reason_code, reason, due_at, created_at, finished_at
       from deliveries where tenant_id = $1 and channel = 'webhook' and target = $2 and notification_id < $3
       order by notification_id desc limit $4
     ) as d order by notification_id desc`,
    [tenantId, endpointId, before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit],
  );
  return rows.map((row) => ({
    delivery_id: formatDeliveryId({ notificationId: row.notification_id, channel: 'webhook', target: endpointId }),
    notification_type: row.notification_type,
    user_id: row.user_id,
    status: row.status,
    hold_code: row.hold_code,
    reason_code: row.reason_code,
    reason: row.reason,
    due_at: row.finished_at === null && row.hold_code !== 'endpoint_disabled' ? isoTime(row.due_at) : null,
    created_at: isoTime(row.created_at),
    finished_at: row.finished_at === null ? null : isoTime(row.finished_at),
    attempts: row.attempts.map((attempt: EndpointAttempt) => ({
      ...attempt,
      started_at: isoTime(Date.parse(attempt.started_at)),
    })),
  }));
}

/** A delivery that a replay has looked at. */
export interface ReplayCandidate {
  readonly notificationId: string;
  readonly matches: boolean;
}

/** Returns deliveries of an endpoint, matching or not, oldest first. @param after null: from the start */
export async function scanEndpoint(
  connection: Pick<Connection, 'query'>,
  scope: JobScope<ReplayFilter>,
  after: string | null,
  limit: number,
): Promise<ReplayCandidate[]> {
  const { rows } = await connection.query<{ notification_id: string; matches: boolean }>(
    `select notification_id, ${MATCHES} as matches from deliveries
     where ${OF_ENDPOINT} and notification_id > $7 order by notification_id limit $8`,
    [...filterValues(scope), after ?? firstIdSince(scope.filter), limit],
  );
  return rows.map(({ notification_id: notificationId, matches }) => ({ notificationId, matches }));
}

/** Rows that a preview looks at. */
const MAX_PREVIEW_ROWS = 100_000;

/** Counts the deliveries that a replay would send, among the first MAX_PREVIEW_ROWS of the endpoint. */
export async function previewReplay(
  connection: Pick<Connection, 'query'>,
  scope: JobScope<ReplayFilter>,
): Promise<JobPreview> {
  const { rows } = await connection.query(
    `with scanned as materialized (
       select notification_id, user_id, notification_type, status, reason, ${MATCHES} as matches from deliveries
       where ${OF_ENDPOINT} and notification_id > $7 order by notification_id limit ${MAX_PREVIEW_ROWS}
     )
     select (select count(*) from scanned) as scanned, (select count(*) from scanned where matches) as count,
            (select json_agg(g) from (
               select json_build_object('notification_type', notification_type, 'status', status, 'count', count(*)) as g
               from scanned where matches group by notification_type, status order by count(*) desc limit 20) as top) as groups,
            (select json_agg(s) from (
               select json_build_object('delivery_id', concat_ws('.', notification_id, 'webhook', $2::text), 'user_id', user_id,
                                        'notification_type', notification_type, 'status', status, 'reason', reason) as s
               from scanned where matches limit 5) as first) as sample`,
    [...filterValues(scope), firstIdSince(scope.filter)],
  );
  const [row] = rows;
  const { scanned, count, groups, sample } = row;
  return {
    count: Number(count),
    isAtLeast: Number(scanned) >= MAX_PREVIEW_ROWS,
    groups: groups ?? [],
    sample: sample ?? [],
  };
}

/**
 * Queues deliveries of an endpoint again, whatever became of them, unless they are being sent or wait for their turn anyway.
 * Returns how many. The attempt of one that was sent becomes a row of its own.
 */
export async function replayDeliveries(
  connection: Pick<Connection, 'query'>,
  { tenantId, endpointId }: { readonly tenantId: string; readonly endpointId: string },
  notificationIds: readonly string[],
  now: Millis,
  retryFor: Millis,
): Promise<number> {
  const { rows } = await connection.query<{ n: string }>(
    `with chosen as materialized (
       select * from deliveries
       where tenant_id = $1 and channel = 'webhook' and target = $2 and notification_id = any($3::uuid[]) and ${REPLAYABLE}
       order by notification_id for update
     ), moved as (
       insert into attempts (tenant_id, notification_id, channel, target, attempt, provider, account, worker, started_at, duration_ms,
                             outcome, response, provider_message_id, choice, parts, cost, currency)
       select tenant_id, notification_id, channel, target, attempts, coalesce(provider, 'webhook'), account, coalesce(worker, 'unknown'), started_at, duration_ms, status,
              response, provider_message_id, choice, parts, cost, currency
       from chosen where started_at is not null
       on conflict do nothing
     ), queued as (
       update deliveries as d
       set status = 'queued', due_at = $4, retry_until = $5, finished_at = null, hold_code = null, dead_letter = null, started_at = null,
           duration_ms = null, response = null, provider_message_id = null, choice = null, parts = null, cost = null, currency = null,
           reason_code = 'retried', reason = 'Replayed.',
           expires_at = null
       from chosen as c
       where d.tenant_id = $1 and d.notification_id = c.notification_id and d.channel = 'webhook' and d.target = $2
       returning 1
     )
     select count(*) as n from queued`,
    [tenantId, endpointId, notificationIds, isoTime(now), isoTime(now + retryFor)],
  );
  return Number(rows[0]?.n);
}

const REPLAYABLE = `(finished_at is not null or hold_code = 'endpoint_disabled')`;
const OF_ENDPOINT = `tenant_id = $1 and channel = 'webhook' and target = $2::text`;
/** Parameters as in `filterValues`. */
const MATCHES = `(
  created_at <= $3 and ${REPLAYABLE} and ($6::bool or status not in ('sent', 'sandboxed', 'cancelled'))
  and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5))`;

function filterValues({ tenantId, filter, startedAt }: JobScope<ReplayFilter>): unknown[] {
  const { endpoint_id, since = null, until = null, include_sent = false } = filter;
  return [tenantId, endpoint_id, isoTime(startedAt), since, until, include_sent];
}

/** Notifications are created some moments after their id was drawn. */
const ID_AHEAD_MS = 60_000;

/** Returns an id (UUIDv7) that is smaller than those of all notifications that the filter may match. */
function firstIdSince({ since }: ReplayFilter): string {
  return uuidAt(since === undefined ? 0 : Date.parse(since) - ID_AHEAD_MS);
}
