import type pg from 'pg';
import type { DeliveryStatus } from '../model/delivery.ts';
import { DIRECT_RULE } from '../model/direct.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { type CountedDelivery, getStateOfDeliveries } from '../model/notification-state.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import {
  type DeliverySummary,
  loadDeliverySummaries,
  loadNotifications,
  type NotificationView,
} from './deliveries/delivery-views.ts';
import type { Connection } from './pg/pool.ts';

/* Notifications as they are listed and asked for by their id: those that were made, and those that wait for their time. */

/**
 * `scheduled`: it waits for its time. `accepted`: a delivery of it is open. Then, by what became of its deliveries: `sent`,
 * `partly` (one channel reached the user, another failed or may have), `in_doubt`, `failed`, `dropped`, `cancelled`.
 * `suppressed`: when its time came it was decided not to send it.
 */
export const NOTIFICATION_STATES = [
  'scheduled',
  'accepted',
  'sent',
  'partly',
  'in_doubt',
  'failed',
  'dropped',
  'cancelled',
  'suppressed',
] as const;
export type NotificationState = (typeof NOTIFICATION_STATES)[number];

/** A notification with its state, as the API lists it. Times are ISO 8601. */
export interface NotificationSummary {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly user_id: string;
  /** `@direct`: a request asked for it; `@test`: as a test of templates. */
  readonly rule: string;
  readonly state: NotificationState;
  readonly correlation_id: string | null;
  readonly source: string | null;
  readonly created_at: string;
  /** When it is to be sent; null: it is not scheduled. */
  readonly due_at: string | null;
  readonly cancelled_at: string | null;
  readonly deliveries: readonly DeliverySummary[];
}

export interface NotificationDetail extends Omit<NotificationSummary, 'deliveries'> {
  /** Null: it is not made yet. */
  readonly category: string | null;
  readonly event_id: string;
  /** Null: it is not made yet, or was decided when its time came. */
  readonly decision_id: string | null;
  readonly context: JsonObject | null;
  readonly deliveries: NotificationView['deliveries'];
}

export interface NotificationFilter {
  readonly userId?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: NotificationState | undefined;
  readonly correlationId?: string | undefined;
}

/** Notifications, and scheduled ones, that one page looks at, at most. */
const MAX_EXAMINED = 1000;

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * Returns the notifications that match, in the reverse order of their ids: what is scheduled by its time, then the newest.
 * @param before only those before this id; null: from the start
 * @returns `last`: where the next page begins; null: there are no more. A page may be short, or empty, and have a next one
 */
export async function listNotifications(
  pool: pg.Pool,
  tenantId: string,
  filter: NotificationFilter,
  limit: number,
  before: string | null,
): Promise<{ readonly notifications: NotificationSummary[]; readonly last: string | null }> {
  const from = before ?? LAST_ID;
  const sources = [await examineMade(pool, tenantId, filter, from), await examineWaits(pool, tenantId, filter, from)];
  // Below the last one that a source has looked at, it may have others.
  const bound = sources.reduce((one, { last }) => (last !== null && last > one ? last : one), '');
  const found = sources
    .flatMap(({ rows }) => rows)
    .filter((row) => row.notification_id >= bound && matches(row, filter))
    .sort((a, b) => (a.notification_id < b.notification_id ? 1 : -1));
  const page = found.slice(0, limit);
  const ids = page.map((row) => row.notification_id);
  const deliveries = await loadDeliverySummaries(pool, tenantId, ids);
  const last = found.length > limit ? (ids.at(-1) as string) : bound === '' ? null : bound;
  return {
    notifications: page.map((row) => ({ ...toSummary(row), deliveries: deliveries.get(row.notification_id) ?? [] })),
    last,
  };
}

/** Returns a notification, made or scheduled; undefined: the id is unknown. */
export async function loadNotification(
  pool: pg.Pool,
  tenantId: string,
  id: string,
): Promise<NotificationDetail | undefined> {
  const userId = await findUserOfNotification(pool, tenantId, id);
  if (userId !== undefined) {
    const [view] = await loadNotifications(pool, tenantId, userId, [id]);
    const { rows } = await pool.query<Row & { context: JsonObject | null }>(
      `${SELECT_MADE}, data -> 'context' as context
       from notifications as n where tenant_id = $1 and user_id = $2 and notification_id = $3 and ${NO_FACT}`,
      [tenantId, userId, id],
    );
    const [row] = rows;
    if (!view || !row) return undefined;
    const { category, event_id, decision_id, deliveries } = view;
    return { ...toSummary(row), category, event_id, decision_id, context: row.context, deliveries };
  }
  const { rows } = await pool.query<Row & { context: JsonObject | null; event_id: string }>(
    `${SELECT_WAIT}, state #> '{trigger,context}' as context, state #>> '{trigger,eventId}' as event_id
     from waits where tenant_id = $1 and wait_id = $2 and rule = '${DIRECT_RULE}'`,
    [tenantId, id],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { context, event_id } = row;
  return { ...toSummary(row), category: null, event_id, decision_id: null, context, deliveries: [] };
}

/** Returns the user of a notification that was made; undefined: the id is unknown. */
export async function findUserOfNotification(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<string | undefined> {
  const { rows } = await connection.query<{ user_id: string }>({
    name: 'find-user-of-notification',
    text: 'select user_id from deliveries where tenant_id = $1 and notification_id = $2 limit 1',
    values: [tenantId, id],
  });
  return rows[0]?.user_id;
}

/** Returns the user and the request of what is scheduled under this id; undefined: nothing is. */
export async function findScheduled(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<{ readonly userId: string; readonly properties: JsonObject } | undefined> {
  const { rows } = await connection.query<{ user_id: string; properties: JsonObject }>({
    name: 'find-scheduled',
    text: `select user_id, state #> '{trigger,properties}' as properties from waits
           where tenant_id = $1 and wait_id = $2 and rule = '${DIRECT_RULE}' and status = 'waiting'`,
    values: [tenantId, id],
  });
  return rows[0] && { userId: rows[0].user_id, properties: rows[0].properties };
}

/**
 * Marks a notification as cancelled, so that no claim sends it from then on, and cancels what is queued of it. Returns whether
 * it was not marked before.
 */
export async function cancelNotification(
  connection: Connection,
  tenantId: string,
  { userId, id }: { readonly userId: string; readonly id: string },
  now: Millis,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `update notifications set cancelled_at = $4
     where tenant_id = $1 and user_id = $2 and notification_id = $3 and cancelled_at is null`,
    [tenantId, userId, id, isoTime(now)],
  );
  await connection.query(
    `update deliveries set status = 'cancelled', finished_at = $3, hold_code = null, reason_code = 'cancelled',
            reason = 'Its notification was cancelled.'
     where tenant_id = $1 and notification_id = $2 and status = 'queued'`,
    [tenantId, id, isoTime(now)],
  );
  return rowCount === 1;
}

/** Returns the statuses of the deliveries of a notification, in order of channel. */
export async function loadStatuses(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<readonly { readonly channel: string; readonly status: DeliveryStatus }[]> {
  const { rows } = await connection.query<{ channel: string; status: DeliveryStatus }>(
    `select distinct channel, status from deliveries where tenant_id = $1 and notification_id = $2 order by channel, status`,
    [tenantId, id],
  );
  return rows;
}

// ---------------------------------------------------------------------------------------------------------------------

interface Row {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly user_id: string;
  readonly rule: string;
  readonly correlation_id: string | null;
  readonly source: string | null;
  readonly created_at: Millis;
  readonly due_at: Millis | null;
  readonly cancelled_at: Millis | null;
  /** Its deliveries, alike ones once; null: it is not made. */
  readonly made: readonly StoredDelivery[] | null;
  /** Status of its wait; null: it is made. */
  readonly waits: 'waiting' | 'cancelled' | 'fired' | null;
}

type StoredDelivery = Omit<CountedDelivery, 'step'> & { readonly step: number | null };

const NO_FACT = `n.catalog_version <> ${FACT_VERSION}`;

const SELECT_MADE = `
select n.notification_id, n.notification_type, n.user_id, n.rule, n.correlation_id, n.data #>> '{context,source}' as source,
       n.created_at, null::timestamptz as due_at, n.cancelled_at,
       (select coalesce(jsonb_agg(distinct jsonb_build_object('channel', channel, 'status', status, 'provider', provider,
                 'target', case channel when 'webhook' then target else '' end, 'receipt_state', receipt_state, 'step', step)), '[]')
        from deliveries as d where d.tenant_id = n.tenant_id and d.notification_id = n.notification_id) as made, null as waits`;

const SELECT_WAIT = `
select wait_id as notification_id, state #>> '{trigger,properties,notification_type}' as notification_type, user_id, rule,
       state #>> '{trigger,context,correlation_id}' as correlation_id, state #>> '{trigger,context,source}' as source,
       began_at as created_at, due_at, case when status = 'cancelled' then ended_at end as cancelled_at,
       null::jsonb as made, status as waits`;

/** Rows that a source has, as far as it was looked through. */
interface Examined {
  readonly rows: readonly Row[];
  /** The last id that was looked at, below which there may be others; null: it has no others. */
  readonly last: string | null;
}

/** Returns notifications before an id, matching or not, newest first; of a user or a correlation id if the filter names one. */
async function examineMade(
  pool: pg.Pool,
  tenantId: string,
  { userId, correlationId }: NotificationFilter,
  before: string,
): Promise<Examined> {
  if (userId === undefined && correlationId === undefined) return examineByDeliveries(pool, tenantId, before);
  const values: unknown[] = [tenantId, before];
  const of = (column: string, value: string | undefined) =>
    value === undefined ? '' : `and ${column} = $${values.push(value)}`;
  const { rows } = await pool.query<Row>(
    `${SELECT_MADE} from notifications as n
     where n.tenant_id = $1 and n.notification_id < $2 and ${NO_FACT}
       ${of('n.user_id', userId)} ${of('n.correlation_id', correlationId)}
     order by n.notification_id desc limit ${MAX_EXAMINED}`,
    values,
  );
  return { rows, last: toLast(rows) };
}

/** In the order of the key of their deliveries, since that of notifications begins with the user. Some of these are of facts, or gone. */
async function examineByDeliveries(pool: pg.Pool, tenantId: string, before: string): Promise<Examined> {
  const { rows: ids } = await pool.query<{ notification_id: string; user_id: string }>(
    `select distinct on (notification_id) notification_id, user_id from deliveries
     where tenant_id = $1 and notification_id < $2 order by notification_id desc limit ${MAX_EXAMINED}`,
    [tenantId, before],
  );
  if (ids.length === 0) return { rows: [], last: null };
  const { rows } = await pool.query<Row>(
    `${SELECT_MADE} from unnest($2::text[], $3::uuid[]) as q(user_id, notification_id)
     join notifications as n on n.tenant_id = $1 and n.user_id = q.user_id and n.notification_id = q.notification_id
     where ${NO_FACT} order by n.notification_id desc`,
    [tenantId, ids.map(({ user_id }) => user_id), ids.map(({ notification_id }) => notification_id)],
  );
  return { rows, last: toLast(ids) };
}

function toLast(rows: readonly { readonly notification_id: string }[]): string | null {
  return rows.length < MAX_EXAMINED ? null : (rows.at(-1)?.notification_id ?? null);
}

/** Returns what is or was scheduled, before an id. One that was sent is a notification of the same id, and left out. */
async function examineWaits(
  pool: pg.Pool,
  tenantId: string,
  { userId }: NotificationFilter,
  before: string,
): Promise<Examined> {
  const values: unknown[] = [tenantId, before];
  const ofUser = userId === undefined ? '' : `and user_id = $${values.push(userId)}`;
  const { rows } = await pool.query<Row>(
    `${SELECT_WAIT} from waits
     where tenant_id = $1 and wait_id < $2 and rule = '${DIRECT_RULE}' ${ofUser}
       and (status <> 'fired' or state ->> 'fired' is distinct from 'true')
     order by wait_id desc limit ${MAX_EXAMINED}`,
    values,
  );
  return { rows, last: toLast(rows) };
}

function matches(row: Row, { type, state, correlationId }: NotificationFilter): boolean {
  if (type !== undefined && row.notification_type !== type) return false;
  if (correlationId !== undefined && row.correlation_id !== correlationId) return false;
  return state === undefined || toState(row) === state;
}

function toSummary(row: Row): Omit<NotificationSummary, 'deliveries'> {
  return {
    notification_id: row.notification_id,
    notification_type: row.notification_type,
    user_id: row.user_id,
    rule: row.rule,
    state: toState(row),
    correlation_id: row.correlation_id,
    source: row.source,
    created_at: isoTime(row.created_at),
    due_at: isoTimeOrNull(row.due_at),
    cancelled_at: isoTimeOrNull(row.cancelled_at),
  };
}

const STATE_OF_WAIT = { waiting: 'scheduled', cancelled: 'cancelled', fired: 'suppressed' } as const;

function toState({ made, waits }: Row): NotificationState {
  if (waits !== null) return STATE_OF_WAIT[waits];
  return getStateOfDeliveries((made ?? []).map(({ step, ...one }) => (step === null ? one : { ...one, step })));
}
