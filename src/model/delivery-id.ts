import { CHANNELS } from './delivery.ts';

/** Identifies a delivery within its tenant: the notification, the channel on which it is sent, and to which target. */
export interface DeliveryId {
  readonly notificationId: string;
  readonly channel: string;
  /** Id of a device or an endpoint; empty: the address of the user, or a channel that needs none. */
  readonly target: string;
}

const DELIVERY_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([a-z_]+)(?:\.([\w-]{1,64}))?$/;

/** Returns the id of a delivery as the API, providers and logs show it: `NOTIFICATION_ID.CHANNEL`, or with `.TARGET`. */
export function formatDeliveryId({ notificationId, channel, target }: DeliveryId): string {
  return target === '' ? `${notificationId}.${channel}` : `${notificationId}.${channel}.${target}`;
}

/** Parses what `formatDeliveryId` returns. Undefined for any other text, and for a channel that does not exist. */
export function parseDeliveryId(text: string): DeliveryId | undefined {
  const [, notificationId, channel = '', target = ''] = DELIVERY_ID.exec(text) ?? [];
  const exists = (CHANNELS as readonly string[]).includes(channel);
  return notificationId !== undefined && exists ? { notificationId, channel, target } : undefined;
}
