import { z } from 'zod';
import { DELIVERY_STATUSES } from '../../model/delivery.ts';

/** Schemas that several routes share. The OpenAPI document is made from them. */

const json = z.record(z.string(), z.unknown());

export const timestamp = z.string().describe('ISO 8601, UTC');

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    code: z.string(),
    path: z.string().optional(),
    problems: z.array(z.unknown()).optional(),
  })
  .describe('A problem document (RFC 9457)');

/** An object whose shape only its TypeScript type describes. */
export const anyObject = z.unknown().describe('An object');

const LIMIT_HINT = 'write a whole number from 1 to 200';

export const limitQuery = z.coerce
  .number(LIMIT_HINT)
  .int(LIMIT_HINT)
  .min(1, LIMIT_HINT)
  .max(200, LIMIT_HINT)
  .default(50);

/** Returns the schema for texts without the characters that PostgreSQL cannot store. */
export function storable(text: z.ZodString): z.ZodString {
  return text.refine((one) => !one.includes('\0') && one.isWellFormed(), 'has a character that cannot be stored');
}

/** A text from a path or a query. */
export const pathText = storable(z.string().min(1).max(1024));

export const eventBody = z.object({
  event_id: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Your id of the event; without it, the content identifies it'),
  user_id: z.string().min(1).max(256),
  event_type: z.string().min(1).max(256),
  event_timestamp: z.string().describe('RFC 3339 with a zone, e.g. 2025-10-31T19:00:00Z'),
  properties: json.optional(),
  user_traits: json.optional(),
});

export const decisionSummary = z.object({
  decision_id: z.string(),
  rule: z.string(),
  notification_type: z.string(),
  outcome: z.string(),
  reason_code: z.string(),
  reason: z.string(),
  notification_id: z.string().nullable(),
});

/** A decision with its evidence and the ids of the events that it rests on. */
export const decisionWithEvidence = decisionSummary.extend({
  event_ids: z.array(z.string()).readonly(),
  evidence: anyObject,
});

export const ingestResponse = z.object({
  accepted: z.number(),
  duplicates: z.number(),
  rejected: z.array(z.object({ index: z.number(), code: z.string(), path: z.string(), message: z.string() })),
  results: z.array(
    z.object({
      event_id: z.string().nullable(),
      status: z.enum(['accepted', 'duplicate', 'rejected', 'conflict']),
      decisions: z.array(decisionSummary),
    }),
  ),
});

export const mergePatch = z
  .record(z.string(), z.unknown())
  .describe('Corrects an event: a JSON merge patch (RFC 7396), such as {"properties": {"currency": "USD"}}');

export const rejectedGroups = z.object({
  count: z.number().describe('Rejected events'),
  at_least: z.boolean().describe('There may be more: only the newest were counted'),
  groups: z.array(anyObject).readonly().describe('event_type, code, path, a message, last_at and count of each'),
});

export const message = z.object({
  delivery_id: z.string(),
  channel: z.string(),
  to: z.string().nullable().describe('Mask of the address; null if the channel needs none'),
  subject: z.string().optional(),
  text: z.string(),
  html: z.string().optional(),
  rendered_at: timestamp,
});

export const delivery = z.object({
  delivery_id: z.string(),
  notification_id: z.string(),
  notification_type: z.string(),
  user_id: z.string(),
  channel: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  reason_code: z.string().nullable(),
  reason: z.string().nullable(),
  provider: z.string().nullable(),
  provider_message_id: z.string().nullable(),
  attempts_made: z.number(),
  due_at: timestamp,
  created_at: timestamp,
  finished_at: timestamp.nullable(),
  has_message: z.boolean(),
});
