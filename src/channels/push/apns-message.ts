import { toUuid } from '../key-uuid.ts';
import type { Outgoing } from '../provider.ts';
import { getTitle, isSilent } from './push-content.ts';

/**
 * Returns the headers of a request to APNs. The id and the collapse id are made of the idempotency key: a repetition has the
 * same, and replaces what the device shows.
 */
export function buildApnsHeaders(outgoing: Outgoing, topic: string): { [name: string]: string } {
  const { message, idempotencyKey, isUrgent = false, expiresAt } = outgoing;
  const silent = isSilent(message);
  const id = toUuid(idempotencyKey);
  return {
    'content-type': 'application/json',
    'apns-topic': topic,
    'apns-push-type': silent ? 'background' : 'alert',
    // APNs rejects a background message of the priority 10.
    'apns-priority': isUrgent && !silent ? '10' : '5',
    'apns-id': id,
    'apns-collapse-id': id,
    ...(expiresAt === undefined ? {} : { 'apns-expiration': String(Math.max(1, Math.floor(expiresAt / 1000))) }),
  };
}

/** Returns the payload as JSON. The data of the message stands beside `aps`. */
export function buildApnsPayload({ message, notificationId }: Outgoing): string {
  const silent = isSilent(message);
  const title = getTitle(message);
  return JSON.stringify({
    notification_id: notificationId,
    ...(message.image === undefined ? {} : { image: message.image }),
    ...(message.actions ? { actions: message.actions } : {}),
    ...message.data,
    aps: {
      ...(silent
        ? { 'content-available': 1 }
        : {
            alert: { ...(title === undefined ? {} : { title }), body: message.text },
            sound: 'default',
            // The app loads the image, or changes the message, before it is shown.
            ...(message.image === undefined ? {} : { 'mutable-content': 1 }),
          }),
      ...(message.badge === undefined ? {} : { badge: message.badge }),
    },
  });
}
