import type pg from 'pg';
import { type DeliveryId, formatDeliveryId } from '../../model/delivery-id.ts';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import { cancelDeliveries } from '../jobs/delivery-jobs.ts';
import { withTransaction } from '../pg/transaction.ts';
import { DELIVERIES_CHANNEL } from './delivery-queue.ts';
import { lockDeliveryState } from './delivery-state.ts';

/**
 * Queues a delivery that ended without being sent again, on behalf of an operator. Its attempts are kept, and their numbers
 * continue. Returns false if its status does not allow a retry.
 *
 * @param retryFor time in ms, from now, in which attempts are made
 */
export async function retryDelivery(
  pool: pg.Pool,
  tenantId: string,
  id: DeliveryId,
  actor: Actor,
  now: Millis,
  retryFor: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const before = await lockDeliveryState(connection, tenantId, id);
    const { rowCount } = await connection.query(
      `update deliveries
       set status = 'queued', due_at = $4, retry_until = $5, finished_at = null, hold_code = null, dead_letter = null,
           reason_code = 'retried', reason = 'Queued again by hand.'
       where tenant_id = $1 and notification_id = $2 and channel = $3 and target = $6
         and status in ('undeliverable', 'dead', 'in_doubt')`,
      [tenantId, id.notificationId, id.channel, isoTime(now), isoTime(now + retryFor), id.target],
    );
    if (rowCount === 0) return false;
    const subject = formatDeliveryId(id);
    const after = await lockDeliveryState(connection, tenantId, id);
    const entry = { tenantId, actor, action: 'delivery.retried', subject, detail: {}, before, after };
    await appendAuditEntry(connection, entry, now);
    await connection.query('select pg_notify($1, $2)', [DELIVERIES_CHANNEL, '']);
    return true;
  });
}

/**
 * Cancels a queued delivery, on behalf of an operator. Returns false if it is not queued: one that is being sent cannot be
 * cancelled.
 */
export async function cancelDelivery(
  pool: pg.Pool,
  tenantId: string,
  id: DeliveryId,
  actor: Actor,
  now: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const before = await lockDeliveryState(connection, tenantId, id);
    if ((await cancelDeliveries(connection, { tenantId }, [id], now)) === 0) return false;
    const subject = formatDeliveryId(id);
    const after = await lockDeliveryState(connection, tenantId, id);
    const entry = { tenantId, actor, action: 'delivery.cancelled', subject, detail: {}, before, after };
    await appendAuditEntry(connection, entry, now);
    return true;
  });
}
