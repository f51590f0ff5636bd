import { type DeliveryId, formatDeliveryId } from '../model/delivery-id.ts';
import { DIRECT_RULE } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Connection } from './pg/pool.ts';

/* Look-ups of one thing by what is known of it: each by an index, and each with a bound. */

/** Something that was found, and where it leads. */
export interface Found {
  /** Id by which the API knows it. */
  readonly id: string;
  readonly user_id: string | null;
  /** Its type or rule; null: it is without one, or the id says it. */
  readonly name: string | null;
  readonly status: string | null;
  /** ISO 8601; null: no time says something about it. */
  readonly at: string | null;
}

/** Finds the event whose caller gave it this id. @param key as `toEventKey` returns it */
export async function findEvent(
  connection: Connection,
  tenantId: string,
  { eventId, key }: { readonly eventId: string; readonly key: string },
): Promise<Found[]> {
  const { rows } = await connection.query<{ user_id: string; event_time: Millis }>({
    name: 'search-event',
    text: 'select user_id, event_time from event_ids where tenant_id = $1 and key = $2',
    values: [tenantId, key],
  });
  return rows.map(({ user_id, event_time }) => ({
    id: eventId,
    user_id,
    name: null,
    status: null,
    at: isoTime(event_time),
  }));
}

/** Finds a notification by its id: one that was made, or one that waits for its time. */
export async function findNotification(connection: Connection, tenantId: string, id: string): Promise<Found[]> {
  const { rows } = await connection.query<{ user_id: string; name: string | null; at: Millis }>({
    name: 'search-notification',
    text: `(select user_id, notification_type as name, created_at as at from deliveries
            where tenant_id = $1 and notification_id = $2 limit 1)
           union all
           (select user_id, state #>> '{trigger,properties,notification_type}', began_at from waits
            where tenant_id = $1 and wait_id = $2 and rule = '${DIRECT_RULE}')
           limit 1`,
    values: [tenantId, id],
  });
  return rows.map(({ user_id, name, at }) => ({ id, user_id, name, status: null, at: isoTime(at) }));
}

interface DeliveryRow {
  readonly notification_id: string;
  readonly channel: string;
  readonly target: string;
  readonly user_id: string;
  readonly notification_type: string;
  readonly status: string;
  readonly created_at: Millis;
}

const DELIVERY = `d.notification_id, d.channel, d.target, d.user_id, d.notification_type, d.status, d.created_at`;

export async function findDelivery(
  connection: Connection,
  tenantId: string,
  { notificationId, channel, target }: DeliveryId,
): Promise<Found[]> {
  const { rows } = await connection.query<DeliveryRow>({
    name: 'search-delivery',
    text: `select ${DELIVERY} from deliveries as d
           where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4`,
    values: [tenantId, notificationId, channel, target],
  });
  return rows.map(toDelivery);
}

/**
 * Finds deliveries by the id that the provider gave their message, or that we gave it: of providers that report on messages, as
 * long as they may do so.
 */
export async function findByProviderMessage(
  connection: Connection,
  tenantId: string,
  messageId: string,
  limit: number,
): Promise<Found[]> {
  const { rows } = await connection.query<DeliveryRow>({
    name: 'search-provider-message',
    text: `select ${DELIVERY} from (
             select notification_id, channel, target from provider_messages
             where tenant_id = $1 and message_key = $2 limit $3
           ) as p
           join deliveries as d on d.tenant_id = $1 and d.notification_id = p.notification_id
             and d.channel = p.channel and d.target = p.target`,
    values: [tenantId, messageId, limit],
  });
  return rows.map(toDelivery);
}

function toDelivery(row: DeliveryRow): Found {
  const { notification_id: notificationId, channel, target, user_id, notification_type: name, status } = row;
  return {
    id: formatDeliveryId({ notificationId, channel, target }),
    user_id,
    name,
    status,
    at: isoTime(row.created_at),
  };
}

/** Finds the waits whose rule gave them this key, the one that began last first. */
export async function findWaitsByKey(
  connection: Connection,
  tenantId: string,
  key: string,
  limit: number,
): Promise<Found[]> {
  const { rows } = await connection.query<{
    wait_id: string;
    user_id: string;
    rule: string;
    status: string;
    due_at: Millis;
  }>({
    name: 'search-waits',
    text: `select wait_id, user_id, rule, status, due_at from waits
           where tenant_id = $1 and key = $2 and key <> '' order by began_at desc limit $3`,
    values: [tenantId, key, limit],
  });
  return rows.map(({ wait_id: id, user_id, rule: name, status, due_at }) => ({
    id,
    user_id,
    name,
    status,
    at: isoTime(due_at),
  }));
}

/** Templates of a tenant that are looked at, at most. */
const MAX_EXAMINED_TEMPLATES = 5000;

/** Finds templates that requests made, by a part of their name in small or capital letters. */
export async function findTemplates(
  connection: Connection,
  tenantId: string,
  part: string,
  limit: number,
): Promise<Found[]> {
  const { rows } = await connection.query<{ template_id: string; name: string; locale: string }>({
    name: 'search-templates',
    text: `select template_id, name, locale from (
             select template_id, name, locale from templates where tenant_id = $1 order by name, locale limit ${MAX_EXAMINED_TEMPLATES}
           ) as examined
           where position(lower($2) in lower(name)) > 0 order by name, locale limit $3`,
    values: [tenantId, part, limit],
  });
  return rows.map(({ template_id: id, name, locale }) => ({
    id,
    user_id: null,
    name: `${name} (${locale})`,
    status: null,
    at: null,
  }));
}
