import type { Provider } from '../channels/provider.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Message } from '../model/delivery.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import { DEFAULT_TENANT, type Millis } from '../model/event.ts';
import type { Tracking } from '../model/tracking.ts';
import type { Seal } from '../privacy/seal.ts';
import { signTracking } from '../privacy/tracking-token.ts';
import { signUnsubscribe } from '../privacy/unsubscribe-token.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { getUnsubscribeScope } from '../track/suppression.ts';
import { addPixel, replaceLinks } from '../track/tracked-html.ts';

/** URLs of this installation that go out with messages. */
export interface MessageLinks {
  /** URL under which the provider reports what became of a message of this tenant. */
  receiptUrl(provider: Provider, tenantId: string): string;
  /** URL under which the reader of an email unsubscribes; undefined: the message is part of the service itself, or has no address. */
  unsubscribeUrl(delivery: ClaimedDelivery): string | undefined;
  /** Returns an email with a picture and links that tell of its reader. Nothing of a SECURITY message is changed. */
  track(delivery: ClaimedDelivery, message: Message, tracking: Tracking, sentAt: Millis): Message;
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
    track({ tenantId, notificationId, channel, target, category }, message, tracking, sentAt) {
      if (message.html === undefined || category === 'SECURITY') return message;
      const sign = (url: string) => signTracking(seal, { tenantId, notificationId, channel, target, sentAt, url });
      let { html } = message;
      if (tracking === 'clicks' || tracking === 'all')
        html = replaceLinks(html, (url) => (url.startsWith(`${base}/`) ? undefined : `${base}/t/c?m=${sign(url)}`));
      if (tracking === 'opens' || tracking === 'all') html = addPixel(html, `${base}/t/o?m=${sign('')}`);
      return { ...message, html };
    },
  };
}
