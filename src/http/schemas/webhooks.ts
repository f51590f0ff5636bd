import { z } from 'zod';
import { CHANNELS, WEBHOOK_FORMATS } from '../../model/delivery.ts';
import { DISABLED_AFTER_FAILURES, DISABLED_CODES, ENDPOINT_STATES } from '../../model/webhook.ts';
import type { EndpointDelivery } from '../../store/webhooks/endpoint-deliveries.ts';
import type { EndpointView } from '../../webhooks/endpoint-view.ts';
import type { EndpointWithSecret, TestResult } from '../../webhooks/webhooks.ts';
import {
  idOf,
  type jsonObject,
  listOf,
  nextCursor,
  storable,
  storedObject,
  timestamp,
  timeText,
  userId,
} from './common.ts';

/* Endpoints of webhooks. */

/** Types of an endpoint, at most. */
const MAX_TYPES = 200;

export const endpointParams = z.object({
  endpoint_id: z
    .string()
    .max(64)
    .meta({
      description: 'The id of the endpoint',
      examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'],
    }),
});

export const endpointDeliveryParams = endpointParams.extend({
  delivery_id: z
    .string()
    .max(256)
    .meta({
      description: 'NOTIFICATION_ID.webhook.ENDPOINT_ID',
      examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.webhook.01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'],
    }),
});

const url = z
  .string()
  .min(1)
  .max(2048)
  .meta({ examples: ['https://example.com/hooks/tidings'] });

const fields = {
  description: storable(z.string().max(500)).optional(),
  event_types: z
    .array(storable(z.string().min(1).max(256)))
    .min(1)
    .max(MAX_TYPES)
    .nullable()
    .optional()
    .meta({
      description:
        'It receives facts of these types instead of messages: a type, `order.*` or `*`; null: messages of the channel webhook',
      examples: [['notification.failed', 'order.*']],
    }),
  notification_types: z
    .array(storable(z.string().min(1).max(256)))
    .min(1)
    .max(MAX_TYPES)
    .nullable()
    .optional()
    .meta({
      description: 'It receives messages, or facts about messages, of these types; null: of all',
      examples: [null],
    }),
  channels: z
    .array(z.enum(CHANNELS))
    .min(1)
    .max(CHANNELS.length)
    .nullable()
    .optional()
    .meta({ description: 'It receives facts about messages on these channels; null: on all', examples: [null] }),
  format: z
    .enum(WEBHOOK_FORMATS)
    .optional()
    .meta({ description: 'Shape of the body; by default json', examples: ['json'] }),
  ordered: z
    .boolean()
    .optional()
    .meta({ description: 'One message at a time, the oldest first; slow', examples: [false] }),
  per_second: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .optional()
    .meta({ description: 'Messages per second, at most; null: no limit', examples: [null] }),
  state: z
    .enum(ENDPOINT_STATES)
    .optional()
    .meta({ description: 'What is due for a disabled endpoint is kept', examples: ['active'] }),
};

const secret = z
  .string()
  .max(512)
  .optional()
  .meta({
    description:
      '`whsec_` and base64 of 24 to 64 bytes, a key pair of Ed25519 as `whsk_` and base64, or a text of 16 to 512 characters; absent: one is made',
    examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  });

const headers = z.record(z.string(), z.string());

export const newEndpoint = z
  .strictObject({
    url,
    secret,
    headers: headers.optional().describe('Headers of your own; their values are never shown'),
    ...fields,
  })
  .meta({ id: 'NewWebhook', examples: [{ url: 'https://example.com/hooks/tidings' }] });

export const endpointChange = z
  .strictObject({
    url: url.optional(),
    headers: z
      .record(z.string(), z.string().nullable())
      .optional()
      .describe('Headers to set; null removes one, and the others stay'),
    ...fields,
  })
  .meta({ id: 'WebhookChange', examples: [{ description: 'orders' }] });

const view = {
  endpoint_id: idOf('endpoint'),
  url: z.string().meta({ examples: ['https://example.com/hooks/tidings'] }),
  description: z.string(),
  event_types: listOf(z.string())
    .nullable()
    .describe('It receives facts of these types; null: messages of the channel webhook'),
  notification_types: listOf(z.string())
    .nullable()
    .describe('It receives messages, or facts about messages, of these types; null: of all'),
  channels: listOf(z.enum(CHANNELS)).nullable().describe('It receives facts about these channels; null: about all'),
  format: z.enum(WEBHOOK_FORMATS),
  ordered: z.boolean(),
  per_second: z.int().nullable(),
  header_names: listOf(z.string()),
  state: z.enum(ENDPOINT_STATES),
  state_code: z.enum(DISABLED_CODES).nullable().describe('Why it is disabled: by_hand, gone (status 410) or failing'),
  state_changed_at: timestamp,
  failing_since: timestamp.nullable().describe('The first failure since a success'),
  failures: z.int().describe('Failures since then'),
  ends_at: timestamp
    .nullable()
    .describe(`When it is disabled if nothing succeeds until then, after ${DISABLED_AFTER_FAILURES} failures`),
  revision: z.int().describe('Grows with each change; send it as If-Match'),
  created_at: timestamp,
  updated_at: timestamp,
};

export const endpoint = z.object(view).meta({
  id: 'Webhook',
  description: 'An endpoint of webhooks, without its secrets',
}) satisfies z.ZodType<EndpointView>;

export const endpointWithSecret = z
  .object({
    ...view,
    secret: z.string().describe('Shown this once'),
    public_key: z.string().nullable().describe('Verifies signatures of Ed25519; null: the secret is one of HMAC'),
  })
  .meta({ id: 'WebhookWithSecret' }) satisfies z.ZodType<EndpointWithSecret>;

export const endpointPage = z.object({ webhooks: listOf(endpoint), next: nextCursor }).meta({ id: 'WebhookPage' });

export const secretRotation = z
  .strictObject({
    secret,
    overlap: z
      .string()
      .max(32)
      .optional()
      .meta({
        description: 'For how long the secret before signs as well: 0 to 7d; by default 24h',
        examples: ['24h'],
      }),
  })
  .meta({ id: 'WebhookSecretRotation', examples: [{ overlap: '24h' }] });

export const endpointTest = z
  .strictObject({ data: (storedObject as unknown as typeof jsonObject).optional().describe('`data` of the body') })
  .meta({ id: 'WebhookTest', examples: [{}] });

export const testResult = z
  .object({
    outcome: z.enum(['sent', 'failed', 'sandboxed']),
    response: z.string().nullable().describe('Status and beginning of the response'),
    reason: z.string().nullable().describe('Why it failed'),
    duration_ms: z.int(),
  })
  .meta({ id: 'WebhookTestResult' }) satisfies z.ZodType<TestResult>;

const attempt = z.object({
  attempt: z.int().meta({ description: 'Counted from 1', examples: [1] }),
  started_at: timestamp,
  duration_ms: z.int(),
  outcome: z.string().meta({ examples: ['sent'] }),
  code: z.string().nullable().describe('Status of a response that was no success'),
  reason: z.string().nullable(),
  response: z.string().nullable(),
});

export const endpointDelivery = z
  .object({
    delivery_id: z.string(),
    notification_type: z.string(),
    user_id: userId,
    status: z.string().meta({ examples: ['sent'] }),
    hold_code: z.string().nullable().describe('Why it waits; null: it does not wait for its endpoint'),
    reason_code: z.string().nullable(),
    reason: z.string().nullable(),
    due_at: timestamp.nullable().describe('Of the next attempt; null: it has ended, or is kept'),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
    attempts: listOf(attempt),
  })
  .meta({
    id: 'WebhookDelivery',
    description: 'A message to an endpoint, with its attempts',
  }) satisfies z.ZodType<EndpointDelivery>;

export const endpointDeliveryPage = z
  .object({ deliveries: listOf(endpointDelivery), next: nextCursor })
  .meta({ id: 'WebhookDeliveryPage' });

const time = timeText();

export const endpointReplay = z
  .strictObject({
    since: time.optional().describe('Created at or after this time'),
    until: time.optional().describe('Created before this time'),
    include_sent: z.boolean().optional().describe('Also what was sent. Default: only what failed or is kept'),
    per_second: z.int().min(1).max(100_000).optional(),
  })
  .meta({ id: 'WebhookReplay', examples: [{ since: '2025-10-31T19:00:00Z' }] });

export const replayed = z.object({ delivery_id: z.string() }).meta({ id: 'ReplayedDelivery' });
