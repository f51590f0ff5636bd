import { z } from 'zod';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { PLAN_CODES } from '../../model/plan-codes.ts';
import type { ToggleView } from '../customer-notifications.ts';
import { idOf, listOf, userIdParam } from './common.ts';

const method = z.enum(CHANNELS.filter((name) => !CHANNEL_DESCRIPTORS[name].isForOthers));

export const customerParams = z.object({
  id: userIdParam.describe('GET: the customer_uuid, your id of the user. PATCH: the id of a toggle'),
});

export const toggle = z
  .object({
    id: idOf('toggle').describe('Always the same for a customer and a category'),
    category: z.string().meta({ description: 'The notification type', examples: ['PAYMENT_REMINDER'] }),
    product: z.string().meta({
      description: 'The product of the customer for which it is; GENERIC: for every customer',
      examples: ['LOAN'],
    }),
    enabled: z.boolean().describe('Whether the customer gets it'),
    selected_delivery_method: method.describe('How they get it, or would get it'),
    delivery_methods: listOf(method).describe('The methods to choose from'),
    locked: z.boolean().describe('Whether it cannot be changed here'),
    locked_reason: z
      .object({ code: z.enum(PLAN_CODES), text: z.string().meta({ examples: ['it is locked on for every user'] }) })
      .nullable()
      .describe('Null: it is not locked'),
  })
  .meta({
    id: 'CustomerNotification',
    description: 'A toggle: whether a customer gets the notifications of a category, and how',
  }) as unknown as z.ZodType<ToggleView>;

export const toggleList = listOf(toggle);

export const toggleChange = z
  .strictObject({
    enabled: z.boolean().optional().describe('Whether the customer wants it'),
    selected_delivery_method: method.optional().describe('How they want it'),
  })
  .meta({
    id: 'CustomerNotificationChange',
    description: 'What is absent stays',
    examples: [{ selected_delivery_method: 'email', enabled: true }],
  });
