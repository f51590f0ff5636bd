import type pg from 'pg';
import type { Message } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { documentRow, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';

/** A message for the inbox of a user. */
export interface NewInboxItem {
  readonly tenantId: string;
  readonly userId: string;
  readonly notificationId: string;
  readonly notificationType: string;
  readonly message: Message;
}

/**
 * Puts a message into the inbox of its user. A message that is there already stays as it is, read or unread: however often a
 * delivery is attempted or settled, it is one item.
 * @param mayStore asked right before; after false nothing is stored
 * @returns whether it is stored, now or before
 */
export async function storeInboxItem(
  pool: pg.Pool,
  seal: Seal,
  { tenantId, userId, notificationId, notificationType, message }: NewInboxItem,
  now: Millis,
  mayStore: () => boolean,
): Promise<boolean> {
  const sealed = sealDocument(
    seal,
    JSON.stringify(message),
    documentRow('inbox_items', tenantId, userId, notificationId),
  );
  const connection = await pool.connect();
  let failure: Error | boolean = false;
  try {
    if (!mayStore()) return false;
    await connection.query({
      name: 'store-inbox-item',
      text: STORE,
      values: [
        tenantId,
        userId,
        notificationId,
        notificationType,
        sealed,
        isoTime(now),
        message.inbox?.expires_at ?? null,
      ],
    });
    return true;
  } catch (error) {
    failure = error as Error;
    throw error;
  } finally {
    connection.release(failure);
  }
}

/** The later of two at the same time waits for the counter, finds the item, and leaves a number unused. */
const STORE = `
with known as (
  select from inbox_items where tenant_id = $1 and user_id = $2 and notification_id = $3::uuid
), counted as (
  insert into inboxes (tenant_id, user_id, last) select $1, $2, 1 where not exists (select from known)
  on conflict (tenant_id, user_id) do update set last = inboxes.last + 1
  returning last
)
insert into inbox_items (tenant_id, user_id, notification_id, sequence, change, notification_type, sealed, created_at, expires_at)
select $1, $2, $3::uuid, last, last, $4, $5, $6::timestamptz, $7::timestamptz from counted
on conflict (tenant_id, user_id, notification_id) do nothing`;
