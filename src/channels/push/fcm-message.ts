import type { JsonObject, Millis } from '../../model/event.ts';
import { toUuid } from '../key-uuid.ts';
import type { Outgoing } from '../provider.ts';
import { getTitle, getTtlSeconds, isSilent, toTexts } from './push-content.ts';

/** Choices of an account about how its messages are shown. */
export interface FcmDisplay {
  /** Channel of the Android app. */
  readonly androidChannel?: string;
}

/**
 * Returns the message of FCM HTTP v1 without its token: the same for all devices of a delivery. A repetition replaces what the
 * device shows: it has the same tag (Android) and collapse id (iOS).
 */
export function buildFcmMessage(outgoing: Outgoing, { androidChannel }: FcmDisplay, now: Millis): JsonObject {
  const { message, notificationId, idempotencyKey, isUrgent = false, expiresAt } = outgoing;
  const silent = isSilent(message);
  const title = getTitle(message);
  const id = toUuid(idempotencyKey);
  const ttl = getTtlSeconds(expiresAt, now);
  return {
    ...(silent
      ? {}
      : {
          notification: {
            ...(title === undefined ? {} : { title }),
            body: message.text,
            ...(message.image === undefined ? {} : { image: message.image }),
          },
        }),
    data: toTexts({
      notification_id: notificationId,
      ...(message.actions ? { actions: message.actions } : {}),
      ...message.data,
    }),
    android: {
      priority: isUrgent ? 'HIGH' : 'NORMAL',
      ...(ttl === undefined ? {} : { ttl: `${ttl}s` }),
      ...(silent
        ? {}
        : {
            notification: {
              tag: id,
              ...(androidChannel === undefined ? {} : { channel_id: androidChannel }),
              ...(message.badge === undefined ? {} : { notification_count: message.badge }),
            },
          }),
    },
    apns: {
      headers: {
        'apns-priority': isUrgent && !silent ? '10' : '5',
        'apns-push-type': silent ? 'background' : 'alert',
        'apns-collapse-id': id,
        ...(expiresAt === undefined ? {} : { 'apns-expiration': String(Math.max(0, Math.floor(expiresAt / 1000))) }),
      },
      payload: {
        aps: {
          ...(silent ? { 'content-available': 1 } : { sound: 'default' }),
          ...(message.badge === undefined ? {} : { badge: message.badge }),
        },
      },
    },
  };
}
