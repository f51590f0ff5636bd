import type { DeliveryId } from '../../model/delivery-id.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/**
 * Returns a delivery as the audit log shows it, and locks it until the end of the transaction. Null: there is no such delivery.
 * The text of its reason is left out: it may quote the provider.
 */
export async function lockDeliveryState(
  connection: Connection,
  tenantId: string,
  { notificationId, channel, target }: DeliveryId,
): Promise<JsonObject | null> {
  const { rows } = await connection.query<{
    status: string;
    reason_code: string | null;
    attempts: number;
    due_at: Millis;
    retry_until: Millis;
    finished_at: Millis | null;
  }>(
    `select status, reason_code, attempts, due_at, retry_until, finished_at from deliveries
     where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $4 for update`,
    [tenantId, notificationId, channel, target],
  );
  const [row] = rows;
  if (!row) return null;
  return {
    status: row.status,
    reason_code: row.reason_code,
    attempts_made: row.attempts,
    due_at: isoTime(row.due_at),
    retry_until: isoTime(row.retry_until),
    finished_at: isoTimeOrNull(row.finished_at),
  };
}
