import { parseDeliveryId } from '../model/delivery-id.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { SuppressibleChannel } from '../model/suppression.ts';
import { hearsType } from '../model/webhook.ts';
import { isoTime } from '../time/iso-time.ts';
import { enqueueOutbox } from './outbox.ts';
import type { Connection } from './pg/pool.ts';
import { recordFacts } from './webhooks/facts.ts';

/** A suppression that was added or removed. */
interface SuppressionChange {
  readonly tenantId: string;
  readonly addressHash: string;
  readonly type: 'suppression.added' | 'suppression.removed';
  readonly view: ChangedSuppression;
}

/** The suppression as the API shows it. */
interface ChangedSuppression {
  readonly suppression_id: string;
  readonly channel: SuppressibleChannel;
  readonly address: string | null;
  readonly scope: string;
  readonly reason: string;
  readonly since: string;
  readonly until: string | null;
  readonly evidence: JsonObject;
}

/**
 * Tells rules and endpoints of webhooks of a suppression, in the transaction that changes it, if any of them subscribes to it. Rules receive it
 * of a user that is known: the one of the delivery that it was made from, or of the latest message to the address on which its
 * provider reports.
 */
export async function reportSuppression(
  connection: Connection,
  { tenantId, addressHash, type, view }: SuppressionChange,
  now: Millis,
): Promise<void> {
  const { rows } = await connection.query<{
    rule_facts: string[] | null;
    heard_types: string[] | null;
    for_sinks: boolean;
  }>({
    name: 'load-hearers',
    text: `select rule_facts, heard_types, exists (select from find_sinks($1, $2, null, $3, $4)) as for_sinks
           from active_catalogs where tenant_id = $1`,
    values: [tenantId, type, view.channel, isoTime(now)],
  });
  const isHeardByRules = rows[0]?.rule_facts?.includes(type) === true;
  const isHeardByEndpoints = hearsType(rows[0]?.heard_types ?? null, type);
  const isFact = isHeardByEndpoints || rows[0]?.for_sinks === true;
  if (!isHeardByRules && !isFact) return;
  const userId = await findUser(connection, tenantId, addressHash, view.evidence);
  const eventId = `${type} ${view.suppression_id} ${now}`;
  const event: JsonObject = {
    event_id: eventId,
    ...(userId === undefined ? {} : { user_id: userId }),
    event_type: type,
    event_timestamp: isoTime(now),
    // An erasure of the user could not find an address in a fact about no user.
    properties: toProperties(userId === undefined ? { ...view, address: null } : view),
  };
  if (isHeardByRules && userId !== undefined) {
    await enqueueOutbox(connection, [{ tenantId, userId, eventId, event }], now);
  }
  if (!isFact) return;
  const fact = { tenantId, userId: userId ?? '', eventId, type, at: now, event, about: null, channel: view.channel };
  await recordFacts(connection, [fact], now);
}

function toProperties({
  suppression_id,
  channel,
  address,
  scope,
  reason,
  since,
  until,
}: ChangedSuppression): JsonObject {
  return {
    suppression_id,
    channel,
    ...(address === null ? {} : { address }),
    scope,
    reason,
    since,
    ...(until === null ? {} : { until }),
  };
}

/** Returns the user whose address is suppressed; undefined: none is known. */
async function findUser(
  connection: Connection,
  tenantId: string,
  addressHash: string,
  evidence: JsonObject,
): Promise<string | undefined> {
  const delivery = typeof evidence.delivery_id === 'string' ? parseDeliveryId(evidence.delivery_id) : undefined;
  const { rows } = await connection.query<{ user_id: string }>({
    name: 'find-suppressed-user',
    text: `select d.user_id from (
             select $3::uuid as id where $3::uuid is not null
             union all
             (select notification_id from provider_messages
              where $3::uuid is null and address_hash = $2 and tenant_id = $1 order by sent_at desc limit 1)
           ) as latest
           cross join lateral (
             select user_id from deliveries where tenant_id = $1 and notification_id = latest.id limit 1
           ) as d`,
    values: [tenantId, addressHash, delivery?.notificationId ?? null],
  });
  return rows[0]?.user_id;
}
