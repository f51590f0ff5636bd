import { z } from 'zod';
import { MAX_CELLS } from '../../drafts/render-templates.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { isKnownLocale } from '../../tenants/tenant-settings.ts';
import { listOf, pathText, storable } from './common.ts';
import { draftFiles } from './drafts.ts';
import { preview, previewData, previewEvent } from './templates.ts';

/* Messages of a notification type, rendered by a draft or a version. */

const cell = z
  .strictObject({
    channel: z.enum(CHANNELS),
    locale: z
      .string()
      .max(100)
      .refine(isKnownLocale, 'write a language tag, such as de or pt-BR')
      .optional()
      .describe('Absent: that of the user, or of the tenant'),
    variant: z.string().max(40).optional().describe('A variant in the place of the template without one'),
    user_id: pathText.optional().describe('A user whose profile is shown, with addresses masked; absent: a sample'),
    event_id: storable(z.string().min(1).max(1024))
      .optional()
      .describe('An event of the user, by the id that you gave'),
    last_event: z
      .boolean()
      .default(false)
      .describe('Whether the newest event of the user is shown for which a rule sends the type'),
  })
  .meta({ id: 'RenderCell', description: 'A message to render' });

export const renderBody = z
  .strictObject({
    files: draftFiles.optional().describe('A draft; needs the scope catalog:write as well. Absent: a version'),
    version: z.int().min(1).max(2_147_483_647).optional().describe('Absent: the active one'),
    notification_type: pathText.meta({ examples: ['WELCOME_EMAIL'] }),
    cells: z.array(cell).max(MAX_CELLS),
    dark: z.boolean().default(false).describe('Whether the HTML is returned as a dark screen shows it, too'),
    changes: z.boolean().default(false).describe('Whether it is looked up in which version each template last changed'),
    event: previewEvent
      .optional()
      .describe('The event of cells without one of their own; absent: a sample by its schema'),
    variables: previewData.optional().describe('Variables, before those that the rule gives'),
  })
  .refine(({ files, version }) => files === undefined || version === undefined, {
    message: 'write either files or version',
  })
  .meta({
    id: 'RenderRequest',
    description: 'Messages of a notification type to render',
    examples: [{ notification_type: 'WELCOME_EMAIL', cells: [{ channel: 'email', locale: 'pt-BR' }] }],
  });

const field = z
  .object({
    path: z.string().describe('As templates write it, such as event.amount; items of a list are []'),
    type: z.enum(['text', 'number', 'boolean', 'list', 'object']).nullable().describe('Null: nothing says it'),
    format: z.exactOptional(z.string()).describe('Of a text, such as date-time'),
    state: z.enum(['used', 'unused', 'missing']).describe('missing: a template shows it, and nothing declares it'),
    shown_by: listOf(z.string()).describe('Templates that show it, such as `email en`'),
    problem: z.exactOptional(z.string()).describe('Why it shows nothing'),
  })
  .meta({ id: 'TemplateField', description: 'A field that templates of a type show, or could show' });

const listed = z
  .object({
    channel: z.enum(CHANNELS),
    locale: z.string(),
    variant: z.string().nullable(),
    share: z.number().nullable().describe('Percentage of the users that a test shows it; null: it is in no test'),
    changed_in: z
      .int()
      .nullable()
      .describe('Version in which its files last changed; null: not asked for, or in none of the latest versions'),
  })
  .meta({ id: 'ListedTemplate', description: 'A template of a type' });

export const rendered = z
  .object({
    version: z.int().nullable().describe('Null: a draft'),
    templates: listOf(listed).describe('The first 200 of the type'),
    fields: listOf(field).describe('Those that are shown first; up to 400'),
    cells: listOf(
      z
        .object({
          preview: z.exactOptional(preview),
          problem: z
            .exactOptional(z.object({ code: z.enum(['not_found', 'left_out']), message: z.string() }))
            .describe('Why there is no message: it does not exist, or those before it took too long'),
        })
        .meta({ id: 'RenderedCell', description: 'A message, or why there is not one' }),
    ).describe('In the order of the request'),
  })
  .meta({ id: 'RenderedTemplates', description: 'Messages that were rendered and not sent' });
