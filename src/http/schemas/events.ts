import { z } from 'zod';
import { REJECTION_CODES, type RejectionCode } from '../../errors.ts';
import type { ActivityView } from '../../store/users.ts';
import { jsonInput, limitQuery, listOf, storable, timestamp, userId } from './common.ts';
import { decision, decisionSummary } from './decisions.ts';
import { deliverySummary } from './deliveries.ts';

/* Events as they are posted, and what became of them. */

export const MAX_EVENTS_PER_REQUEST = 1000;

const EXAMPLE = {
  event_id: 'evt-8841',
  user_id: 'user-1042',
  event_type: 'payment_failed',
  event_timestamp: '2025-10-31T19:00:00Z',
  properties: { amount: 1425, attempt_number: 2, failure_reason: 'INSUFFICIENT_FUNDS' },
  user_traits: { email: 'maria@example.com', country: 'PT' },
};

const CLOUD_EVENT_EXAMPLE = {
  specversion: '1.0',
  id: '8843',
  source: '/billing',
  type: 'payment_failed',
  time: '2025-10-31T19:00:00Z',
  correlationid: 'c-81',
  data: { userId: 'user-1042', amount: 1425, attempt_number: 3, failure_reason: 'INSUFFICIENT_FUNDS' },
};

const DOMAIN_EVENT_EXAMPLE = {
  eventType: 'payment_failed',
  aggregateId: 'invoice-77',
  data: { userId: 'user-1042', amount: 1425, attempt_number: 4, failure_reason: 'INSUFFICIENT_FUNDS' },
  metadata: { eventId: '8844', timestamp: '2025-10-31T19:00:00Z', correlationId: 'c-81', causationId: 'cmd-7' },
};

/** An event as callers post it. Further fields are kept as context, so it is not strict. */
export const eventBody = z
  .looseObject({
    event_id: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Your id of the event; without it, the content identifies it'),
    user_id: z.string().min(1).max(256),
    event_type: z.string().min(1).max(256),
    event_timestamp: z.string().describe('RFC 3339 with a zone, such as 2025-10-31T19:00:00Z'),
    properties: z.record(z.string(), z.unknown()).optional().describe('What happened; rules read it as `event`'),
    user_traits: z.record(z.string(), z.unknown()).optional().describe('What is now true of the user'),
    context: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('correlation_id, causation_id, source and others; rules and templates read it'),
  })
  .meta({ id: 'Event', description: 'Something that happened to a user', examples: [EXAMPLE] });

const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).describe('Its identity together with the source'),
    source: z.string().min(1),
    type: z.string().min(1).max(256).describe('The event type of the catalog'),
    time: z.string().optional().describe('RFC 3339 with a zone; without it, the time of receipt'),
    datacontenttype: z.string().optional().describe('JSON, such as application/json'),
    data: z.unknown().optional().describe('The properties, unless the mapping of the catalog says otherwise'),
    data_base64: z.string().optional().describe('In place of data: its JSON in base64'),
    correlationid: z.string().optional().describe('Read as context.correlation_id'),
    causationid: z.string().optional().describe('Read as context.causation_id'),
  })
  .meta({
    id: 'CloudEvent',
    description: 'A CloudEvent 1.0; extension attributes are kept as context',
    examples: [CLOUD_EVENT_EXAMPLE],
  });

const domainEvent = z
  .looseObject({
    eventType: z.string().min(1).max(256).describe('The event type of the catalog'),
    aggregateId: z.unknown().optional().describe('Read as context.aggregate_id'),
    data: z.unknown().optional().describe('The properties, unless the mapping of the catalog says otherwise'),
    metadata: z
      .looseObject({
        eventId: z.string().optional().describe('Your id of the event; without one, the content identifies it'),
        timestamp: z.string().optional().describe('RFC 3339 with a zone; without one, the time of receipt'),
        correlationId: z.string().optional().describe('Read as context.correlation_id'),
        causationId: z.string().optional().describe('Read as context.causation_id'),
      })
      .nullable()
      .optional(),
  })
  .meta({
    id: 'DomainEvent',
    description: 'A domain event; what is no part of the event is kept as context',
    examples: [DOMAIN_EVENT_EXAMPLE],
  });

const anyEvent = z.union([eventBody, cloudEvent, domainEvent]);

export const eventsBody = z
  .union([z.array(anyEvent).max(MAX_EVENTS_PER_REQUEST), anyEvent])
  .meta({ examples: [EXAMPLE, CLOUD_EVENT_EXAMPLE, DOMAIN_EVENT_EXAMPLE, [{ ...EXAMPLE, event_id: 'evt-8842' }]] });

const CODES = Object.keys(REJECTION_CODES) as RejectionCode[];

const rejection = z
  .object({
    index: z.int().describe('Place in the request, counted from 0'),
    code: z.enum(CODES),
    path: z.string().describe('Field of the event, such as properties.amount; empty: the event as a whole'),
    message: z.string(),
  })
  .meta({ id: 'Rejection', description: 'Why an event was rejected' });

const eventResult = z
  .object({
    event_id: z.string().nullable(),
    status: z.enum(['accepted', 'duplicate', 'rejected', 'conflict']),
    decisions: listOf(decisionSummary),
    notes: z
      .exactOptional(
        listOf(
          z
            .object({ code: z.enum(['unusable_address']), path: z.string(), message: z.string() })
            .meta({ id: 'EventNote', description: 'Something about a stored event that its sender should correct' }),
        ),
      )
      .describe('Addresses to which no message can go. The event is stored all the same'),
  })
  .meta({ id: 'EventResult', description: 'What became of one event of a request' });

export const ingestResponse = z
  .object({
    accepted: z.int(),
    duplicates: z.int(),
    rejected: listOf(rejection),
    results: listOf(eventResult).describe('One for each event, in the order of the request'),
  })
  .meta({ id: 'IngestResult', description: 'What became of the events of a request' });

const activityEvent = z
  .object({
    event_id: z.string(),
    event_type: z.string().meta({ examples: ['payment_failed'] }),
    event_timestamp: timestamp,
    received_at: timestamp,
    user_id: userId,
    decisions: listOf(decision),
    deliveries: listOf(deliverySummary),
  })
  .meta({ id: 'ActivityEvent', description: 'An event with what became of it' }) satisfies z.ZodType<ActivityView>;

export const activityQuery = z.strictObject({ limit: limitQuery });

export const activityPage = z
  .object({ events: listOf(activityEvent) })
  .meta({ id: 'Activity', description: 'The latest events of all users, newest first' });

/** Values of fields of a rejected event that depend on what it was. */
export const computed = z.record(storable(z.string().min(1).max(1024)), storable(z.string().min(1).max(2000))).meta({
  description:
    'Computes fields of an event: path → expression (CEL) over `event`, `traits` and `message`, the whole event as received',
  examples: [{ 'properties.amount': 'double(event.amount.replace(",", "."))' }],
});

export const mergePatch = jsonInput.meta({
  description: 'Corrects an event: a JSON merge patch (RFC 7396)',
  examples: [{ properties: { currency: 'USD' } }],
});
