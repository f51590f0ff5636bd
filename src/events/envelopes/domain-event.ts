import type { Json, JsonObject } from '../../model/event.ts';
import type { EnvelopeKind } from './kinds.ts';

/** Names in `metadata` and beside it that rules and templates read in snake case. Others stay as they are. */
const CONTEXT_NAMES: ReadonlyMap<string, string> = new Map([
  ['correlationId', 'correlation_id'],
  ['causationId', 'causation_id'],
  ['aggregateId', 'aggregate_id'],
  ['aggregateType', 'aggregate_type'],
]);

const IDS = ['metadata.eventId', 'metadata.id', 'eventId', 'id'];
const ID_MEMBERS: ReadonlySet<string> = new Set(['eventId', 'id']);
const TIMES = [
  'metadata.timestamp',
  'metadata.occurredAt',
  'timestamp',
  'occurredAt',
  'metadata.occurredOn',
  'occurredOn',
];
const TIME_MEMBERS: ReadonlySet<string> = new Set(['timestamp', 'occurredAt', 'occurredOn']);

/** `{ eventType, aggregateId, data, metadata: { correlationId, causationId } }`: what a domain-driven service publishes. */
export const DOMAIN_EVENT: EnvelopeKind = {
  name: 'a domain event',
  type: 'eventType',
  defaults: {
    user_id: { from: ['data.userId', 'metadata.userId', 'data.user_id'] },
    event_id: { from: IDS },
    time: { from: TIMES },
    properties: { from: ['data'] },
    traits: { from: ['data.userTraits', 'data.user_traits'] },
  },
  check({ metadata }) {
    if (metadata === undefined || metadata === null || isObject(metadata)) return undefined;
    return { path: 'metadata', message: 'must be an object, such as { "correlationId": "c-81" }' };
  },
  normalize: (original) => ({ original }),
  identify: () => undefined,
  toContext(item) {
    const context: JsonObject = {};
    const metadata = isObject(item.metadata) ? item.metadata : {};
    const others: JsonObject = {};
    for (const [name, value] of Object.entries(metadata)) {
      if (ID_MEMBERS.has(name) || TIME_MEMBERS.has(name) || value === null) continue;
      const known = CONTEXT_NAMES.get(name) ?? (name === 'source' ? name : undefined);
      if (known) context[known] = value;
      else others[name] = value;
    }
    for (const [name, value] of Object.entries(item)) {
      if (['eventType', 'data', 'metadata'].includes(name) || ID_MEMBERS.has(name) || TIME_MEMBERS.has(name)) continue;
      if (value !== null) context[CONTEXT_NAMES.get(name) ?? name] ??= value;
    }
    for (const _ in others) return { ...context, metadata: others };
    return context;
  },
};

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
