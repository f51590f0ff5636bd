import { isRelayed } from '../catalog/lifecycle-events.ts';
import type { ReceivedEvent, StoredContent } from '../events/envelope.ts';
import type { JsonObject } from '../model/event.ts';
import { FACT_VERSION, hearsType } from '../model/webhook.ts';
import { documentRow, sealDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Batch } from '../store/batch.ts';

/** An ingested event as a fact for endpoints of webhooks: its place in the queue, and its content as a notification. */
interface EventFact {
  readonly fact: Batch['facts'][number];
  readonly notification: Batch['notifications'][number];
}

/**
 * Returns the fact of an event; undefined: no endpoint subscribes to its type, or it is an event of Tidings itself, which is
 * recorded where it happens.
 * @param heardTypes null: no endpoint of the tenant subscribes to facts
 */
export function toEventFact(
  seal: Seal,
  heardTypes: readonly string[] | null,
  event: ReceivedEvent,
  factId: string,
): EventFact | undefined {
  if (heardTypes === null || !hearsType(heardTypes, event.type) || isRelayed(event)) return undefined;
  const { tenantId, userId, eventId, type, sealText } = event;
  return {
    fact: { factId, userId, type, ...getAbout(event) },
    notification: {
      userId,
      notificationId: factId,
      type,
      category: 'FACT',
      rule: '',
      decisionId: '',
      eventId,
      catalogVersion: FACT_VERSION,
      dataText: toFactText(event),
      sealed: sealText === null ? null : sealOriginals(seal, tenantId, userId, factId, sealText),
      correlationId: null,
      isForEndpoints: true,
    },
  };
}

function sealOriginals(seal: Seal, tenantId: string, userId: string, factId: string, sealText: string): Buffer {
  return sealDocument(seal, toOriginalsText(sealText), documentRow('notifications', tenantId, userId, factId));
}

/** Returns the JSON text of an event as receivers of facts get it, with addresses masked. */
export function toFactText({ eventId, userId, type, at, contextText, propertiesText }: ReceivedEvent): string {
  const envelope = JSON.stringify({ event_id: eventId, user_id: userId, event_type: type, event_timestamp: at });
  const context = contextText === null ? '' : `,"context":${contextText}`;
  return `${envelope.slice(0, -1)}${context},"properties":${propertiesText}}`;
}

/** Returns the JSON text of the parts of a fact that were masked, as they were posted. @param sealText that of the event */
export function toOriginalsText(sealText: string): string {
  const { properties, context } = JSON.parse(sealText) as StoredContent;
  return JSON.stringify({ properties, ...(context === undefined ? {} : { context }) });
}

/** Returns the notification that a report of a service is about, such as a posted `notification.opened`. */
export function getAbout({ type, properties }: ReceivedEvent): {
  readonly about: string | null;
  readonly channel: string | null;
} {
  if (!type.startsWith('notification.')) return { about: null, channel: null };
  return { about: getText(properties, 'notification_type'), channel: getText(properties, 'channel') };
}

function getText(properties: JsonObject, name: string): string | null {
  const value = properties[name];
  return typeof value === 'string' ? value : null;
}
