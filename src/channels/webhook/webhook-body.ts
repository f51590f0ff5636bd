import type { WebhookFormat } from '../../model/delivery.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Outgoing } from '../provider.ts';

/** Digits of the largest whole number of JavaScript. */
const SEQUENCE_DIGITS = 16;

/** Media types of the body, by its format. */
export const CONTENT_TYPES: { readonly [format in WebhookFormat]: string } = {
  json: 'application/json; charset=utf-8',
  cloudevents: 'application/cloudevents+json; charset=utf-8',
};

/** Returns `webhook-id`: the same in each attempt, and without a dot, which separates the parts of what is signed. */
export function toWebhookId({ idempotencyKey }: Outgoing): string {
  return idempotencyKey.replace(/[^A-Za-z0-9_-]/g, '_');
}

/**
 * Returns the body, the same in each attempt, with the place of the message in the order of its user. Its data is that of the message, or else what the message says.
 * @param now used as the time of a message whose id has no time in it
 */
export function writeWebhookBody(outgoing: Outgoing, format: WebhookFormat, now: Millis): string {
  const { notificationType: type, notificationId, tenantId, userId, message, sequence } = outgoing;
  const { data: payload, subject, title, text, actions, image } = message;
  const data: JsonObject = payload ?? {
    notification_id: notificationId,
    user_id: userId,
    ...(subject === undefined ? {} : { subject }),
    ...(title === undefined ? {} : { title }),
    text,
    ...(image === undefined ? {} : { image }),
    ...(actions === undefined ? {} : { actions: actions.map(({ label, url }) => ({ label, url })) }),
  };
  const timestamp = new Date(getIdTime(notificationId) ?? now).toISOString();
  if (format === 'json') return JSON.stringify({ type, timestamp, sequence, data });
  return JSON.stringify({
    specversion: '1.0',
    id: toWebhookId(outgoing),
    source: `/tidings/${encodeURIComponent(tenantId)}`,
    type,
    time: timestamp,
    ...(userId === '' ? {} : { subject: userId }),
    // As the extension of CloudEvents has it: texts of the same length, which sort like their numbers.
    ...(sequence === undefined ? {} : { sequence: String(sequence).padStart(SEQUENCE_DIGITS, '0') }),
    datacontenttype: 'application/json',
    data,
  });
}

/** Returns the time inside a UUIDv7; undefined: it is another id. */
function getIdTime(id: string): Millis | undefined {
  const hex = id.replaceAll('-', '');
  return /^[0-9a-f]{12}7[0-9a-f]{19}$/i.test(hex) ? Number.parseInt(hex.slice(0, 12), 16) : undefined;
}
