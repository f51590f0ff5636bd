import { z } from 'zod';

/** Shapes shared by the routes; they make the OpenAPI document. */

const json = z.record(z.string(), z.unknown());
const time = z.string().describe('ISO 8601, UTC');

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

/** An object whose shape its TypeScript type says. */
export const anyObject = z.unknown().describe('An object');

const LIMIT = 'write a whole number from 1 to 200';

export const limitQuery = z.coerce.number(LIMIT).int(LIMIT).min(1, LIMIT).max(200, LIMIT).default(50);

/** A text from a path or a query: what PostgreSQL cannot hold is refused here. */
export const pathText = z
  .string()
  .min(1)
  .max(1024)
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'has a character that cannot be used');

export const eventBody = z.object({
  event_id: z.string().min(1).max(256).optional().describe('Yours; without it the content is the identity'),
  user_id: z.string().min(1).max(256),
  event_type: z.string().min(1).max(256),
  event_timestamp: z.string().describe('RFC 3339 with a zone, e.g. 2025-10-31T19:00:00Z'),
  properties: json.optional(),
  user_traits: json.optional(),
});

export const decisionShort = z.object({
  decision_id: z.string(),
  rule: z.string(),
  notification_type: z.string(),
  outcome: z.string(),
  reason_code: z.string(),
  reason: z.string(),
  notification_id: z.string().nullable(),
});

export const decisionFull = decisionShort.extend({
  event_ids: z.array(z.string()).readonly(),
  evidence: anyObject,
  event_id: z.string(),
  event_type: z.string(),
  event_timestamp: time,
  decided_at: time,
  catalog_version: z.number(),
});

export const ingestAnswer = z.object({
  accepted: z.number(),
  duplicates: z.number(),
  rejected: z.array(z.object({ index: z.number(), code: z.string(), path: z.string(), message: z.string() })),
  results: z.array(
    z.object({
      event_id: z.string().nullable(),
      status: z.enum(['accepted', 'duplicate', 'rejected', 'conflict']),
      decisions: z.array(decisionShort),
    }),
  ),
});

export const delivery = z.object({
  delivery_id: z.string(),
  notification_id: z.string(),
  notification_type: z.string(),
  user_id: z.string(),
  channel: z.string(),
  status: z.string(),
  reason_code: z.string().nullable(),
  reason: z.string().nullable(),
  provider: z.string().nullable(),
  provider_message_id: z.string().nullable(),
  attempts_made: z.number(),
  due_at: time,
  created_at: time,
  finished_at: time.nullable(),
  has_message: z.boolean(),
});

export const notification = z.object({
  notification_id: z.string(),
  notification_type: z.string(),
  category: z.string(),
  rule: z.string(),
  decision_id: z.string(),
  event_id: z.string(),
  created_at: time,
  deliveries: z.array(delivery.extend({ attempts: z.array(anyObject).readonly() })).readonly(),
});
