import { isDeepStrictEqual } from 'node:util';
import type { CatalogCommand } from '../catalog/apply.ts';
import type { CatalogFiles } from '../catalog/catalog-files.ts';
import { toInvalidFindings } from '../catalog/lint/findings.ts';
import { DEFAULT_LOCALE } from '../catalog/locale.ts';
import { isPieceFile } from '../catalog/parse/pieces.ts';
import { parseFileName } from '../catalog/parse/template-files.ts';
import { Problems } from '../catalog/problems.ts';
import { type StoredSource, toPath } from '../catalog/stored/stored-files.ts';
import { requireApiSource } from '../catalog/stored/template-source.ts';
import { CatalogError, type ProblemPart, TidingsError } from '../errors.ts';
import { freshId } from '../lib/fresh-id.ts';
import { groupBy } from '../lib/group-by.ts';
import { toJsonPointer } from '../lib/text/json-pointer.ts';
import type { CatalogData } from '../model/catalog.ts';
import { getTemplateType } from '../model/frequency.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import type { Connection } from '../store/pg/pool.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import {
  countTemplates,
  findTemplateByName,
  insertTemplate,
  insertVersion,
  listVersions,
  loadTemplateRow,
  loadVersion,
  lockTemplate,
  type TemplateRow,
  updateDraft,
  type VersionContent,
} from '../store/templates/templates.ts';
import { HOSTED_PART } from '../templates/template.ts';
import { activateVersions, findActiveVersion } from './activate.ts';
import { checkStoredTemplates } from './check-templates.ts';
import { MAX_TEMPLATES, toTooMany } from './edit.ts';

/** A template of the API and what is to be in it. */
export type NewContent = Pick<TemplateRow, 'name' | 'notificationType' | 'channel' | 'locale' | 'variant'> &
  VersionContent;

export interface SeedResult {
  /** Templates that were made or changed. */
  readonly changed: number;
  /** Templates that were as they are already. */
  readonly same: number;
  readonly problems: readonly ProblemPart[];
}

/**
 * Makes templates of the API of the template files of a catalog, and activates all of them with one catalog version. A template that is
 * there already gets a new version, if its content is another. Layouts, partials and templates for digests are left out: they belong to
 * the catalog.
 *
 * @throws TidingsError `managed_by_files`, `invalid_template`, `outdated`
 */
export async function seedTemplates(command: CatalogCommand, files: CatalogFiles): Promise<SeedResult> {
  await requireApiSource(command.pool, command.tenantId);
  const { data } = await command.catalogs.refresh(command.tenantId);
  const contents = readFiles(data, files);
  return putTemplates(command, contents, true, (source, member) => {
    const part = member.startsWith('parts/') ? member.slice('parts/'.length) : undefined;
    const path = Object.keys(source.parts).find((one) => one === part) ?? Object.keys(source.parts)[0] ?? 'text';
    return toJsonPointer(['files', toPath(source, path as Parameters<typeof toPath>[1])]);
  });
}

/** @throws TidingsError `invalid_template` for a file whose name says nothing of a template */
function readFiles(data: CatalogData, files: CatalogFiles): readonly NewContent[] {
  const problems = new Problems();
  const isHosted = (type: string, channel: string) =>
    data.templates.some((one) => one.notificationType === type && one.channel === channel && HOSTED_PART in one.parts);
  const parsed = [...files]
    .filter(([path]) => path.startsWith('templates/') && !isPieceFile(path))
    .map(([path, text]) => parseFileName(path, text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n'), problems, isHosted))
    .filter((file) => file !== undefined)
    .filter(({ type }) => getTemplateType(type) === type);
  try {
    problems.throwIfAny();
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    const errors = toInvalidFindings(error.problems).map((one) => ({
      pointer: toJsonPointer(['files', one.file]),
      ...one,
    }));
    throw new TidingsError('invalid_template', `Nothing was changed: ${errors[0]?.message}.`, { errors });
  }
  const groups = groupBy(parsed, ({ type, channel, locale, variant }) => [type, channel, locale, variant].join('\n'));
  return [...groups.values()].map((group): NewContent => {
    const { type, channel, locale, variant = null } = group[0]!;
    const channels = data.notifications.find(({ name }) => name === type)?.channels ?? [];
    const base = channels.length > 1 ? `${type}_${channel.toUpperCase()}` : type;
    const name = variant === null ? base : `${base}@${variant}`;
    const parts = Object.fromEntries(group.map(({ part, text }) => [part, text]));
    return { name, notificationType: type, channel, locale, variant, parts, variables: null };
  });
}

/**
 * Gives templates contents: makes those that do not exist, and versions of the others. All or none of them.
 *
 * @param activate whether they become active, with one catalog version
 * @throws TidingsError `invalid_template`, `template_exists`, `too_many_templates` counting all contents as new ones, `outdated`
 */
export async function putTemplates(
  command: CatalogCommand,
  contents: readonly NewContent[],
  activate: boolean,
  toPointer?: (source: StoredSource, member: string) => string,
): Promise<SeedResult> {
  const { pool, catalogs, tenantId } = command;
  if (contents.length === 0) return { changed: 0, same: 0, problems: [] };
  const { data } = await catalogs.refresh(tenantId);
  const sources = contents.map((one, i) => ({ ...one, id: `posted ${i}`, version: 1 }));
  const { warnings } = await checkStoredTemplates(data, sources, toPointer);
  const put = await withTransaction(pool, async (connection) => {
    if ((await countTemplates(connection, tenantId)) + contents.length > MAX_TEMPLATES) throw toTooMany();
    const found = [];
    // The default locale first: other locales translate it.
    for (const content of contents.toSorted((a, b) => rank(a) - rank(b))) {
      found.push(await putContent(connection, command, content));
    }
    return found;
  });
  const inactive = put.filter(({ id, version }) => findActiveVersion(data, id) !== version);
  if (activate && inactive.length > 0) {
    await activateVersions(
      command,
      async () => {
        const next = [];
        for (const { id, version } of inactive) {
          const row = await loadTemplateRow(pool, tenantId, id);
          const found = await loadVersion(pool, tenantId, id, version);
          if (!row || !found) throw new TidingsError('outdated', 'A template was deleted at the same time; try again.');
          next.push({ row, version: found, kind: 'activated' as const });
        }
        return next;
      },
      toPointer,
    );
  }
  const changed = put.filter(({ isNew }) => isNew).length;
  return { changed, same: put.length - changed, problems: warnings };
}

function rank({ locale }: NewContent): number {
  return locale === DEFAULT_LOCALE ? 0 : 1;
}

/** Returns the version that has the content, which is made unless it exists. */
async function putContent(
  connection: Connection,
  { tenantId, actor, clock }: CatalogCommand,
  { name, notificationType, channel, locale, variant, ...content }: NewContent,
): Promise<{ readonly id: string; readonly version: number; readonly isNew: boolean }> {
  const now = clock();
  const origin = await findTemplateByName(connection, tenantId, name, undefined);
  const isOther =
    origin?.notificationType !== notificationType || origin.channel !== channel || origin.variant !== variant;
  if (origin && isOther) {
    throw new TidingsError('template_exists', `${JSON.stringify(name)} is a template of ${origin.notificationType}.`);
  }
  const known = await findTemplateByName(connection, tenantId, name, locale);
  const write = async (id: string, version: number, action: string) => {
    const detail = { name, type: notificationType, channel, locale, variant };
    const entry = { tenantId, actor, action, subject: `template ${id}`, detail, before: null, after: { version } };
    await appendAuditEntry(connection, entry, now);
    return { id, version, isNew: true };
  };
  if (!known) {
    const id = freshId();
    const row = { id, name, notificationType, channel, locale, variant, originId: origin?.id ?? null, createdAt: now };
    await insertTemplate(connection, tenantId, row);
    await insertVersion(connection, tenantId, id, 1, content, actor, now);
    return write(id, 1, 'template.created');
  }
  await lockTemplate(connection, tenantId, known.id);
  const [newest] = await listVersions(connection, tenantId, known.id, 1);
  if (!newest) throw new TidingsError('outdated', 'A template was deleted at the same time; try again.');
  const variables = content.variables ?? newest.variables;
  if (isDeepStrictEqual(newest.parts, content.parts) && isDeepStrictEqual(newest.variables, variables)) {
    return { id: known.id, version: newest.version, isNew: false };
  }
  const next = { parts: content.parts, variables };
  if (newest.activatedAt === null) {
    await updateDraft(connection, tenantId, known.id, newest.version, next, now);
    return write(known.id, newest.version, 'template.changed');
  }
  await insertVersion(connection, tenantId, known.id, newest.version + 1, next, actor, now);
  return write(known.id, newest.version + 1, 'template.changed');
}
