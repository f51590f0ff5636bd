import { z } from 'zod';
import type { ApplyResult } from '../../catalog/apply.ts';
import { CHECKS, type CheckCode } from '../../catalog/lint/findings.ts';
import type { RollbackResult, VersionDiff } from '../../catalog/versions.ts';
import { CATEGORIES, VARIABLE_TYPES } from '../../model/catalog.ts';
import { CHANNELS } from '../../model/delivery.ts';
import type { CatalogVersionView } from '../../store/catalogs.ts';
import { cursorQuery, json, jsonObject, limitQuery, listOf, nextCursor, timestamp } from './common.ts';
import { catalogRule } from './rules.ts';

/* Catalogs: the active version, earlier versions and what differs between them. */

const MAX_VERSION = 2_147_483_647;

const VERSION_HINT = 'write the number of a version, such as 1';

const versionNumber = z.coerce
  .number(VERSION_HINT)
  .int(VERSION_HINT)
  .min(0, VERSION_HINT)
  .max(MAX_VERSION, VERSION_HINT)
  .meta({ examples: [1] });

export const catalogQuery = z.strictObject({ version: versionNumber.optional().describe('Absent: the active one') });

export const diffQuery = z.strictObject({
  from: versionNumber.meta({ description: 'Version 0 is empty', examples: [0] }),
  to: versionNumber.optional().meta({ description: 'Absent: the active one', examples: [1] }),
});

export const versionsQuery = z.strictObject({ limit: limitQuery, after: cursorQuery });

export const filesBody = z
  .strictObject({
    files: z
      .record(z.string().min(1).max(512), z.string())
      .describe('Path inside the folder of the catalog, such as events.yaml, to text'),
    dry_run: z.boolean().default(false).describe('Check and compare, and change nothing'),
  })
  .meta({
    id: 'CatalogFiles',
    description: 'The files of a catalog',
    examples: [{ files: { 'events.yaml': 'payment_failed:\n  description: A payment failed\n' }, dry_run: true }],
  });

export const rollbackBody = z
  .strictObject({
    version: z.number(VERSION_HINT).int(VERSION_HINT).min(1, VERSION_HINT).max(MAX_VERSION, VERSION_HINT),
  })
  .meta({ id: 'Rollback', description: 'The version to make active again', examples: [{ version: 1 }] });

export const variable = z
  .object({
    description: z.exactOptional(z.string()),
    type: z.exactOptional(z.enum(VARIABLE_TYPES)).describe('Absent: any value'),
    required: z.exactOptional(z.literal(true)),
    default: z.exactOptional(json),
  })
  .meta({ id: 'TemplateVariable', description: 'A variable that templates name at the top level' });

const notificationType = z
  .object({
    name: z.string(),
    description: z.exactOptional(z.string()),
    category: z.enum(CATEGORIES),
    channels: listOf(z.enum(CHANNELS)),
    locales: listOf(z.object({ locale: z.string(), channels: listOf(z.enum(CHANNELS)) })).describe(
      'Locales that have a template, each with the channels that have one',
    ),
    variables: z.exactOptional(z.record(z.string(), variable)).describe('Variables that a rule or a direct send gives'),
  })
  .meta({ id: 'NotificationType', description: 'A type of notification' });

const eventType = z
  .object({
    name: z.string(),
    description: z.exactOptional(z.string()),
    properties: z.exactOptional(jsonObject).describe('JSON Schema (2020-12); absent: no restriction'),
  })
  .meta({ id: 'EventType', description: 'A type of event' });

export const catalogView = z
  .object({
    version: z.int().meta({ description: '0: no catalog was ever applied', examples: [1] }),
    active: z.boolean(),
    applied_at: timestamp.nullable(),
    events: listOf(eventType),
    notifications: listOf(notificationType),
    groups: listOf(z.object({ name: z.string(), limits: listOf(z.string()) }).meta({ id: 'LimitGroup' })),
    rules: listOf(catalogRule),
  })
  .meta({ id: 'Catalog', description: 'Events, notification types and rules' });

export type CatalogView = z.infer<typeof catalogView>;

const activation = z
  .object({
    kind: z.enum(['applied', 'rolled_back', 'released']),
    at: timestamp,
    by: z.string(),
    from: z.exactOptional(z.int()),
  })
  .meta({ id: 'Activation', description: 'A time at which a version became the active one' });

const catalogVersion = z
  .object({
    version: z.int(),
    active: z.boolean(),
    applied_at: timestamp,
    applied_by: z.string(),
    rules: z.int(),
    notifications: z.int(),
    activations: listOf(activation).describe('Newest first'),
  })
  .meta({ id: 'CatalogVersion', description: 'An applied version' }) satisfies z.ZodType<CatalogVersionView>;

export const versionPage = z
  .object({ versions: listOf(catalogVersion), next: nextCursor })
  .meta({ id: 'CatalogVersionPage', description: 'Applied versions, newest first' });

export const difference = z
  .object({
    part: z.enum([
      'event',
      'traits',
      'mapping',
      'notification',
      'variables',
      'rule',
      'group',
      'segment',
      'template',
      'template_test',
      'route',
      'price',
      'source',
      'sink',
      'connector',
      'preferences',
    ]),
    name: z.string(),
    change: z.enum(['added', 'removed', 'changed']),
    fields: z
      .exactOptional(listOf(z.object({ field: z.string(), from: json, to: json })))
      .describe('Changed fields with both values; null: that version does not have the field'),
  })
  .meta({ id: 'Difference', description: 'A part that differs between two catalogs' });

export const catalogDiff = z
  .object({ from: z.int(), to: z.int(), differences: listOf(difference) })
  .meta({ id: 'CatalogDiff', description: 'What turns one version into another' }) as unknown as z.ZodType<VersionDiff>;

const CODES = ['invalid', ...(Object.keys(CHECKS) as CheckCode[])] as const;

export const finding = z
  .object({
    file: z.string(),
    line: z.int(),
    column: z.int(),
    message: z.string(),
    hint: z.exactOptional(z.string()),
    severity: z.enum(['error', 'warning']),
    code: z.enum(CODES),
  })
  .meta({ id: 'Finding', description: 'A problem of a catalog' });

export const waitingInRule = z
  .object({
    rule: z.string(),
    users: z.int(),
    waits: z.int(),
    at_least: z.boolean().describe('There are more: only those due first were counted'),
  })
  .meta({ id: 'AffectedWaits', description: 'Pending waits in a rule that is changed or removed' });

export const applyResult = z
  .object({
    version: z.int().describe('The version that is active afterwards'),
    changed: z.boolean().describe('Whether a new version was made'),
    problems: listOf(finding).describe('The warnings of the catalog'),
    differences: listOf(difference).describe('From the version that was active'),
    waiting: listOf(waitingInRule).describe('They end by the version in which they started'),
  })
  .meta({ id: 'ApplyResult', description: 'What an applied catalog changed' }) as unknown as z.ZodType<ApplyResult>;

export const rollbackResult = z
  .object({ version: z.int(), from: z.int(), changed: z.boolean().describe('False: it was active already') })
  .meta({ id: 'RollbackResult' }) satisfies z.ZodType<RollbackResult>;
