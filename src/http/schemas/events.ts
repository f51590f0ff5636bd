import { z } from 'zod';
import { REJECTION_CODES, type RejectionCode } from '../../errors.ts';
import type { ActivityView } from '../../store/users.ts';
import { jsonInput, jsonObject, limitQuery, listOf, timestamp, userId } from './common.ts';
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
  })
  .meta({ id: 'Event', description: 'Something that happened to a user', examples: [EXAMPLE] });

const cloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).describe('Its identity together with the source'),
    source: z.string().min(1),
    type: z.string().min(1).max(256).describe('The event type of the catalog'),
    time: z.string().optional().describe('RFC 3339 with a zone; without it, the time of receipt'),
    datacontenttype: z.string().optional(),
    data: z.unknown().optional().describe('The properties, unless the mapping of the catalog says otherwise'),
  })
  .meta({ id: 'CloudEvent', description: 'A CloudEvent 1.0; extension attributes are kept as context' });

const domainEvent = z
  .looseObject({
    eventType: z.string().min(1).max(256).describe('The event type of the catalog'),
    aggregateId: z.unknown().optional(),
    data: z.unknown().optional().describe('The properties, unless the mapping of the catalog says otherwise'),
    metadata: jsonObject
      .nullable()
      .optional()
      .describe('correlationId, causationId, eventId, timestamp, source and others'),
  })
  .meta({ id: 'DomainEvent', description: 'A domain event; what is no part of the event is kept as context' });

const anyEvent = z.union([eventBody, cloudEvent, domainEvent]);

export const eventsBody = z
  .union([z.array(anyEvent).max(MAX_EVENTS_PER_REQUEST), anyEvent])
  .meta({ examples: [EXAMPLE, [EXAMPLE, { ...EXAMPLE, event_id: 'evt-8842' }]] });

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

export const mergePatch = jsonInput.meta({
  description: 'Corrects an event: a JSON merge patch (RFC 7396)',
  examples: [{ properties: { currency: 'USD' } }],
});
