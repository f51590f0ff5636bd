import type pg from 'pg';
import type { Channel, DeliveryStatus, Message } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { documentRow, openDocument } from '../../privacy/documents.ts';
import { type MessageParts, toMessageParts } from '../../privacy/message-view.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';

/** A notification as its own user sees it: nothing of rules and decisions, and nothing masked. */
export interface OwnNotification {
  readonly notification_id: string;
  readonly notification_type: string;
  readonly category: string;
  readonly created_at: string;
  readonly deliveries: readonly OwnDelivery[];
}

export interface OwnDelivery {
  readonly channel: Channel;
  readonly status: DeliveryStatus;
  readonly finished_at: string | null;
  /** Null: none was rendered, or it is no longer kept. */
  readonly message: MessageParts | null;
}

/** Bytes of sealed messages in one page; the messages beyond are null. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Returns notifications of a user, newest first. @param before only those older than this one; null: from the newest */
export async function listOwnNotifications(
  pool: pg.Pool,
  seal: Seal,
  { tenantId, userId, limit, before }: { tenantId: string; userId: string; limit: number; before: string | null },
): Promise<OwnNotification[]> {
  const { rows: notifications } = await pool.query<Omit<OwnNotification, 'created_at'> & { created_at: Millis }>(
    `select notification_id, notification_type, category, created_at from notifications
     where tenant_id = $1 and user_id = $2 and notification_id < $3::uuid and catalog_version > 0 order by notification_id desc limit $4`,
    [tenantId, userId, before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit],
  );
  if (notifications.length === 0) return [];
  // Lateral: an index probe for each id, in the one partition that it can be in.
  const { rows } = await pool.query<{
    notification_id: string;
    channel: Channel;
    target: string;
    status: DeliveryStatus;
    finished_at: Millis | null;
    sealed: Buffer | null;
  }>(
    `select notification_id, channel, target, status, finished_at,
            case when sum(octet_length(sealed)) over (order by notification_id desc, channel, target) <= ${MAX_MESSAGE_BYTES}
              then sealed end as sealed
     from (
       select d.*, m.sealed from unnest($2::uuid[]) as want(id)
       cross join lateral (
         select notification_id, channel, target, status, finished_at from deliveries
         where tenant_id = $1 and notification_id = want.id and user_id = $3
       ) as d
       left join lateral (
         select sealed from messages
         where tenant_id = $1 and notification_id = d.notification_id and channel = d.channel
           and target = d.target
         limit 1
       ) as m on true
     ) as found
     order by channel, target`,
    [tenantId, notifications.map(({ notification_id }) => notification_id), userId],
  );
  return notifications.map((notification) => ({
    ...notification,
    created_at: isoTime(notification.created_at),
    deliveries: rows
      .filter((row) => row.notification_id === notification.notification_id)
      .map(({ channel, target, status, finished_at, sealed, notification_id }) => ({
        channel,
        status,
        finished_at: isoTimeOrNull(finished_at),
        message:
          sealed === null
            ? null
            : toMessage(
                openDocument(seal, sealed, documentRow('messages', tenantId, notification_id, channel, target)),
              ),
      })),
  }));
}

function toMessage(document: object | undefined): OwnDelivery['message'] {
  if (!document) return null;
  // The data of a template of the provider are not for the user: they are all that is known of the event.
  const { provider_template: _, ...parts } = toMessageParts(document as Message, (text) => text);
  return parts;
}
