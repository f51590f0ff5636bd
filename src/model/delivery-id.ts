import { CHANNELS } from './delivery.ts';

/** Identifies a delivery within its tenant: the notification, and the channel on which it is sent. */
export interface DeliveryId {
  readonly notificationId: string;
  readonly channel: string;
}

const DELIVERY_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([a-z_]+)$/;

/** Returns the id of a delivery as the API, providers and logs show it: `NOTIFICATION_ID.CHANNEL`. */
export function formatDeliveryId({ notificationId, channel }: DeliveryId): string {
  return `${notificationId}.${channel}`;
}

/** Parses what `formatDeliveryId` returns. Undefined for any other text, and for a channel that does not exist. */
export function parseDeliveryId(text: string): DeliveryId | undefined {
  const [, notificationId, channel = ''] = DELIVERY_ID.exec(text) ?? [];
  const exists = (CHANNELS as readonly string[]).includes(channel);
  return notificationId !== undefined && exists ? { notificationId, channel } : undefined;
}
