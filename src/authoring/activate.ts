import type { CatalogCommand } from '../catalog/apply.ts';
import {
  ADDRESS_HINT,
  describeMissingAddress,
  describeMissingUrl,
  hasPostalAddress,
  isMarketingEmail,
  URL_HINT,
} from '../catalog/lint/marketing-footer.ts';
import { describeUnfilled, findUnfilledVariables } from '../catalog/lint/unfilled-variables.ts';
import { sortKey } from '../catalog/parse/stored-template.ts';
import type { StoredSource } from '../catalog/stored/stored-files.ts';
import { TidingsError } from '../errors.ts';
import type { CatalogData, Template, TemplateTest } from '../model/catalog.ts';
import { NO_TENANT, type TenantProfile } from '../model/tenant.ts';
import { applyCatalog } from '../store/apply-catalog.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import type { Connection } from '../store/pg/pool.ts';
import { type Activation, insertActivations, sealVersions } from '../store/templates/activations.ts';
import { setArchived, type TemplateRow, type VersionRow } from '../store/templates/templates.ts';
import { loadTenantProfile } from '../store/tenants/tenants.ts';
import { type CheckedTemplates, checkStoredTemplates } from './check-templates.ts';

/** Times that a change is made again because another one of the catalog came first. */
const MAX_ATTEMPTS = 8;

/** A change of the active catalog, and what is written with it. */
interface CatalogChange {
  /** Undefined: nothing changes, and nothing is written. */
  readonly data: CatalogData | undefined;
  /** Runs in the transaction that applies the data. @throws TidingsError `outdated`: the change is made again */
  readonly write: (connection: Connection, catalogVersion: number) => Promise<void>;
}

/**
 * Changes the templates or tests of the active catalog, by a catalog version of its own. It is made again if the catalog was
 * changed meanwhile.
 *
 * @param change returns the new data for those of the active version
 * @throws TidingsError `outdated` if the catalog was changed each time
 */
export async function changeActiveCatalog<T>(
  { pool, catalogs, tenantId, actor, clock }: CatalogCommand,
  change: (data: CatalogData) => Promise<CatalogChange & { readonly result: T }>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const active = await catalogs.refresh(tenantId);
    const { data, write, result } = await change(active.data);
    if (data === undefined) return result;
    try {
      await applyCatalog(pool, tenantId, data, actor, clock(), { expected: active.version, write });
      await catalogs.refresh(tenantId);
      return result;
    } catch (error) {
      const isOutdated = error instanceof TidingsError && error.code === 'outdated';
      if (!isOutdated || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** A version that is to be active. */
export interface NextVersion {
  readonly row: TemplateRow;
  readonly version: VersionRow;
  readonly kind: Exclude<Activation['kind'], 'archived'>;
}

/**
 * Makes versions of templates the active ones of their places, all with one catalog version.
 *
 * @param load returns the versions; called again for each attempt
 * @param toPointer as `checkStoredTemplates` has it
 * @throws TidingsError `invalid_template` if one does not fit the active catalog, and as `changeActiveCatalog`
 */
export function activateVersions(
  command: CatalogCommand,
  load: () => Promise<readonly NextVersion[]>,
  toPointer?: (source: StoredSource, member: string) => string,
): Promise<CheckedTemplates> {
  const { pool, catalogs, tenantId, actor, clock } = command;
  return changeActiveCatalog(command, async (data) => {
    const next = await load();
    const checked = await checkStoredTemplates(data, next.map(toSource), toPointer);
    const active = withTemplates(data, checked.templates);
    requireFilled(active, checked.templates);
    requirePostalAddress(data, checked.templates, (await loadTenantProfile(pool, tenantId)) ?? NO_TENANT);
    if (await catalogs.isUnlinked(tenantId)) rejectMarketing(data, checked.templates);
    return {
      data: active,
      result: checked,
      write: async (connection, catalogVersion) => {
        const now = clock();
        const isSame = await sealVersions(
          connection,
          tenantId,
          next.map(({ version }) => version),
          now,
        );
        if (!isSame) throw new TidingsError('outdated', 'A draft was changed at the same time; activate it again.');
        const activations = next.map(({ row, version, kind }) => ({
          templateId: row.id,
          kind,
          version: version.version,
        }));
        await insertActivations(connection, tenantId, activations, catalogVersion, actor, now);
        for (const { row, version, kind } of next) {
          if (row.archivedAt !== null) await setArchived(connection, tenantId, row.id, null);
          const before = findActiveVersion(data, row.id);
          const entry = {
            tenantId,
            actor,
            action: kind === 'activated' ? 'template.activated' : 'template.rolled_back',
            subject: `template ${row.id}`,
            detail: { name: row.name, locale: row.locale, catalog_version: catalogVersion },
            before: before === null ? null : { version: before },
            after: { version: version.version },
          };
          await appendAuditEntry(connection, entry, now);
        }
      },
    };
  });
}

/** @throws TidingsError `invalid_template` for a template that requires a variable which a rule of its notification does not give */
function requireFilled(data: CatalogData, templates: readonly Template[]): void {
  const types = new Set(templates.map(({ notificationType }) => notificationType));
  const found = findUnfilledVariables(data).filter(({ type }) => types.has(type));
  const errors = found.map((one) => ({ pointer: `/variables/${one.variable}`, ...describeUnfilled(one) }));
  if (errors.length === 0) return;
  throw new TidingsError('invalid_template', `Nothing was changed: ${errors[0]?.message}.`, { errors });
}

/** @throws TidingsError `invalid_template` for a marketing email of a tenant without a postal address */
function requirePostalAddress(data: CatalogData, templates: readonly Template[], tenant: TenantProfile): void {
  const type = data.notifications.find((one) => {
    return templates.some((template) => isMarketingEmail(one, template)) && !hasPostalAddress(data, one, tenant);
  });
  if (!type) return;
  const message = describeMissingAddress(type.name);
  throw new TidingsError('invalid_template', `Nothing was changed: ${message}.`, {
    errors: [{ pointer: '/parts', message, hint: ADDRESS_HINT }],
  });
}

/** @throws TidingsError `invalid_template` for a marketing email of an installation without a URL for its link to unsubscribe */
function rejectMarketing(data: CatalogData, templates: readonly Template[]): void {
  const type = data.notifications.find((one) => templates.some((template) => isMarketingEmail(one, template)));
  if (!type) return;
  const message = describeMissingUrl(type.name);
  throw new TidingsError('invalid_template', `Nothing was changed: ${message}.`, {
    errors: [{ pointer: '/parts', message, hint: URL_HINT }],
  });
}

/** Returns the version of a template that is active; null: none is. */
export function findActiveVersion({ templates }: CatalogData, id: string): number | null {
  return templates.find(({ stored }) => stored?.id === id)?.stored?.version ?? null;
}

function toSource({ row, version }: NextVersion): StoredSource {
  return { ...row, version: version.version, parts: version.parts, variables: version.variables };
}

/** Puts templates in their places, and takes other versions of them out of any other place. */
export function withTemplates(data: CatalogData, templates: readonly Template[]): CatalogData {
  const places = new Set(templates.map(sortKey));
  const ids = new Set(templates.map(({ stored }) => stored?.id));
  const others = data.templates.filter((one) => !places.has(sortKey(one)) && !(one.stored && ids.has(one.stored.id)));
  return {
    ...data,
    templates: [...others, ...templates].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)),
  };
}

/** Returns the data with these tests. */
export function withTests({ tests: _, ...data }: CatalogData, tests: readonly TemplateTest[]): CatalogData {
  return tests.length === 0 ? data : { ...data, tests };
}
