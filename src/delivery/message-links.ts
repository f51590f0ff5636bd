import type { Provider } from '../channels/provider.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { signUnsubscribe } from '../privacy/unsubscribe-token.ts';
import type { ClaimedDelivery } from '../store/deliveries/deliveries.ts';
import { getUnsubscribeScope } from '../track/suppression.ts';

/** URLs of this installation that go out with messages. */
export interface MessageLinks {
  /** URL under which the provider reports what became of a message of this tenant. */
  receiptUrl(provider: Provider, tenantId: string): string;
  /** URL under which the reader of an email unsubscribes; undefined: the message is part of the service itself, or has no address. */
  unsubscribeUrl(delivery: ClaimedDelivery): string | undefined;
}

/** @param publicUrl the URL under which the world reaches the API, without a slash at its end */
export function messageLinks(publicUrl: string, seal: Seal): MessageLinks {
  const base = publicUrl.replace(/\/+$/, '');
  return {
    receiptUrl({ name, account }, tenantId) {
      const place = tenantId === DEFAULT_TENANT ? account : `${tenantId}.${account}`;
      return `${base}/api/v1/receipts/${name}${account === undefined ? '' : `/${encodeURIComponent(place as string)}`}`;
    },
    unsubscribeUrl(delivery) {
      const { tenantId, channel, category, address } = delivery;
      if (!CHANNEL_DESCRIPTORS[channel].hasUnsubscribeHeader || !address) return undefined;
      if (category === 'TRANSACTIONAL' || category === 'SECURITY') return undefined;
      const token = signUnsubscribe(seal, {
        tenantId,
        channel,
        addressHash: address.hash,
        scope: getUnsubscribeScope(category),
        deliveryId: formatDeliveryId(delivery),
      });
      return `${base}/unsubscribe/${token}`;
    },
  };
}
