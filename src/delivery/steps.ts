import type { CatalogCache } from '../catalog/cache.ts';
import type { StepResult } from '../store/deliveries/fallbacks.ts';
import type { CompletedAttempt } from './lifecycle.ts';

/** Returns what the attempts mean for the other channels of notifications whose channels are tried one after the other. */
export async function toStepResults(
  catalogs: CatalogCache,
  completed: readonly CompletedAttempt[],
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const { delivery, settlement } of completed) {
    const { tenantId, notificationId, step, channel } = delivery;
    if (step === null) continue;
    const reached = await hasReached(catalogs, { delivery, settlement });
    if (reached !== undefined) results.push({ tenantId, notificationId, step, channel, reached });
  }
  return results;
}

/** Returns whether the message reached the user; undefined: that is open. */
async function hasReached(
  catalogs: CatalogCache,
  { delivery, settlement }: CompletedAttempt,
): Promise<boolean | undefined> {
  switch (settlement.status) {
    // A test shows the first channel alone, as nothing would ever be reported for it.
    case 'sandboxed':
      return true;
    case 'sent': {
      const { rules } = await catalogs.getVersion(delivery.tenantId, delivery.catalogVersion);
      const until = rules.notifications.get(delivery.notificationType)?.firstOf?.until ?? 'sent';
      return until === 'sent' ? true : undefined;
    }
    case 'dead':
    case 'undeliverable':
    case 'dropped':
      return false;
    // A message in doubt may have reached the user: the next channel waits for its time, unless the type lets it be sent twice.
    case 'in_doubt':
      return delivery.inDoubt === 'hold' ? undefined : false;
    default:
      return undefined;
  }
}
