import { z } from 'zod';
import { CHANNELS, PRIORITIES } from '../../model/delivery.ts';
import { ZONE_SOURCES } from '../../model/direct.ts';
import type { Cancellation } from '../../notify/cancel-notification.ts';
import { MAX_RECIPIENTS } from '../../notify/request.ts';
import type { Rescheduled } from '../../notify/reschedule-notification.ts';
import { SEND_STATES, type SendResult } from '../../notify/send-result.ts';
import { NOTIFICATION_STATES, type NotificationDetail, type NotificationSummary } from '../../store/notifications.ts';
import {
  cursorQuery,
  idOf,
  jsonObject,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  storedObject,
  timestamp,
  userId,
  userIdParam,
} from './common.ts';
import { deliverySummary, notification } from './deliveries.ts';

/* Notifications that are asked for directly. */

const MAX_TEXT_CHARS = 100_000;
const MAX_HTML_CHARS = 500_000;

const shortText = pathText.max(256);

const recipientFields = {
  user_id: shortText.optional().describe('Your id of the user'),
  email: z.string().min(1).max(320).optional(),
  phone: z.string().min(1).max(64).optional().describe('In E.164 form'),
};

const recipient = z
  .strictObject(recipientFields)
  .refine((one) => Object.values(one).filter((value) => value !== undefined).length === 1, {
    error: 'write one of user_id, email and phone',
  })
  .meta({
    id: 'Recipient',
    description: 'A user, or an address: then the user who has it',
    examples: [{ user_id: 'user-1042' }],
  });

const scheduledAt = z
  .union([
    z.string().max(64).meta({ description: 'An instant, in RFC 3339 with a zone' }),
    z
      .strictObject({
        local: z
          .string()
          .max(32)
          .meta({ examples: ['2026-12-01T09:00'] }),
        zone: z
          .string()
          .min(1)
          .max(64)
          .meta({ description: '`recipient`: that of each user; or an IANA zone', examples: ['recipient'] }),
      })
      .meta({ id: 'LocalSchedule' }),
  ])
  .meta({ description: 'When to send it; a time that is past: at once. Absent: at once' });

const content = z
  .strictObject({
    title: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe('The subject of an email, the title of push and in-app messages'),
    text: z.string().min(1).max(MAX_TEXT_CHARS).optional(),
    message: z.string().min(1).max(MAX_TEXT_CHARS).optional().describe('The same as text'),
    html: z.string().min(1).max(MAX_HTML_CHARS).optional().describe('Of an email'),
    provider_template: shortText
      .optional()
      .describe('Name of a template that the provider keeps, in the place of all others'),
  })
  .refine((one) => one.text === undefined || one.message === undefined, {
    error: 'write text or message, which mean the same',
  })
  .refine((one) => one.provider_template === undefined || Object.values(one).filter(Boolean).length === 1, {
    error: 'write provider_template alone, or title, text and html',
  })
  .meta({
    id: 'OwnContent',
    description: 'What is sent in the place of the templates of the type; it is no template itself',
  });

export const sendBody = z
  .strictObject({
    type: shortText.meta({ description: 'Notification type of the catalog', examples: ['INSUFFICIENT_FUNDS_EMAIL'] }),
    recipients: z.array(recipient).min(1).max(MAX_RECIPIENTS),
    channels: z
      .array(z.enum(CHANNELS))
      .min(1)
      .max(CHANNELS.length)
      .optional()
      .describe('Of those of the type; absent: all of them'),
    priority: z.enum(PRIORITIES).optional().describe('URGENT needs notifications:urgent; absent: that of the type'),
    category: shortText.optional().describe('Only that of the type: a request cannot change it'),
    variables: storedObject.optional().describe('What templates read as `event`'),
    content: content.optional(),
    scheduled_at: scheduledAt.optional(),
    expires_at: z.string().max(64).optional().describe('RFC 3339 with a zone; after it the message is not sent'),
    context: z
      .strictObject({
        source: shortText.optional(),
        correlation_id: shortText.optional().describe('By which notifications are found'),
        metadata: storedObject.optional(),
      })
      .optional(),
  })
  .meta({
    id: 'SendRequest',
    description: 'Asks for a notification to each recipient',
    examples: [
      {
        type: 'INSUFFICIENT_FUNDS_EMAIL',
        recipients: [{ user_id: 'user-1042' }, { email: 'john@example.com' }],
        variables: { amount: 12.5, currency: 'EUR' },
        context: { source: 'payments', correlation_id: 'c-81' },
      },
    ],
  });

const bool = z.enum(['true', 'false']).optional();

export const sendQuery = z.strictObject({
  dry_run: bool.describe('`true`: all is decided and planned, and nothing sent or stored'),
});

const zone = z.exactOptional(z.string()).describe('Zone of a local time');
const zoneFrom = z
  .exactOptional(z.enum(ZONE_SOURCES))
  .describe(
    '`recipient`: of the user; `request`; `tenant`: the user has no zone; `default`: nor has the tenant, so UTC',
  );
const late = z.exactOptional(z.literal(true)).describe('Its time was past, so it is sent at once');

export const sendResult = z
  .object({
    recipient: z
      .object({
        user_id: z.exactOptional(z.string()),
        email: z.exactOptional(z.string()),
        phone: z.exactOptional(z.string()),
      })
      .describe('As given; an address is masked'),
    user_id: z.exactOptional(z.string()),
    linked: z
      .exactOptional(z.boolean())
      .describe('Of an address: whether it is that of a user, whose choices then count'),
    state: z.enum(SEND_STATES),
    notification_id: z.string().nullable().describe('Null: nothing is sent'),
    due_at: z.exactOptional(timestamp).describe('Of what is scheduled'),
    zone,
    zone_from: zoneFrom,
    late,
    channels: z
      .exactOptional(
        z.record(
          z.string(),
          z
            .object({
              plan: z.enum(['go', 'hold', 'fold', 'drop']),
              code: z.exactOptional(z.string()),
              decided_by: z
                .exactOptional(z.string())
                .describe('Level that decided; absent: the notification type itself'),
              until: z.exactOptional(timestamp),
            })
            .meta({ id: 'PlannedChannel' }),
        ),
      )
      .describe('What is planned for each channel'),
    code: z.exactOptional(z.string()).describe('Why it is suppressed or rejected'),
    reason: z.exactOptional(z.string()),
    repeats: z.exactOptional(z.int()).describe('Place of the earlier recipient, from 0, who is the same user'),
  })
  .meta({ id: 'SendResult', description: 'What became of one recipient' }) as unknown as z.ZodType<SendResult>;

export const sendAnswer = z
  .object({
    request_id: z.string().describe('The same when the request is repeated'),
    dry_run: z.boolean(),
    accepted: z.int().describe('Users who get it now or later'),
    results: listOf(sendResult).describe('In the order of the recipients'),
  })
  .meta({ id: 'SendAnswer', description: 'A result for each recipient' });

export const rescheduleBody = z
  .strictObject({ scheduled_at: scheduledAt })
  .meta({ id: 'RescheduleRequest', examples: [{ scheduled_at: '2026-12-01T09:00:00Z' }] });

export const rescheduled = z
  .object({
    notification_id: idOf('notification'),
    state: z.enum(['scheduled', 'too_late']).describe('`too_late`: it is no longer scheduled, and stays as it is'),
    due_at: z.exactOptional(timestamp),
    zone,
    zone_from: zoneFrom,
    late,
  })
  .meta({ id: 'Rescheduled' }) satisfies z.ZodType<Rescheduled>;

const channels = listOf(z.string());

export const cancellation = z
  .object({
    notification_id: idOf('notification'),
    state: z
      .enum(['cancelled', 'too_late'])
      .describe(
        '`too_late`: a message went out, may have, or is being sent; what had not begun is cancelled all the same',
      ),
    cancelled: channels.describe('Channels that were cancelled; none: it was only scheduled'),
    sent: channels,
    sending: channels.describe('Being sent at this moment: there is no further attempt'),
    in_doubt: channels,
  })
  .meta({ id: 'Cancellation' }) satisfies z.ZodType<Cancellation>;

const fields = {
  notification_id: idOf('notification'),
  notification_type: z.string().meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] }),
  user_id: userId,
  rule: z
    .string()
    .meta({ description: '`@direct`: a request asked for it; `@test`: as a test of templates', examples: ['@direct'] }),
  state: z
    .enum(NOTIFICATION_STATES)
    .describe(
      '`accepted`: a delivery is open; `partly`: it reached the user by one channel, and another failed or may have; `suppressed`: when its time came it was decided not to send it',
    ),
  correlation_id: z.string().nullable(),
  source: z.string().nullable(),
  created_at: timestamp,
  due_at: timestamp.nullable().describe('When it is to be sent, or was; null: it was not scheduled, or is sent'),
  cancelled_at: timestamp.nullable(),
};

const notificationSummary = z
  .object({ ...fields, deliveries: listOf(deliverySummary) })
  .meta({ id: 'NotificationSummary' }) satisfies z.ZodType<NotificationSummary>;

export const notificationDetail = z
  .object({
    ...fields,
    category: z.string().nullable().describe('Null: it is only scheduled'),
    event_id: z.string().describe('The event that triggered its rule'),
    decision_id: z.string().nullable().describe('Null: it is only scheduled'),
    context: z.union([jsonObject, z.null()]).describe('Source, correlation id and metadata; addresses are masked'),
    deliveries: notification.shape.deliveries,
  })
  .meta({ id: 'NotificationDetail' }) as unknown as z.ZodType<NotificationDetail>;

export const notificationQuery = z.strictObject({
  user_id: userIdParam.optional(),
  type: pathText.optional().describe('Notification type'),
  state: z.enum(NOTIFICATION_STATES).optional(),
  correlation_id: pathText.optional(),
  limit: limitQuery,
  after: cursorQuery,
});

export const notificationPage = z.object({ notifications: listOf(notificationSummary), next: nextCursor }).meta({
  id: 'NotificationPage',
  description: 'What is scheduled, the latest time first, and then notifications, newest first. A page may be short',
});
