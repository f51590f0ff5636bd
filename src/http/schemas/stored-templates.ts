import { z } from 'zod';
import { findDefaultProblem, isVariableName, MAX_DECLARED } from '../../authoring/declared-variables.ts';
import { TEMPLATE_STATES, type TemplateSummary, type TemplateVersionView } from '../../authoring/views.ts';
import { FILE_PARTS, VARIANT_NAME } from '../../catalog/parse/template-files.ts';
import { canonicalizeLocale } from '../../lib/text/locale.ts';
import { CATEGORIES, VARIABLE_TYPES, type Variable, type Variables } from '../../model/catalog.ts';
import { CHANNELS } from '../../model/delivery.ts';
import type { Json } from '../../model/event.ts';
import { variable } from './catalog.ts';
import {
  cursorQuery,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  problemPart,
  storable,
  storedObject,
  timestamp,
} from './common.ts';

/* Templates that are made over the API. */

const MAX_VERSION = 2_147_483_647;
/** A longer part is no template. */
const MAX_PART_CHARS = 262_144;

export const localeTag = z
  .string()
  .max(100)
  .refine(
    (text) => canonicalizeLocale(text) === text,
    'write a language tag in its usual spelling, such as es or pt-BR',
  )
  .meta({ examples: ['es'] });

const name = storable(z.string().trim().min(1, 'has no characters').max(200))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names have no such character
  .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), 'has a control character')
  .meta({ examples: ['CLIENT_WELCOME'] });

const partText = storable(z.string().max(MAX_PART_CHARS));
const structuredPart = z.union([partText, storedObject, z.array(z.unknown()).max(1000)]);

const parts = z.partialRecord(z.enum(FILE_PARTS), structuredPart).meta({
  description: 'Sources by part; parts with a structure are YAML, or JSON',
  examples: [{ subject: 'Welcome, {{user_name}}', text: 'Hello {{user_name}}!' }],
});

const changedParts = z
  .partialRecord(z.enum(FILE_PARTS), structuredPart.nullable())
  .meta({ description: 'Those that are absent stay, and null removes one', examples: [{ subject: 'Welcome!' }] });

/** Returns the sources as text: a structure is JSON, which is YAML as well. */
export function toTexts(given: z.infer<typeof parts>): { readonly [part: string]: string } {
  const texts = Object.entries(given).map(([part, value]) => {
    return [part, typeof value === 'string' ? value : JSON.stringify(value, null, 2)] as const;
  });
  return Object.fromEntries(texts);
}

/** As `toTexts`; null removes a part. */
export function toChangedTexts(given: z.infer<typeof changedParts>): { readonly [part: string]: string | null } {
  const entries = Object.entries(given);
  const kept = entries.filter(([, value]) => value !== null);
  const removed = entries.filter(([, value]) => value === null).map(([part]) => [part, null] as const);
  return { ...toTexts(Object.fromEntries(kept) as z.infer<typeof parts>), ...Object.fromEntries(removed) };
}

const declaredVariable = z.strictObject({
  description: storable(z.string().max(500)).optional(),
  type: z.enum(VARIABLE_TYPES).optional(),
  required: z.boolean().optional(),
  default: z.unknown().optional(),
});

const VARIABLE_HINT = 'write letters, digits and _, at most 64, and no name that templates have already';
const variableName = z.string().refine(isVariableName, VARIABLE_HINT);

const declarations = z
  .union([z.array(variableName).max(MAX_DECLARED), z.record(variableName, declaredVariable)])
  .refine((given) => Object.keys(given).length <= MAX_DECLARED, `has more than ${MAX_DECLARED} variables`)
  .superRefine((given, context) => {
    if (Array.isArray(given)) return;
    for (const [name, { type, required, default: standard }] of Object.entries(given)) {
      const problem = findDefaultProblem({ ...(type && { type }) }, required ?? false, standard as Json | undefined);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: [name, 'default'] });
    }
  })
  .meta({
    description: 'Variables that it declares beside those of its notification: names, or declarations by name',
    examples: [{ orderNumber: { type: 'string', required: true } }],
  });

/** Returns posted declarations as they are stored; a list has names alone. */
export function toVariables(given: z.infer<typeof declarations>): Variables {
  if (Array.isArray(given)) return Object.fromEntries(given.map((one) => [one, {}]));
  const entries = Object.entries(given).map(([name, { description, type, required, default: standard }]) => {
    const declared: Variable = {
      ...(description === undefined ? {} : { description }),
      ...(type === undefined ? {} : { type }),
      ...(required ? { required: true as const } : {}),
      ...(standard === undefined ? {} : { default: standard as Json }),
    };
    return [name, declared] as const;
  });
  return Object.fromEntries(entries);
}

export const templateParams = z.object({
  id: pathText.meta({
    description: 'Its id; or NAME, NAME.LOCALE, NAME_V2',
    examples: ['CLIENT_WELCOME_V1'],
  }),
});

export const newTemplate = z
  .strictObject({
    name,
    type: pathText.meta({ description: 'A notification of the catalog', examples: ['WELCOME_EMAIL'] }),
    channel: z.enum(CHANNELS).meta({ examples: ['email'] }),
    category: z.enum(CATEGORIES).optional().describe('If given, it must be that of the type'),
    locale: localeTag.default('en'),
    variant: z
      .string()
      .regex(VARIANT_NAME, 'write letters, digits, - and _, at most 40, and not "default"')
      .optional()
      .describe('Only users of a test are shown it; absent: all others'),
    parts,
    variables: declarations.optional(),
  })
  .meta({
    id: 'NewTemplate',
    description: 'A template to be made',
    examples: [
      {
        name: 'CLIENT_WELCOME',
        type: 'WELCOME_EMAIL',
        channel: 'email',
        locale: 'en',
        parts: { subject: 'Welcome, {{user_name}}', text: 'Hello {{user_name}}!' },
      },
    ],
  });

export const templateChange = z
  .strictObject({ parts: changedParts.optional(), variables: declarations.nullish() })
  .meta({
    id: 'TemplateChange',
    description: 'A change of the draft; what is absent stays',
    examples: [{ parts: { subject: 'Welcome!' } }],
  });

export const newLocalization = z
  .strictObject({ locale: localeTag, parts, variables: declarations.optional() })
  .meta({ id: 'NewLocalization', examples: [{ locale: 'es', parts: { subject: 'Bienvenido', text: 'Hola' } }] });

const versionNumber = z.int().min(1).max(MAX_VERSION);

export const versionChoice = z
  .strictObject({ version: versionNumber.optional() })
  .default({})
  .meta({ id: 'TemplateVersionChoice', description: 'A version of a template', examples: [{ version: 1 }] });

export const templateQuery = z.strictObject({
  type: pathText.optional(),
  channel: z.enum(CHANNELS).optional(),
  locale: localeTag.optional(),
  limit: limitQuery,
  after: cursorQuery,
});

const summaryFields = {
  template_id: z.string().meta({ examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] }),
  name: z.string().meta({ examples: ['CLIENT_WELCOME'] }),
  type: z.string(),
  channel: z.enum(CHANNELS),
  category: z.string().nullable().describe('Null: the catalog no longer has the type'),
  locale: z.string(),
  variant: z.string().nullable(),
  origin_id: z.string().nullable().describe('The template that it translates'),
  state: z.enum(TEMPLATE_STATES),
  active_version: z.int().nullable(),
  newest_version: z.int(),
  created_at: timestamp,
  updated_at: timestamp,
};

const summary = z
  .object(summaryFields)
  .meta({ id: 'TemplateSummary', description: 'A template, without its sources' }) satisfies z.ZodType<TemplateSummary>;

const versionFields = {
  version: z.int(),
  state: z.enum(TEMPLATE_STATES).describe('archived: it was active'),
  parts: z.record(z.string(), z.string()),
  variables: z.record(z.string(), variable),
  revision: z.int().describe('Grows with each change of the draft; send it as If-Match'),
  created_by: z.string(),
  created_at: timestamp,
  updated_at: timestamp,
  activated_at: timestamp.nullable().describe('The first time; null: it is a draft'),
};

const templateVersion = z
  .object(versionFields)
  .meta({ id: 'TemplateVersion' }) as unknown as z.ZodType<TemplateVersionView>;

const version = z.object(versionFields) as unknown as z.ZodType<TemplateVersionView>;

export const template = z
  .object({ ...summaryFields, content: version.describe('The version that was asked for, or the newest') })
  .meta({ id: 'StoredTemplate', description: 'A template that was made over the API' });

export const editedTemplate = z
  .object({
    ...summaryFields,
    content: version,
    problems: listOf(problemPart).describe('Warnings, as tidings check gives them'),
  })
  .meta({ id: 'EditedTemplate', description: 'A template after a change' });

export const templatePage = z.object({ templates: listOf(summary), next: nextCursor }).meta({ id: 'TemplatePage' });

export const versionQuery = z.strictObject({ limit: limitQuery, after: cursorQuery });

export const versionPage = z
  .object({
    versions: listOf(templateVersion),
    activations: listOf(
      z.object({
        kind: z.enum(['activated', 'rolled_back', 'archived']),
        version: z.int().nullable(),
        catalog_version: z.int(),
        by: z.string(),
        at: timestamp,
      }),
    ).describe('The latest 100, newest first'),
    next: nextCursor,
  })
  .meta({
    id: 'TemplateVersionPage',
    description: 'Versions of a template, newest first, and when each became active',
  });

export const activation = z
  .object({
    template_id: z.string(),
    version: z.int().describe('The version that is active'),
    from: z.int().nullable().describe('The one before; null: none was active'),
    problems: listOf(problemPart),
  })
  .meta({ id: 'TemplateActivation' });

export const deletedDraft = z
  .object({ template_id: z.string(), version: z.int(), is_gone: z.boolean().describe('It was the only version') })
  .meta({ id: 'DeletedDraft' });
