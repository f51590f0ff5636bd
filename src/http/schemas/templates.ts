import { z } from 'zod';
import { PREVIEW_FINDINGS } from '../../delivery/preview/inspect-message.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { isKnownLocale } from '../../tenants/tenant-settings.ts';
import { jsonObject, listOf, pathText, storedObject } from './common.ts';
import { messageParts } from './message-parts.ts';

/* Previews of templates. */

const MAX_PREVIEW_DATA_CHARS = 262_144;

export const previewData = storedObject.refine(
  (value) => JSON.stringify(value).length <= MAX_PREVIEW_DATA_CHARS,
  'is larger than 256 KiB',
);

export const previewEvent = z.strictObject({
  event_type: pathText.optional(),
  properties: previewData.optional(),
  user_traits: previewData.optional(),
});

export const previewBody = z
  .strictObject({
    notification_type: pathText.meta({ examples: ['WELCOME_EMAIL'] }),
    channel: z
      .enum(CHANNELS)
      .optional()
      .meta({ examples: ['email'] })
      .describe('Absent: that of the template, or the first of the type'),
    locale: z
      .string()
      .max(100)
      .refine(isKnownLocale, 'write a language tag, such as de or pt-BR')
      .optional()
      .describe('Absent: that of the template, of the user, or of the tenant'),
    template: pathText
      .optional()
      .describe('A template of the API in the place of the active one, a draft too: its id, or NAME_V2'),
    user_id: pathText.optional().describe('A user whose profile is shown, with addresses masked; absent: a sample'),
    event: previewEvent.optional().describe('The event; absent: a sample by its schema'),
    last_event: z
      .boolean()
      .default(false)
      .describe('Whether the newest event of the user is shown for which a rule sends the type'),
    variables: previewData.optional().describe('Variables, before those that the rule gives'),
    follow_links: z.boolean().default(false).describe('Whether the first 20 public https:// links are asked for'),
  })
  .meta({
    id: 'PreviewRequest',
    description: 'A message to render, and the data for it',
    examples: [{ notification_type: 'INSUFFICIENT_FUNDS_EMAIL', channel: 'email', locale: 'pt-BR' }],
  });

const finding = z
  .object({
    code: z.enum(PREVIEW_FINDINGS),
    severity: z.enum(['error', 'warning']).describe('error: it is not sent like this'),
    part: z.exactOptional(z.string()),
    message: z.string(),
  })
  .meta({ id: 'PreviewFinding', description: 'A fault or a weakness of a message' });

const link = z.object({
  url: z.string(),
  kind: z.enum(['link', 'image']),
  status: z
    .exactOptional(z.int().nullable())
    .describe('Status of its answer; null: it does not answer; absent: not asked'),
});

export const preview = z
  .object({
    notification_type: z.string(),
    channel: z.enum(CHANNELS),
    locale: z.string().describe('Locale of the template'),
    wanted_locale: z.string().nullable().describe('The locale that was looked for'),
    message: z.object(messageParts).nullable().describe('Null: it cannot be rendered, and a finding says why'),
    dark_html: z.exactOptional(z.string()).describe('The HTML as a dark screen shows it'),
    html_bytes: z.exactOptional(z.int()),
    sms: z.exactOptional(
      z.object({
        encoding: z.enum(['GSM-7', 'UCS-2']),
        parts: z.int().describe('Parts that are billed'),
        units: z.int(),
        units_per_part: z.int(),
      }),
    ),
    links: listOf(link),
    findings: listOf(finding),
    data: jsonObject.describe('The data that the template was rendered with'),
  })
  .meta({ id: 'Preview', description: 'A message that was rendered and not sent' });

export type PreviewView = z.infer<typeof preview>;
