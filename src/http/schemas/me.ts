import { z } from 'zod';
import { CHANNELS, DELIVERY_STATUSES } from '../../model/delivery.ts';
import { idOf, listOf, nextCursor, timestamp, userId } from './common.ts';
import { messageParts } from './message-parts.ts';

/* Data that a user reaches with an own token, and data that support reveals. */

export const me = z
  .object({
    user_id: userId,
    tenant_id: z.string().meta({ examples: ['default'] }),
    environment: z.enum(['live', 'test']),
  })
  .meta({ id: 'Me', description: 'The user of a token' });

const { provider_template: hosted, ...body } = messageParts;

const ownDelivery = z
  .object({
    channel: z.enum(CHANNELS),
    status: z.enum(DELIVERY_STATUSES),
    finished_at: timestamp.nullable(),
    message: z.object(body).nullable().describe('As it was rendered; null: it was not, or it is no longer kept'),
  })
  .meta({ id: 'OwnDelivery' });

export const ownNotifications = z
  .object({
    notifications: listOf(
      z
        .object({
          notification_id: idOf('notification'),
          notification_type: z.string().meta({ examples: ['PAYMENT_FAILED'] }),
          category: z.string(),
          created_at: timestamp,
          deliveries: listOf(ownDelivery),
        })
        .meta({ id: 'OwnNotification' }),
    ),
    next: nextCursor,
  })
  .meta({ id: 'OwnNotificationPage', description: 'Notifications of the user of the token, newest first' });

export const reveal = z
  .strictObject({
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .refine((one) => !one.includes('\0') && one.isWellFormed(), 'has a character that cannot be stored')
      .meta({ description: 'Kept in the audit log', examples: ['ticket 4711'] }),
  })
  .meta({ id: 'Reveal', description: 'The reason to see what is masked', examples: [{ reason: 'ticket 4711' }] });

export const revealedAddresses = z
  .object({
    user_id: userId,
    email: z
      .string()
      .nullable()
      .meta({ examples: ['ann@example.com'] }),
    phone: z
      .string()
      .nullable()
      .meta({ examples: ['+4915112345678'] }),
    others: z
      .exactOptional(listOf(z.object({ kind: z.enum(['email', 'phone']), address: z.string() })))
      .describe('Addresses that messages do not go to; absent: the user has no others'),
  })
  .meta({ id: 'RevealedAddresses', description: 'The addresses that messages go to, and the others' });

export const revealedMessage = z
  .object({ delivery_id: z.string(), channel: z.string(), ...body, provider_template: hosted })
  .meta({ id: 'RevealedMessage', description: 'A message as it was sent' });
