import type { CatalogCommand } from '../catalog/apply.ts';
import { DEFAULT_LOCALE } from '../catalog/locale.ts';
import { requireApiSource } from '../catalog/stored/template-source.ts';
import type { ProblemPart } from '../errors.ts';
import { TidingsError } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { insertActivations, listActivations } from '../store/templates/activations.ts';
import { loadVersion, setArchived, type TemplateRow, type VersionRow } from '../store/templates/templates.ts';
import { activateVersions, changeActiveCatalog, findActiveVersion, type NextVersion } from './activate.ts';
import { loadNewest } from './edit.ts';

/** The result of an activation. */
export interface ActivationResult {
  /** The version that is active. */
  readonly version: number;
  /** The one before; null: none was. */
  readonly from: number | null;
  readonly problems: readonly ProblemPart[];
}

/**
 * Makes a version of a template the active one.
 * @param version undefined: the newest
 * @throws TidingsError `managed_by_files`, `invalid_template`, `not_found`, `outdated`
 */
export async function activateTemplate(
  command: CatalogCommand,
  row: TemplateRow,
  version: number | undefined,
): Promise<ActivationResult> {
  const { pool, tenantId } = command;
  await requireApiSource(pool, tenantId);
  const from = await loadActive(command, row);
  const chosen = version === undefined ? await loadNewest(pool, tenantId, row.id) : undefined;
  const wanted = version ?? chosen?.version ?? 1;
  return change(command, row, wanted, from, from !== null && wanted < from ? 'rolled_back' : 'activated');
}

/**
 * Makes an earlier version of a template the active one again.
 * @param version undefined: the one that was active before
 * @throws TidingsError as `activateTemplate`
 */
export async function rollBackTemplate(
  command: CatalogCommand,
  row: TemplateRow,
  version: number | undefined,
): Promise<ActivationResult> {
  const { pool, tenantId } = command;
  await requireApiSource(pool, tenantId);
  const from = await loadActive(command, row);
  const history = version === undefined ? await listActivations(pool, tenantId, row.id) : [];
  const wanted = version ?? history.find((one) => one.version !== null && one.version !== from)?.version ?? undefined;
  if (wanted === undefined) throw new TidingsError('not_found', 'No other version of this template was active before.');
  const found = await loadVersion(pool, tenantId, row.id, wanted);
  if (found?.activatedAt === null) {
    throw new TidingsError(
      'template_in_use',
      `Version ${wanted} is a draft and was never active; activate it instead.`,
    );
  }
  return change(command, row, wanted, from, 'rolled_back');
}

async function change(
  command: CatalogCommand,
  row: TemplateRow,
  version: number,
  from: number | null,
  kind: NextVersion['kind'],
): Promise<ActivationResult> {
  if (from === version) return { version, from, problems: [] };
  const { pool, tenantId } = command;
  const { warnings } = await activateVersions(command, async () => {
    const found: VersionRow | undefined = await loadVersion(pool, tenantId, row.id, version);
    if (!found) throw new TidingsError('not_found', `The template has no version ${version}.`);
    return [{ row, version: found, kind }];
  });
  return { version, from, problems: warnings };
}

async function loadActive({ catalogs, tenantId }: CatalogCommand, row: TemplateRow): Promise<number | null> {
  const { data } = await catalogs.refresh(tenantId);
  return findActiveVersion(data, row.id);
}

/**
 * Takes a template out of use. Messages of its notification then have the template of another locale.
 * @throws TidingsError `managed_by_files`, `template_in_use` if its notification would be left without one, or a test shows it,
 *   `outdated`
 */
export async function archiveTemplate(command: CatalogCommand, row: TemplateRow): Promise<void> {
  const { pool, tenantId, actor, clock } = command;
  await requireApiSource(pool, tenantId);
  const toEntry = (before: number | null) => ({
    tenantId,
    actor,
    action: 'template.archived',
    subject: `template ${row.id}`,
    detail: { name: row.name, locale: row.locale },
    before: { version: before, archived: false },
    after: { version: null, archived: true },
  });
  if ((await loadActive(command, row)) === null) {
    if (row.archivedAt !== null) return;
    return withTransaction(pool, async (connection) => {
      const now = clock();
      await setArchived(connection, tenantId, row.id, now);
      await appendAuditEntry(connection, toEntry(null), now);
    });
  }
  await changeActiveCatalog(command, async (data) => {
    requireUnused(data, row);
    const before = findActiveVersion(data, row.id);
    return {
      data: { ...data, templates: data.templates.filter(({ stored }) => stored?.id !== row.id) },
      result: undefined,
      write: async (connection, catalogVersion) => {
        const now = clock();
        await setArchived(connection, tenantId, row.id, now);
        const archived = { templateId: row.id, kind: 'archived', version: null } as const;
        await insertActivations(connection, tenantId, [archived], catalogVersion, actor, now);
        await appendAuditEntry(connection, toEntry(before), now);
      },
    };
  });
}

/** @throws TidingsError `template_in_use` */
function requireUnused({ notifications, tests = [] }: CatalogData, row: TemplateRow): void {
  const { notificationType, channel, locale, variant } = row;
  const isTested = tests.some((test) => {
    return (
      test.notificationType === notificationType && test.channel === channel && (variant ?? 'default') in test.shares
    );
  });
  if (isTested) {
    throw new TidingsError(
      'template_in_use',
      `A test of variants shows it; end the test of ${notificationType} first.`,
    );
  }
  const isSent = notifications.some(({ name, channels }) => name === notificationType && channels.includes(channel));
  if (variant !== null || locale !== DEFAULT_LOCALE || !isSent || CHANNEL_DESCRIPTORS[channel].fallback) return;
  const message = `${notificationType} is sent by ${channel}, and would have no template in "${DEFAULT_LOCALE}"; activate another one.`;
  throw new TidingsError('template_in_use', message);
}
