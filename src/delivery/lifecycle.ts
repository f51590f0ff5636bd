import type { CatalogCache } from '../catalog/cache.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { listensTo } from '../rules/compile/rule-set.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import type { SettledEvent, Settlement } from '../store/deliveries/settlements.ts';
import type { ProviderMessage } from '../store/receipts/provider-messages.ts';
import { isoTime } from '../time/iso-time.ts';

/** A delivery and how its attempt ended. */
export interface CompletedAttempt {
  readonly delivery: ClaimedDelivery;
  readonly settlement: Settlement;
}

/** The event of a notification's lifecycle, as rules name it (`on: { notification: …, is: failed }`), by final status. */
const LIFECYCLE_EVENT_BY_STATUS: { readonly [status in Settlement['status']]?: string } = {
  sent: 'notification.delivered',
  // So that a flow can be tried without a provider.
  sandboxed: 'notification.delivered',
  undeliverable: 'notification.failed',
  dead: 'notification.failed',
};

/**
 * Returns an event for each delivery that ended, if a rule of the active catalog listens for it, or an endpoint of webhooks
 * subscribes to it. The event of an attempt is the same however often it is built, so that recording it twice stores it once.
 * A delivery of a fact has no events: what endpoints receive never causes another fact.
 * @param tracked messages on which their providers will report: they are delivered once a receipt says so
 */
export async function toLifecycleEvents(
  catalogs: CatalogCache,
  completed: readonly CompletedAttempt[],
  tracked: readonly ProviderMessage[] = [],
): Promise<SettledEvent[]> {
  const events: SettledEvent[] = [];
  const isTracked = new Set(tracked.map(toKey));
  for (const { delivery, settlement } of completed) {
    const type = LIFECYCLE_EVENT_BY_STATUS[settlement.status];
    if (type === undefined || delivery.catalogVersion === FACT_VERSION) continue;
    if (isTracked.size > 0 && settlement.status === 'sent' && isTracked.has(toKey(delivery))) continue;
    const { tenantId, userId, notificationId, channel, notificationType } = delivery;
    const { rules } = await catalogs.getVersion(tenantId, delivery.activeCatalog);
    const isHeard = {
      byRules: listensTo(rules, type),
      byEndpoints: delivery.heardOutcomes?.includes(type) === true,
    };
    if (!isHeard.byRules && !isHeard.byEndpoints) continue;
    // A message is sent once, also if two attempts say so; a delivery that was retried by hand may fail again.
    const isOnce = settlement.status === 'sent' || settlement.status === 'sandboxed';
    const eventId = `${type} ${formatDeliveryId(delivery)}${isOnce ? '' : `.${settlement.attempt.n}`}`;
    const at = settlement.attempt.startedAt + settlement.attempt.durationMs;
    const event = {
      event_id: eventId,
      user_id: userId,
      event_type: type,
      event_timestamp: isoTime(at),
      properties: {
        notification_type: notificationType,
        notification_id: notificationId,
        channel,
        ...(settlement.reason === null ? {} : { reason: settlement.reason }),
        ...(settlement.reasonCode === null ? {} : { reason_code: settlement.reasonCode }),
      },
    };
    const fact = { tenantId, userId, eventId, type, at, event, about: notificationType, channel };
    events.push({ settlement, fact, isHeard });
  }
  return events;
}

function toKey({
  tenantId,
  ...id
}: Pick<ProviderMessage, 'tenantId' | 'notificationId' | 'channel' | 'target'>): string {
  return `${tenantId} ${formatDeliveryId(id)}`;
}
