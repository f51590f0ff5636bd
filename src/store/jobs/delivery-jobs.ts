import type { Channel } from '../../model/delivery.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { DeliveryFilter, JobPreview, JobScope } from '../../model/job.ts';
import { isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Deliveries that a job looks at, retries and cancels: pages in the order of an index, each bounded in rows. */

/** Rows that a preview looks at. */
const MAX_PREVIEW_ROWS = 100_000;
/** Groups and deliveries that a preview shows. */
const MAX_PREVIEW_GROUPS = 20;
const MAX_PREVIEW_SAMPLE = 5;

/** A delivery that a page has looked at. */
export interface ScannedDelivery {
  readonly notificationId: string;
  readonly channel: string;
  readonly target: string;
  readonly type: string;
  readonly status: string;
  readonly dueAt: Millis;
  /** Whether it has all that the filter asks for. */
  readonly matches: boolean;
}

export interface StoppedPosition {
  readonly notificationId: string;
  readonly channel: string;
  readonly target: string;
}

export interface QueuedPosition {
  readonly channel: Channel;
  readonly dueAt: Millis;
  readonly notificationId: string;
  readonly target: string;
}

/** Returns deliveries that ended without being sent, matching or not, oldest first. @param after null: from the start */
export async function scanStopped(
  connection: Connection,
  scope: JobScope<DeliveryFilter>,
  after: StoppedPosition | null,
  limit: number,
): Promise<ScannedDelivery[]> {
  const { notificationId = firstIdSince(scope.filter), channel = '', target = '' } = after ?? {};
  const values = [...filterValues(scope), notificationId, channel, target];
  const { rows } = await connection.query(
    `select notification_id, channel, target, notification_type, status, due_at, ${MATCHES} as matches from deliveries
     where ${STOPPED} and notification_id >= $11 and (notification_id, channel, target) > ($11::uuid, $12::text, $13::text)
     order by notification_id, channel, target limit $14`,
    [...values, limit],
  );
  return rows.map(toScanned);
}

/** Returns deliveries of a channel that are queued or being sent, matching or not, those due first before the others. */
export async function scanQueued(
  connection: Connection,
  scope: JobScope<DeliveryFilter>,
  { channel, dueAt, notificationId, target }: QueuedPosition,
  limit: number,
): Promise<ScannedDelivery[]> {
  const { rows } = await connection.query(
    `select notification_id, channel, target, notification_type, status, due_at, ${MATCHES} as matches from deliveries
     where ${OPEN} and channel = $11 and due_at >= $12
       and (due_at, notification_id, target) > ($12::timestamptz, $13::uuid, $14::text)
     order by due_at, notification_id, target limit $15`,
    [...filterValues(scope), channel, isoTime(dueAt), notificationId, target, limit],
  );
  return rows.map(toScanned);
}

/** Queues these deliveries again, if their status still allows it. Returns how many. @param retryFor in ms, of each of them */
export async function retryDeliveries(
  connection: Connection,
  scope: JobScope<DeliveryFilter>,
  deliveries: readonly ScannedDelivery[],
  retryFor: readonly Millis[],
  now: Millis,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update deliveries as d
     set status = 'queued', due_at = $5, retry_until = r.until, finished_at = null, dead_letter = null,
         reason_code = 'retried', reason = 'Queued again by hand.'
     from unnest($2::uuid[], $3::text[], $4::text[], $7::timestamptz[]) as r(n, c, g, until)
     where d.tenant_id = $1 and d.notification_id = r.n and d.channel = r.c and d.target = r.g and d.status = any($6)`,
    [
      ...keyValues(scope, deliveries),
      isoTime(now),
      statusesToRetry(scope.filter),
      retryFor.map((ms) => isoTime(now + ms)),
    ],
  );
  return rowCount ?? 0;
}

/** Cancels these deliveries, if they are still queued. Returns how many. */
export async function cancelDeliveries(
  connection: Connection,
  scope: Pick<JobScope, 'tenantId'>,
  deliveries: readonly Pick<ScannedDelivery, 'notificationId' | 'channel' | 'target'>[],
  now: Millis,
): Promise<number> {
  const { rowCount } = await connection.query(
    `update deliveries as d
     set status = 'cancelled', finished_at = $5, hold_code = null, reason_code = 'cancelled', reason = 'Cancelled by hand.'
     from unnest($2::uuid[], $3::text[], $4::text[]) as r(n, c, g)
     where d.tenant_id = $1 and d.notification_id = r.n and d.channel = r.c and d.target = r.g and d.status = 'queued'`,
    [...keyValues(scope, deliveries), isoTime(now)],
  );
  return rowCount ?? 0;
}

/** Counts the deliveries that a job would retry or cancel, among the first MAX_PREVIEW_ROWS of their index. */
export async function previewDeliveries(
  connection: Connection,
  scope: JobScope<DeliveryFilter>,
  of: 'stopped' | 'queued',
): Promise<JobPreview> {
  const from =
    of === 'stopped'
      ? `select * from deliveries where ${STOPPED} and notification_id >= $11 order by notification_id limit ${MAX_PREVIEW_ROWS}`
      : // The order of the index of the queue, channel by channel.
        `select * from deliveries where ${OPEN} and $11::uuid is not null order by channel, due_at limit ${MAX_PREVIEW_ROWS}`;
  const { rows } = await connection.query(
    `with scanned as materialized (
       select notification_id, channel, target, notification_type, user_id, status, reason_code, reason,
              ${MATCHES} ${of === 'queued' ? "and status = 'queued'" : ''} as matches
       from (${from}) as deliveries
     ), grouped as (
       select json_build_object('notification_type', notification_type, 'channel', channel, 'status', status,
                                'reason_code', reason_code, 'count', count(*)) as g, count(*) as n
       from scanned where matches group by notification_type, channel, status, reason_code
     ), sample as (
       select json_build_object('delivery_id', concat_ws('.', notification_id, channel, nullif(target, '')), 'user_id', user_id,
                                'notification_type', notification_type, 'status', status, 'reason', reason) as s
       from scanned where matches limit ${MAX_PREVIEW_SAMPLE}
     )
     select (select count(*) from scanned) as scanned, (select coalesce(sum(n), 0)::bigint from grouped) as count,
            (select json_agg(g) from (select g from grouped order by n desc limit ${MAX_PREVIEW_GROUPS}) as top) as groups,
            (select json_agg(s) from sample) as sample`,
    [...filterValues(scope), firstIdSince(scope.filter)],
  );
  const { scanned, count, groups, sample } = rows[0] as {
    scanned: number;
    count: number;
    groups: JsonObject[] | null;
    sample: JsonObject[] | null;
  };
  return { count, isAtLeast: scanned >= MAX_PREVIEW_ROWS, groups: groups ?? [], sample: sample ?? [] };
}

/** Conditions of the partial indexes on deliveries. */
const STOPPED = 'tenant_id = $1 and finished_at is not null and started_at is null';
const OPEN = 'tenant_id = $1 and finished_at is null';

/** The filter over a row of deliveries; parameters as in `filterValues`. */
const MATCHES = `(
  created_at <= $2 and status = any($3) and ($4::text is null or channel = $4)
  and ($5::text is null or notification_type = $5) and ($6::text is null or user_id = $6)
  and ($7::text is null or reason_code = $7) and ($8::text is null or provider = $8)
  and ($9::timestamptz is null or created_at >= $9) and ($10::timestamptz is null or created_at < $10))`;

/** Returns the parameters $1 to $10 of the statements above. */
function filterValues({ tenantId, filter, startedAt }: JobScope<DeliveryFilter>): unknown[] {
  return [
    tenantId,
    isoTime(startedAt),
    // One list for both kinds of rows: the index says which of them a statement reads.
    [...statusesToRetry(filter), 'queued', 'sending'],
    filter.channel ?? null,
    filter.notification_type ?? null,
    filter.user_id ?? null,
    filter.reason_code ?? null,
    filter.provider ?? null,
    filter.since ?? null,
    filter.until ?? null,
  ];
}

function statusesToRetry({ status }: DeliveryFilter): readonly string[] {
  return status ?? ['undeliverable', 'dead'];
}

function keyValues(
  { tenantId }: Pick<JobScope, 'tenantId'>,
  deliveries: readonly Pick<ScannedDelivery, 'notificationId' | 'channel' | 'target'>[],
): unknown[] {
  return [
    tenantId,
    deliveries.map(({ notificationId }) => notificationId),
    deliveries.map(({ channel }) => channel),
    deliveries.map(({ target }) => target),
  ];
}

/** Returns the smallest id (UUIDv7) of a notification that the filter may match: older partitions are not read. */
function firstIdSince({ since }: DeliveryFilter): string {
  // Notifications are created some moments after their id was drawn.
  return uuidAt(since === undefined ? 0 : Date.parse(since) - ID_AHEAD_MS);
}

const ID_AHEAD_MS = 60_000;

// biome-ignore lint/suspicious/noExplicitAny: a row of a scan, named column by column
function toScanned(row: any): ScannedDelivery {
  return {
    notificationId: row.notification_id,
    channel: row.channel,
    target: row.target,
    type: row.notification_type,
    status: row.status,
    dueAt: row.due_at,
    matches: row.matches,
  };
}
