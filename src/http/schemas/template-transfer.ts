import { z } from 'zod';
import { listOf, problemPart, storable } from './common.ts';
import { localeTag } from './stored-templates.ts';

/* Templates as files, and their texts for translators. */

const MAX_TEXT_CHARS = 262_144;
const MAX_UNITS = 20_000;
const MAX_DOCUMENT_CHARS = 5 * 1024 * 1024;

export const exportedTemplates = z
  .object({
    files: z.record(z.string(), z.string()).describe('Path inside the folder of a catalog to text'),
    left_out: listOf(z.string()).describe('Active templates that are files of the catalog, as TYPE/CHANNEL.LOCALE'),
    variables: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .describe('Variables that the templates declare, by notification: they belong into notifications.yaml'),
  })
  .meta({ id: 'ExportedTemplates', description: 'The active templates as files of a catalog' });

export const seedBody = z.strictObject({ files: z.record(z.string().min(1).max(512), storable(z.string())) }).meta({
  id: 'TemplateFiles',
  description: 'Template files of a catalog; others are left out',
  examples: [
    {
      files: {
        'templates/WELCOME_EMAIL/email.en.subject.txt': 'Welcome',
        'templates/WELCOME_EMAIL/email.en.txt': 'Hello {{user_name}}!',
      },
    },
  ],
});

export const seedResult = z
  .object({
    changed: z.int().describe('Templates that were made or changed'),
    same: z.int(),
    problems: listOf(problemPart),
  })
  .meta({ id: 'SeedResult' });

export const translationQuery = z.strictObject({
  from: localeTag.default('en'),
  to: localeTag.meta({ examples: ['es'] }),
  format: z.enum(['json', 'xliff']).default('json'),
});

const unit = z.object({
  id: z.string().meta({ description: 'NAME/PART', examples: ['CLIENT_WELCOME/subject'] }),
  source: z.string(),
  target: z.string().nullable().describe('Null: it is not translated'),
});

export const translations = z
  .object({
    from: z.string(),
    to: z.string(),
    units: listOf(unit).describe('Empty for xliff'),
    missing: listOf(z.string()).describe('Ids of texts that are not translated'),
    xliff: z.string().nullable().describe('XLIFF 2.0; null for json'),
  })
  .meta({ id: 'Translations', description: 'The texts of templates in two locales' });

export const newTranslations = z
  .strictObject({
    from: localeTag.default('en'),
    to: localeTag.optional().describe('Absent: that of the XLIFF document'),
    units: z
      .array(
        z.strictObject({
          id: storable(z.string().min(1).max(300)),
          source: z.string().max(MAX_TEXT_CHARS).optional().describe('If it is no longer the text, the unit is stale'),
          target: storable(z.string().max(MAX_TEXT_CHARS)).nullable(),
        }),
      )
      .max(MAX_UNITS)
      .optional(),
    xliff: storable(z.string().max(MAX_DOCUMENT_CHARS)).optional().describe('XLIFF 2.0 or 1.2, in the place of units'),
    activate: z.boolean().default(false).describe('Whether the templates become active'),
  })
  .meta({
    id: 'NewTranslations',
    description: 'Translated texts of templates',
    examples: [{ to: 'es', units: [{ id: 'CLIENT_WELCOME/subject', target: 'Bienvenido' }] }],
  });

export const translationResult = z
  .object({
    changed: z.int(),
    same: z.int(),
    missing: listOf(z.string()).describe('Texts without a translation: their templates are left as they are'),
    unknown: listOf(z.string()).describe('Units that are no text of a template'),
    stale: listOf(z.string()).describe('Texts that have changed since they were given away'),
    problems: listOf(problemPart),
  })
  .meta({ id: 'TranslationResult' });
