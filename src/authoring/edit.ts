import type { CatalogCommand } from '../catalog/apply.ts';
import { requireApiSource } from '../catalog/stored/template-source.ts';
import { type ProblemPart, TidingsError, toOutdated } from '../errors.ts';
import type { TemplateParts, Variables } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import type { Connection } from '../store/pg/pool.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import {
  countTemplates,
  deleteTemplate,
  deleteVersion,
  findTemplateByName,
  insertTemplate,
  insertVersion,
  listVersions,
  loadTemplateRow,
  lockTemplate,
  type TemplateRow,
  updateDraft,
  type VersionContent,
  type VersionRow,
} from '../store/templates/templates.ts';
import { checkStoredTemplates } from './check-templates.ts';

/** Templates of a tenant, at most. */
export const MAX_TEMPLATES = 5000;

/** A template as a request describes it. */
export interface NewTemplate {
  /** The same for a repetition of the request. */
  readonly id: string;
  readonly name: string;
  readonly notificationType: string;
  readonly channel: Channel;
  /** Undefined: that of the type, whatever it is. */
  readonly category: string | undefined;
  readonly locale: string;
  readonly variant: string | null;
  readonly parts: TemplateParts;
  readonly variables: Variables | null;
}

/** A template that was changed, with what is weak in it. */
export interface EditedTemplate {
  readonly row: TemplateRow;
  readonly version: VersionRow;
  readonly problems: readonly ProblemPart[];
}

/**
 * Makes a template, whose first version is a draft.
 * @throws TidingsError `managed_by_files`, `invalid_template`, `category_mismatch`, `template_exists`, `too_many_templates`
 */
export async function createTemplate(command: CatalogCommand, posted: NewTemplate): Promise<EditedTemplate> {
  await requireApiSource(command.pool, command.tenantId);
  const { data } = await command.catalogs.refresh(command.tenantId);
  const { category: _, ...place } = posted;
  const row = { ...place, originId: null };
  const { warnings } = await checkStoredTemplates(data, [{ ...row, version: 1 }]);
  const { category } = data.notifications.find(({ name }) => name === posted.notificationType) ?? {};
  if (posted.category !== undefined && posted.category !== category) {
    const message = `${posted.notificationType} is ${category}: the catalog says so, and a template cannot change it.`;
    throw new TidingsError('category_mismatch', message, { pointer: '/category' });
  }
  return insert(command, row, posted, warnings, 'template.created');
}

/**
 * Makes a template that is another one in a second locale; its first version is a draft.
 * @throws as `createTemplate`
 */
export async function createLocalization(
  command: CatalogCommand,
  origin: TemplateRow,
  posted: VersionContent & Pick<NewTemplate, 'id' | 'locale'>,
): Promise<EditedTemplate> {
  await requireApiSource(command.pool, command.tenantId);
  const { data } = await command.catalogs.refresh(command.tenantId);
  const { id, locale, parts, variables } = posted;
  const { name, notificationType, channel, variant } = origin;
  const row = { id, name, notificationType, channel, variant, locale, originId: origin.originId ?? origin.id };
  const content = { parts, variables };
  const { warnings } = await checkStoredTemplates(data, [{ ...row, ...content, version: 1 }]);
  return insert(command, row, content, warnings, 'template.localized');
}

function insert(
  { pool, tenantId, actor, clock }: CatalogCommand,
  place: Omit<TemplateRow, 'archivedAt' | 'createdAt'>,
  content: VersionContent,
  problems: readonly ProblemPart[],
  action: string,
): Promise<EditedTemplate> {
  return withTransaction(pool, async (connection) => {
    const now = clock();
    if ((await countTemplates(connection, tenantId)) >= MAX_TEMPLATES) throw toTooMany();
    const { id, name, notificationType: type, channel, locale, variant, originId } = place;
    const made = await loadTemplateRow(connection, tenantId, id);
    if (made) return { row: made, version: await loadNewest(connection, tenantId, id), problems };
    await requireSamePlace(connection, tenantId, place);
    const row = {
      id,
      name,
      notificationType: type,
      channel,
      locale,
      variant,
      originId,
      archivedAt: null,
      createdAt: now,
    };
    if (!(await insertTemplate(connection, tenantId, row))) throw toExists(name, locale);
    await insertVersion(connection, tenantId, id, 1, content, actor, now);
    const after = { name, type, channel, locale, variant, version: 1 };
    await appendAuditEntry(
      connection,
      { tenantId, actor, action, subject: `template ${id}`, detail: {}, before: null, after },
      now,
    );
    return { row, version: await loadNewest(connection, tenantId, id), problems };
  });
}

/** A name is that of one template, in its locales. */
async function requireSamePlace(
  connection: Connection,
  tenantId: string,
  { name, notificationType, channel, variant }: Pick<TemplateRow, 'name' | 'notificationType' | 'channel' | 'variant'>,
): Promise<void> {
  const other = await findTemplateByName(connection, tenantId, name, undefined);
  if (!other) return;
  if (other.notificationType === notificationType && other.channel === channel && other.variant === variant) return;
  const message = `${JSON.stringify(name)} is a template of ${other.notificationType} by ${other.channel}; choose another name.`;
  throw new TidingsError('template_exists', message, { pointer: '/name' });
}

function toExists(name: string, locale: string): TidingsError {
  const message = `There is a template ${JSON.stringify(name)} in "${locale}"; change that, or choose another name.`;
  return new TidingsError('template_exists', message, { pointer: '/name' });
}

/** A change of the contents of a template: parts that are null are removed, and absent ones stay. */
export interface ContentChange {
  readonly parts: { readonly [part: string]: string | null };
  /** Undefined: they stay. */
  readonly variables: Variables | null | undefined;
}

/**
 * Changes the draft of a template; without one, makes one from its newest version.
 * @param expected revision of the newest version, as the caller knows it; undefined: any
 * @throws TidingsError `managed_by_files`, `invalid_template`, `outdated`, `not_found` if it was deleted meanwhile
 */
export async function updateTemplate(
  command: CatalogCommand,
  row: TemplateRow,
  { parts, variables }: ContentChange,
  expected: number | undefined,
): Promise<EditedTemplate> {
  const { pool, catalogs, tenantId, actor, clock } = command;
  await requireApiSource(pool, tenantId);
  const { data } = await catalogs.refresh(tenantId);
  const before = await loadNewest(pool, tenantId, row.id);
  if (expected !== undefined && expected !== before.revision) throw toOutdated(before.revision);
  const merged = Object.entries({ ...before.parts, ...parts }).filter((entry): entry is [string, string] => {
    return entry[1] !== null;
  });
  const content = {
    parts: Object.fromEntries(merged),
    variables: variables === undefined ? before.variables : variables,
  };
  const version = before.activatedAt === null ? before.version : before.version + 1;
  const { warnings } = await checkStoredTemplates(data, [{ ...row, ...content, version }]);
  return withTransaction(pool, async (connection) => {
    const now = clock();
    if (!(await lockTemplate(connection, tenantId, row.id))) throw toGone();
    const newest = await loadNewest(connection, tenantId, row.id);
    const isSame = newest.version === before.version && newest.revision === before.revision;
    if (!isSame || newest.activatedAt !== before.activatedAt) throw toOutdated(newest.revision);
    if (version === before.version) await updateDraft(connection, tenantId, row.id, version, content, now);
    else await insertVersion(connection, tenantId, row.id, version, content, actor, now);
    const detail = { name: row.name, locale: row.locale };
    const changed = {
      tenantId,
      actor,
      action: 'template.changed',
      subject: `template ${row.id}`,
      detail,
      before: { version: before.version, revision: before.revision },
      after: { version, parts: Object.keys(content.parts).sort() },
    };
    await appendAuditEntry(connection, changed, now);
    return { row, version: await loadNewest(connection, tenantId, row.id), problems: warnings };
  });
}

/**
 * Deletes the draft of a template, and the template itself if it has no other version.
 * @throws TidingsError `managed_by_files`, `template_in_use` if its newest version is no draft, `outdated`
 */
export async function deleteDraft(
  { pool, tenantId, actor, clock }: CatalogCommand,
  row: TemplateRow,
  expected: number | undefined,
): Promise<{ readonly version: number; readonly isGone: boolean }> {
  await requireApiSource(pool, tenantId);
  return withTransaction(pool, async (connection) => {
    if (!(await lockTemplate(connection, tenantId, row.id))) throw toGone();
    const newest = await loadNewest(connection, tenantId, row.id);
    if (expected !== undefined && expected !== newest.revision) throw toOutdated(newest.revision);
    if (newest.activatedAt !== null) {
      const message = `Version ${newest.version} was active, and is kept: messages name it. Archive the template instead.`;
      throw new TidingsError('template_in_use', message);
    }
    const isGone = newest.version === 1;
    if (isGone) await deleteTemplate(connection, tenantId, row.id);
    else await deleteVersion(connection, tenantId, row.id, newest.version);
    const deleted = {
      tenantId,
      actor,
      action: 'template.deleted',
      subject: `template ${row.id}`,
      detail: { name: row.name, locale: row.locale },
      before: { version: newest.version },
      after: null,
    };
    await appendAuditEntry(connection, deleted, clock());
    return { version: newest.version, isGone };
  });
}

/** @throws TidingsError `not_found` if it was deleted */
export async function loadNewest(connection: Connection, tenantId: string, id: string): Promise<VersionRow> {
  const [newest] = await listVersions(connection, tenantId, id, 1);
  if (!newest) throw toGone();
  return newest;
}

export function toGone(): TidingsError {
  return new TidingsError('not_found', 'This tenant has no such template.');
}

export function toTooMany(): TidingsError {
  return new TidingsError('too_many_templates', `A tenant has at most ${MAX_TEMPLATES} templates; delete one first.`);
}
