import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { DeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import type { RuleSet } from '../rules/compile/rule-set.ts';
import { cancelDelivery, retryDelivery } from '../store/deliveries/delivery-commands.ts';
import { type DeliveryView, loadDelivery } from '../store/deliveries/delivery-views.ts';
import { DAY_MS } from '../time/iso-time.ts';

/** Retry period of a delivery whose notification type is not in the active catalog. */
const DEFAULT_RETRY_PERIOD_MS = DAY_MS;

export interface RetryDeliveryCommand {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
  readonly id: DeliveryId;
  /** For the audit log. */
  readonly actor: Actor;
  readonly now: Millis;
}

/**
 * Operator command: queues a delivery that is `undeliverable`, `dead` or `in_doubt` again, for the `give_up_after` of its
 * type in the active catalog. Returns the delivery as it is afterwards and whether it was queued, which is false for any
 * other status; undefined if there is no such delivery.
 */
export async function retryStoppedDelivery({
  pool,
  catalogs,
  tenantId,
  id,
  actor,
  now,
}: RetryDeliveryCommand): Promise<{ readonly delivery: DeliveryView; readonly isQueued: boolean } | undefined> {
  const before = await loadDelivery(pool, tenantId, id);
  if (!before) return undefined;
  const { rules } = await catalogs.refresh(tenantId);
  const isQueued = await retryDelivery(pool, tenantId, id, actor, now, getRetryPeriod(rules, before.notification_type));
  return { delivery: (await loadDelivery(pool, tenantId, id)) ?? before, isQueued };
}

/** Returns the time in ms in which attempts of a delivery of this type are made, from when it is queued again. */
export function getRetryPeriod(rules: RuleSet, notificationType: string): Millis {
  return rules.notifications.get(notificationType)?.maxAge ?? DEFAULT_RETRY_PERIOD_MS;
}

/**
 * Operator command: cancels a delivery that is queued. Returns the delivery as it is afterwards and whether it was cancelled;
 * undefined if there is no such delivery.
 */
export async function cancelQueuedDelivery({
  pool,
  tenantId,
  id,
  actor,
  now,
}: Omit<RetryDeliveryCommand, 'catalogs'>): Promise<
  { readonly delivery: DeliveryView; readonly isCancelled: boolean } | undefined
> {
  const isCancelled = await cancelDelivery(pool, tenantId, id, actor, now);
  const delivery = await loadDelivery(pool, tenantId, id);
  return delivery && { delivery, isCancelled };
}
