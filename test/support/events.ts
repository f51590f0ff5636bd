import { compileSchemas } from '../../src/catalog/schemas/validate-event.ts';
import { isRejection, parseEvent, type ReceivedEvent, type Rejection } from '../../src/events/envelope.ts';
import type { Json, JsonObject } from '../../src/model/event.ts';

/** Events as they are posted, parsed against a small catalog. */

const check = compileSchemas({
  events: [
    {
      name: 'paid',
      properties: {
        type: 'object',
        properties: {
          amount: { type: 'number' },
          attempt: { type: 'integer' },
          items: { type: 'array', items: { type: 'object', properties: { price: { type: 'number' } } } },
        },
      },
    },
  ],
  traits: { type: 'object', properties: { first_name: { type: 'string' }, vip: { type: 'boolean' } } },
});

export type JsonValue = Json;

/** The smallest event that is accepted. */
export const VALID_EVENT = { user_id: 'u', event_type: 'paid', event_timestamp: '2025-10-31T19:00:00Z' };

export function parse(item: unknown): ReceivedEvent | Rejection {
  return parseEvent('default', item, check);
}

/** Returns the parsed event. Throws if it is rejected. */
export function accept(item: unknown): ReceivedEvent {
  const parsed = parse(item);
  if (isRejection(parsed)) throw new Error(parsed.message);
  return parsed;
}

/** Returns the properties of an event as they are stored, for a catalog that knows no schemas. */
export function toStoredProperties(properties: JsonObject): JsonObject {
  const parsed = parseEvent('default', { ...VALID_EVENT, properties }, () => null);
  if (isRejection(parsed)) throw new Error(parsed.message);
  return JSON.parse(parsed.propertiesText) as JsonObject;
}
