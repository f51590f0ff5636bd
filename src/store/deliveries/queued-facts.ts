import type { PushService } from '../../model/device.ts';
import type { Millis } from '../../model/event.ts';
import type { EndpointState } from '../../model/webhook.ts';
import type { Connection } from '../pg/pool.ts';

/** Facts about a queued delivery that decide what it waits for, and for how long. */
export interface QueuedFacts {
  readonly channel: string;
  readonly target: string;
  /** After this it is attempted once more at most. */
  readonly retryUntil: Millis;
  /** Null: it does not expire. */
  readonly expiresAt: Millis | null;
  /** State of its webhook endpoint; null: it goes to no endpoint, or that was deleted. */
  readonly endpointState: EndpointState | null;
  /** Push service of its device; null: it goes to no device, or that is not known. */
  readonly service: PushService | null;
}

/** Returns facts about the queued deliveries of a notification, all by one query. */
export async function loadQueuedFacts(
  connection: Connection,
  tenantId: string,
  notificationId: string,
): Promise<QueuedFacts[]> {
  const { rows } = await connection.query<QueuedFacts>({
    name: 'load-queued-facts',
    text: QUEUED_FACTS,
    values: [tenantId, notificationId],
  });
  return rows;
}

/**
 * Columns of QueuedFacts of the delivery `d` of the tenant $1. A target is the id of an endpoint or a device, or empty: the ids are compared
 * as text, among the few of the tenant or the user.
 */
export const QUEUED_FACTS_COLUMNS = `
d.channel, d.target, d.retry_until as "retryUntil", d.expires_at as "expiresAt",
case when d.channel = 'webhook' and d.target <> '' then (
  select state from webhook_endpoints where tenant_id = $1 and endpoint_id = d.target::uuid) end as "endpointState",
case when d.channel = 'push' and d.target <> '' then (
  select service from devices where tenant_id = $1 and user_id = d.user_id and device_id::text = d.target limit 1) end as service`;

const QUEUED_FACTS = `
select ${QUEUED_FACTS_COLUMNS}
from deliveries as d
where d.tenant_id = $1 and d.notification_id = $2 and d.status = 'queued'`;
