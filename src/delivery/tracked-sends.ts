import { loadProvider } from '../channels/registry.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { ProviderMessage } from '../store/receipts/provider-messages.ts';
import { getReceiptTime } from '../track/receipt-time.ts';
import type { CompletedAttempt } from './lifecycle.ts';

/** Returns how receipts of a provider name their message; undefined: it reports nothing. */
async function getCorrelation(provider: string): Promise<'reference' | 'message_id' | undefined> {
  const definition = await loadProvider(provider);
  if (!definition?.receipts || definition.correlatesBy === 'nothing') return undefined;
  return definition.correlatesBy;
}

/** Returns the messages on which a provider will report, by what its receipts name: those that were sent, or are in doubt. */
export async function toProviderMessages(completed: readonly CompletedAttempt[]): Promise<ProviderMessage[]> {
  const messages: ProviderMessage[] = [];
  for (const { delivery, settlement } of completed) {
    const { attempt } = settlement;
    if (attempt.outcome !== 'sent' && attempt.outcome !== 'in_doubt') continue;
    const correlation = await getCorrelation(attempt.provider);
    if (correlation === undefined) continue;
    const sentAt = attempt.startedAt + attempt.durationMs;
    const message = {
      tenantId: delivery.tenantId,
      provider: attempt.provider,
      account: attempt.account ?? '',
      notificationId: delivery.notificationId,
      channel: delivery.channel,
      target: delivery.target,
      addressHash: delivery.address?.hash ?? null,
      sentAt,
    };
    const id = attempt.providerMessageId;
    const keys = [...(correlation === 'reference' ? [formatDeliveryId(delivery)] : []), ...(id === null ? [] : [id])];
    const isSent = attempt.outcome === 'sent';
    const checkAt = isSent ? sentAt + getReceiptTime(delivery.channel) : null;
    // The last key is asked for: that of the provider, if it gave one.
    for (const [index, messageKey] of keys.entries())
      messages.push({ ...message, messageKey, checkAt: index === keys.length - 1 ? checkAt : null });
  }
  return messages;
}
