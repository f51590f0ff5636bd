import { z } from 'zod';
import { ATTEMPT_OUTCOMES, CHANNELS, DELIVERY_REASON_CODES, DELIVERY_STATUSES } from '../../model/delivery.ts';
import { DELIVERY_HOLD_CODES } from '../../model/hold-codes.ts';
import { RECEIPT_FLAGS, RECEIPT_STATES } from '../../model/receipt.ts';
import type {
  DeliverySummary,
  DeliveryView,
  MessageView,
  NotificationView,
} from '../../store/deliveries/delivery-views.ts';
import { COUNTED_FIELDS, type CountedField } from '../../store/deliveries/list-deliveries.ts';
import { cursorQuery, idOf, limitQuery, listOf, nextCursor, pathText, timestamp, timeText, userId } from './common.ts';
import { messageParts } from './message-parts.ts';
import { verdict } from './verdicts.ts';

/* Notifications, their deliveries and messages. */

const deliveryId = z
  .string()
  .meta({ description: 'NOTIFICATION_ID.CHANNEL', examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email'] });

const notificationType = z.string().meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] });

const account = z
  .string()
  .nullable()
  .meta({
    description: 'Account of the tenant with the provider; null: that of the installation',
    examples: [null],
  });

const target = z.string().meta({
  description: 'Id of the device or the endpoint; empty: the address of the user, or a channel that needs none',
  examples: [''],
});

const parts = z
  .int()
  .nullable()
  .meta({ description: 'Parts that the provider bills (SMS); null: one, or not known', examples: [null] });

const cost = z
  .object({ amount: z.number(), currency: z.string().meta({ description: 'ISO 4217', examples: ['EUR'] }) })
  .nullable()
  .meta({
    description: 'By the prices of the catalog, or as the provider said; null: it is not known',
    examples: [null],
  });

const step = z
  .exactOptional(z.int())
  .describe('Place among the channels that are tried one after the other, from 1; absent: it does not wait for others');

const fields = {
  delivery_id: deliveryId,
  notification_id: idOf('notification'),
  notification_type: notificationType,
  user_id: userId,
  channel: z.enum(CHANNELS),
  target,
  status: z.enum(DELIVERY_STATUSES),
  reason_code: z
    .string()
    .nullable()
    .meta({
      description: `Why it has this status, such as ${DELIVERY_REASON_CODES.slice(0, 3).join(', ')}; null: it needs no reason`,
      examples: [null],
    }),
  reason: z
    .string()
    .nullable()
    .meta({ examples: [null] }),
  provider: z
    .string()
    .nullable()
    .meta({ examples: ['smtp'] }),
  account,
  provider_message_id: z
    .string()
    .nullable()
    .meta({ examples: [null] }),
  attempts_made: z.int(),
  due_at: timestamp,
  created_at: timestamp,
  finished_at: timestamp.nullable(),
  has_message: z.boolean().describe('Whether the message is stored'),
  receipt_state: z
    .enum(RECEIPT_STATES)
    .nullable()
    .meta({
      description: 'What the receipts of the provider say together; null: nothing yet, or it sends none',
      examples: ['delivered'],
    }),
  hold_code: z
    .string()
    .nullable()
    .meta({ description: 'What it waits for until it is due; null: its turn', examples: [null] }),
  decided_by: verdict.nullable().describe('The verdict of the plan, if it held or dropped the delivery'),
  receipt_flags: listOf(z.enum(RECEIPT_FLAGS)).meta({
    description: 'What its reader did; what machines did is apart',
    examples: [['opened']],
  }),
  parts,
  cost,
  step,
  test: z.exactOptional(z.literal(true)).describe('It is a test of templates'),
};

export const delivery = z
  .object(fields)
  .meta({ id: 'Delivery', description: 'A notification on one channel' }) satisfies z.ZodType<DeliveryView>;

const attempt = z
  .object({
    attempt: z.int().meta({ description: 'Counted from 1', examples: [1] }),
    provider: z.string().meta({ examples: ['smtp'] }),
    account,
    started_at: timestamp,
    duration_ms: z.number(),
    outcome: z.enum(ATTEMPT_OUTCOMES),
    code: z.string().nullable().describe('Code of the provider, as its table has it; null: it gave none'),
    reason: z.string().nullable(),
    response: z.string().nullable().describe('Reply of the provider'),
    provider_message_id: z.string().nullable(),
    choice: z.string().nullable().describe('Why it went by its account; null: there was no choice'),
    parts,
    cost,
  })
  .meta({ id: 'Attempt', description: 'One call to a provider' });

const deliveryWithAttempts = z
  .object({ ...fields, attempts: listOf(attempt) })
  .meta({ id: 'DeliveryWithAttempts', description: 'A delivery with every attempt, the first one first' });

export const notification = z
  .object({
    notification_id: idOf('notification'),
    notification_type: notificationType,
    category: z.string().meta({ examples: ['TRANSACTIONAL'] }),
    rule: z.string().meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] }),
    decision_id: idOf('decision'),
    event_id: z.string().meta({ examples: ['evt-8841'] }),
    created_at: timestamp,
    deliveries: listOf(deliveryWithAttempts),
  })
  .meta({
    id: 'Notification',
    description: 'A notification with its deliveries',
  }) satisfies z.ZodType<NotificationView>;

export const deliverySummary = z
  .object({
    notification_id: idOf('notification'),
    channel: z.enum(CHANNELS),
    target,
    status: z.enum(DELIVERY_STATUSES),
    provider: z.string().nullable(),
    reason_code: z.string().nullable().describe('Why it has this status; null: it needs no reason'),
    reason: z.string().nullable(),
    due_at: timestamp.nullable().describe('When a queued one is tried next; null: it is not queued'),
    hold_code: z.string().nullable().describe('Why it waits until then; null: it is not held'),
    receipt_state: z
      .enum(RECEIPT_STATES)
      .nullable()
      .describe('State by all receipts of the provider; null: nothing yet'),
    step,
  })
  .meta({ id: 'DeliverySummary', description: 'A delivery in few words' }) satisfies z.ZodType<DeliverySummary>;

const messageFields = {
  to: z
    .string()
    .nullable()
    .meta({ description: 'Masked; null: the channel needs no address', examples: ['a…@example.com'] }),
  ...messageParts,
  rendered_at: timestamp,
  locale: z.exactOptional(z.string()).describe('Of the template; absent: the message has no template'),
  user_locale: z.exactOptional(z.string()).describe('Absent: the user has no locale'),
  template_id: z.exactOptional(z.string()).describe('A template of the API; absent: one of the files of the catalog'),
  template_version: z.exactOptional(z.int()),
  variant: z.exactOptional(z.string()).describe('Which the user was shown in a test'),
};

export const message = z
  .object({ delivery_id: deliveryId, channel: z.enum(CHANNELS), ...messageFields } satisfies {
    readonly [field in keyof MessageView]-?: z.ZodType<MessageView[field]>;
  } & { readonly [field: string]: z.ZodType })
  .meta({ id: 'Message', description: 'A message as it was rendered, with addresses masked' });

export const deliveryParams = z.object({ id: deliveryId.max(256) });

const time = timeText().meta({ description: 'RFC 3339 with a zone', examples: ['2025-10-31T19:00:00Z'] });

const deliveryFilter = {
  status: z.enum(DELIVERY_STATUSES).optional().describe('`dead`: the dead letters'),
  notification_type: pathText.optional(),
  channel: z.enum(CHANNELS).optional(),
  provider: pathText.optional().describe('That made the latest attempt'),
  reason_code: pathText.optional(),
  receipt_state: z.enum(RECEIPT_STATES).optional().describe('What the receipts of the provider say together'),
  hold_code: z
    .enum(DELIVERY_HOLD_CODES)
    .optional()
    .describe('That wait in the queue for this, at present; a hold that is over counts no longer'),
  since: time.optional().describe('Created at or after this time'),
  until: time.optional().describe('Created before this time'),
};

export const deliveryQuery = z.strictObject({ ...deliveryFilter, limit: limitQuery, after: cursorQuery });

export const deliveryCountQuery = z.strictObject({
  ...deliveryFilter,
  count_by: z
    .string()
    .max(100)
    .default(COUNTED_FIELDS.join(','))
    .meta({
      description: `What to count by, of ${COUNTED_FIELDS.join(', ')}, with commas`,
      examples: ['status,channel'],
    }),
});

const valueCounts = listOf(z.object({ value: z.string().meta({ examples: ['dead'] }), count: z.int() })).optional();

export const deliveryCounts = z
  .object({
    total: z.int().describe('Deliveries that match the filter'),
    at_least: z.boolean().describe('There may be more: only so many were looked at'),
    since: timestamp.nullable().describe('Deliveries created since then were looked at; null: all of the span'),
    counts: z
      .object(Object.fromEntries(COUNTED_FIELDS.map((field) => [field, valueCounts])) as CountSchemas)
      .describe('By field: its most frequent values, among the deliveries that match the filter but for this field'),
  })
  .meta({ id: 'DeliveryCounts', description: 'Deliveries by their values' });

type CountSchemas = { readonly [field in CountedField]: typeof valueCounts };

export const deliveryPage = z.object({ deliveries: listOf(delivery), next: nextCursor }).meta({
  id: 'DeliveryPage',
  description: 'Deliveries, newest first. A page may have fewer than `limit`, even none, although `next` leads on',
});
