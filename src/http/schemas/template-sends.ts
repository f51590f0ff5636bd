import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import type { TestAnswer } from '../../notify/send-test.ts';
import { isKnownLocale } from '../../tenants/tenant-settings.ts';
import { pathText } from './common.ts';
import { sendResult } from './notifications.ts';
import { previewData, previewEvent } from './templates.ts';

/* Tests of templates: notifications that are sent as tests. */

export const testSendBody = z
  .strictObject({
    notification_type: pathText.meta({ examples: ['WELCOME_EMAIL'] }),
    user_id: pathText.optional().describe('Who gets it; or write `to`'),
    to: z
      .strictObject({ email: z.string().max(500).optional(), phone: z.string().max(100).optional() })
      .refine(({ email, phone }) => (email === undefined) !== (phone === undefined), 'write email or phone')
      .optional()
      .describe('An address that a user has verified, and to which their messages go'),
    channels: z
      .array(z.enum(CHANNELS))
      .min(1)
      .max(CHANNELS.length)
      .optional()
      .describe('Absent: that of `template`, or all channels of the type'),
    locale: z
      .string()
      .max(100)
      .refine(isKnownLocale, 'write a language tag, such as de or pt-BR')
      .optional()
      .describe('Absent: that of the template, or of the user'),
    template: pathText
      .optional()
      .describe('A template of the API in the place of the active one, a draft too: its id, or NAME_V2'),
    event: previewEvent.optional().describe('The event to show; absent: a sample by its schema'),
    last_event: z
      .boolean()
      .default(false)
      .describe('Whether the newest event of the user is shown for which a rule sends the type'),
    variables: previewData.optional().describe('Variables, before those that the rule gives'),
  })
  .refine(({ user_id: user, to }) => (user === undefined) !== (to === undefined), 'write user_id or to')
  .meta({
    id: 'TestSendRequest',
    description: 'A notification to send as a test',
    examples: [{ notification_type: 'INSUFFICIENT_FUNDS_EMAIL', user_id: 'user-1042', locale: 'pt-BR' }],
  });

export const testSend = z
  .object({
    request_id: z.string().describe('The same when the request is repeated'),
    result: sendResult,
  })
  .meta({ id: 'TestSend', description: 'What became of a test' }) as unknown as z.ZodType<TestAnswer>;
