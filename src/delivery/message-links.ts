import type { Provider } from '../channels/provider.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { confirmStandIns, toConfirmStandIn } from '../model/confirm-url.ts';
import type { Message } from '../model/delivery.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import { DEFAULT_TENANT, type Millis } from '../model/event.ts';
import type { Tracking } from '../model/tracking.ts';
import { signConsent } from '../privacy/consent-token.ts';
import { signPreferences } from '../privacy/preferences-token.ts';
import type { Seal } from '../privacy/seal.ts';
import { signTracking } from '../privacy/tracking-token.ts';
import { signUnsubscribe } from '../privacy/unsubscribe-token.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import type { ReaderLinks } from '../templates/values.ts';
import { getUnsubscribeScope } from '../track/suppression.ts';
import { addPixel, replaceLinks } from '../track/tracked-html.ts';

/** URLs of this installation that go out with messages. */
export interface MessageLinks {
  /** Whether the world reaches these URLs; otherwise only programs on this machine do. */
  readonly isPublic: boolean;
  /** URL under which the provider reports what became of a message of this tenant; undefined: it cannot reach any. */
  receiptUrl(provider: Provider, tenantId: string): string | undefined;
  /** URL under which the reader of an email unsubscribes; undefined: the message is part of the service itself, or has no address. */
  unsubscribeUrl(delivery: ClaimedDelivery, sentAt: Millis): string | undefined;
  /** Variables of the template of a message: stand-ins for the URLs of its reader, which `personalize` puts in their places. */
  readerLinks(delivery: ClaimedDelivery): ReaderLinks;
  /**
   * Returns the message with the signed URLs of its reader. They are in no stored message: who looks at one is not its reader.
   */
  personalize(delivery: ClaimedDelivery, message: Message, sentAt: Millis): Message;
  /** Returns an email with a picture and links that tell of its reader. Nothing of a SECURITY message is changed. */
  track(delivery: ClaimedDelivery, message: Message, tracking: Tracking, sentAt: Millis): Message;
}

/**
 * @param readerUrl the URL under which the readers of messages reach the API
 * @param isPublic whether the world reaches it; otherwise only programs on this machine do
 */
export function messageLinks(readerUrl: string, seal: Seal, isPublic = true): MessageLinks {
  const base = readerUrl.replace(/\/+$/, '');
  const { unsubscribe_url: standIn, preferences_url: preferencesStandIn } = toStandIns(base);
  const confirmStandIn = confirmStandIns(base);
  const links: MessageLinks = {
    isPublic,
    receiptUrl({ name, account }, tenantId) {
      if (!isPublic) return undefined;
      const place = tenantId === DEFAULT_TENANT ? account : `${tenantId}.${account}`;
      return `${base}/api/v1/receipts/${name}${account === undefined ? '' : `/${encodeURIComponent(place as string)}`}`;
    },
    unsubscribeUrl(delivery, sentAt) {
      const { tenantId, userId, channel, category, address } = delivery;
      if (!address || !mayUnsubscribe(delivery)) return undefined;
      const token = signUnsubscribe(seal, {
        tenantId,
        channel,
        addressHash: address.hash,
        scope: getUnsubscribeScope(category),
        deliveryId: formatDeliveryId(delivery),
        // A header has a bound: without the user, the link has no way to their page.
        ...(userId.length <= MAX_LINKED_USER_CHARS && { userId, issuedAt: sentAt }),
      });
      return `${base}/unsubscribe/${token}`;
    },
    readerLinks(delivery) {
      return {
        ...(mayUnsubscribe(delivery) && { unsubscribe_url: standIn }),
        ...(delivery.address && { preferences_url: preferencesStandIn }),
      };
    },
    personalize(delivery, message, sentAt) {
      const { tenantId, userId, channel, address } = delivery;
      if (!address) return message;
      const unsubscribe = links.unsubscribeUrl(delivery, sentAt) ?? standIn;
      const sign = () =>
        signPreferences(seal, { tenantId, userId, channel, addressHash: address.hash, issuedAt: sentAt });
      const toConfirm = (_: string, consentId: string, until: string) => {
        const expiresAt = Number.parseInt(until, 36);
        const claim = { tenantId, userId, consentId, addressHash: address.hash, expiresAt };
        return `${base}/consent/${signConsent(seal, claim)}`;
      };
      const fill = (text: string) => {
        const filled = text.replaceAll(standIn, unsubscribe).replaceAll(confirmStandIn, toConfirm);
        return filled.includes(preferencesStandIn)
          ? filled.replaceAll(preferencesStandIn, `${base}/preferences/${sign()}`)
          : filled;
      };
      const { text, html, hosted } = message;
      const data = hosted && JSON.stringify(hosted.data);
      const isFilled =
        data?.includes(standIn) || data?.includes(preferencesStandIn) || data?.search(confirmStandIn) !== -1;
      return {
        ...message,
        text: fill(text),
        ...(html !== undefined && { html: fill(html) }),
        ...(hosted && data && isFilled && { hosted: { ...hosted, data: JSON.parse(fill(data)) } }),
      };
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
  return links;
}

/** Returns the links of a URL that is known by the time the first message is made. @param isPublic as `messageLinks` has it */
export function lateLinks(getUrl: () => string, seal: Seal, isPublic: boolean): MessageLinks {
  let made: MessageLinks | undefined;
  const links = () => {
    made ??= messageLinks(getUrl(), seal, isPublic);
    return made;
  };
  return {
    isPublic,
    receiptUrl: (provider, tenantId) => links().receiptUrl(provider, tenantId),
    unsubscribeUrl: (delivery, sentAt) => links().unsubscribeUrl(delivery, sentAt),
    readerLinks: (delivery) => links().readerLinks(delivery),
    personalize: (delivery, message, sentAt) => links().personalize(delivery, message, sentAt),
    track: (delivery, message, tracking, sentAt) => links().track(delivery, message, tracking, sentAt),
  };
}

/** Characters of a user id in a link to unsubscribe, at most. */
const MAX_LINKED_USER_CHARS = 200;

/** In the place of the token of a reader, until a message goes out. */
const STAND_IN = 'READER';

function toStandIns(base: string): Required<Omit<ReaderLinks, 'confirm_url'>> {
  return { unsubscribe_url: `${base}/unsubscribe/${STAND_IN}`, preferences_url: `${base}/preferences/${STAND_IN}` };
}

/**
 * Returns the URLs of a message without a reader, for a preview: the stand-ins.
 * @param publicUrl null: the installation does not have one
 */
export function previewLinks(
  publicUrl: string | null,
  message: Pick<ClaimedDelivery, 'channel' | 'category'>,
): ReaderLinks {
  if (publicUrl === null) return {};
  const base = publicUrl.replace(/\/+$/, '');
  const { unsubscribe_url, preferences_url } = toStandIns(base);
  const confirm_url = toConfirmStandIn(base);
  return {
    ...(mayUnsubscribe(message) && { unsubscribe_url }),
    ...(CHANNEL_DESCRIPTORS[message.channel].addressKind !== undefined && { preferences_url, confirm_url }),
  };
}

function mayUnsubscribe({ channel, category }: Pick<ClaimedDelivery, 'channel' | 'category'>): boolean {
  if (!CHANNEL_DESCRIPTORS[channel].hasUnsubscribeHeader) return false;
  return category !== 'TRANSACTIONAL' && category !== 'SECURITY';
}
