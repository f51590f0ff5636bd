import { z } from 'zod';
import { SEVERITIES } from '../../model/delivery.ts';
import type { MessageParts } from '../../privacy/message-view.ts';
import { jsonObject, listOf } from './common.ts';

/** The parts of a message. A part that it does not have is absent; which a channel has stands in docs/templates.md. */
export const messageParts = {
  subject: z.exactOptional(z.string()),
  title: z.exactOptional(z.string()).describe('The line above the text, of push and in-app messages'),
  text: z.string(),
  html: z.exactOptional(z.string()),
  badge: z.exactOptional(z.number()).describe('The number on the icon of the app'),
  image: z.exactOptional(z.string()).describe('URL of a picture'),
  actions: z.exactOptional(listOf(z.object({ label: z.string(), url: z.string() }))).describe('Buttons'),
  inbox: z
    .exactOptional(
      z.object({
        group: z.exactOptional(z.string()),
        severity: z.exactOptional(z.enum(SEVERITIES)),
        icon: z.exactOptional(z.string()),
        url: z.exactOptional(z.string()),
        expires_at: z.exactOptional(z.string()),
      }),
    )
    .describe('How the inbox shows it'),
  data: z.exactOptional(jsonObject).describe('For the program that receives it'),
  blocks: z.exactOptional(listOf(jsonObject)).describe('Blocks of a chat message'),
  attachments: z
    .exactOptional(
      listOf(
        z.object({
          name: z.string(),
          url: z.string(),
          type: z.exactOptional(z.string()),
          content_id: z.exactOptional(z.string()),
        }),
      ),
    )
    .describe('Files that are fetched when the email is sent'),
  provider_template: z
    .exactOptional(z.object({ name: z.string(), data: jsonObject }))
    .describe('A template that the provider keeps, and the data for it'),
} satisfies { readonly [field in keyof MessageParts]-?: z.ZodType<MessageParts[field]> };
