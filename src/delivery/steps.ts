import type { CatalogCache } from '../catalog/cache.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import type { StepResult } from '../store/deliveries/fallbacks.ts';
import type { CompletedAttempt } from './lifecycle.ts';

export interface StepsOptions {
  readonly catalogs: CatalogCache;
  /** Whether messages of a tenant on a channel leave this machine: by an account or by a provider that is no substitute. */
  readonly sendsOut: (tenantId: string, channel: Channel) => boolean | Promise<boolean>;
}

/** Returns what the attempts mean for the other channels of notifications whose channels are tried one after the other. */
export async function toStepResults(
  options: StepsOptions,
  completed: readonly CompletedAttempt[],
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const { delivery, settlement } of completed) {
    const { tenantId, notificationId, step, channel } = delivery;
    if (step === null) continue;
    const reached = await hasReached(options, { delivery, settlement });
    const isSandboxed = settlement.status === 'sandboxed';
    if (reached !== undefined) results.push({ tenantId, notificationId, step, channel, reached, isSandboxed });
  }
  return results;
}

/** Returns whether the message reached the user; undefined: that is open. */
async function hasReached(
  options: StepsOptions,
  { delivery, settlement }: CompletedAttempt,
): Promise<boolean | undefined> {
  switch (settlement.status) {
    // If nothing leaves this machine, the first channel stands for what the user would get. A channel without a provider must
    // not keep the message from one that has one.
    case 'sandboxed':
      return !(await hasRealChannelAfter(options, delivery));
    case 'sent': {
      const until = (await findType(options, delivery))?.firstOf?.until ?? 'sent';
      const { arrivesAtOnce = false } = CHANNEL_DESCRIPTORS[delivery.channel];
      return until === 'sent' || (until === 'delivered' && arrivesAtOnce) ? true : undefined;
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

async function findType({ catalogs }: StepsOptions, { tenantId, catalogVersion, notificationType }: ClaimedDelivery) {
  const { rules } = await catalogs.getVersion(tenantId, catalogVersion);
  return rules.notifications.get(notificationType);
}

async function hasRealChannelAfter(options: StepsOptions, delivery: ClaimedDelivery): Promise<boolean> {
  const channels = (await findType(options, delivery))?.channels ?? [];
  for (const channel of channels.slice(delivery.step ?? 0)) {
    if (await options.sendsOut(delivery.tenantId, channel)) return true;
  }
  return false;
}
