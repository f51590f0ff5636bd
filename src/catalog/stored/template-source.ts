import type pg from 'pg';
import { TidingsError } from '../../errors.ts';
import type { CatalogData, TemplateTest } from '../../model/catalog.ts';
import { loadVersions } from '../../store/templates/templates.ts';
import { loadTenantProfile } from '../../store/tenants/tenants.ts';
import type { CatalogCache } from '../cache.ts';
import type { StoredTemplate } from '../parse/stored-template.ts';
import { toStoredTemplate } from './stored-files.ts';

/** Parts of a catalog that its files leave to the API. */
export interface StoredParts {
  /** The version that has them. */
  readonly version: number;
  readonly templates: readonly StoredTemplate[];
  readonly tests: readonly TemplateTest[];
}

/** Whether templates of a tenant are made over the API: the setting `template_source`. */
export async function isApiSource(owner: pg.Pool, tenantId: string): Promise<boolean> {
  return (await loadTenantProfile(owner, tenantId))?.settings.template_source === 'api';
}

/** @throws TidingsError `managed_by_files` unless templates of the tenant are made over the API */
export async function requireApiSource(owner: pg.Pool, tenantId: string): Promise<void> {
  if (await isApiSource(owner, tenantId)) return;
  const message =
    'Templates of this tenant are the files of its catalog; change those, or set template_source to "api" in its settings.';
  throw new TidingsError('managed_by_files', message);
}

/** Returns the active templates and tests that stay when files are applied; undefined: the files have all of them. */
export async function loadStoredParts(
  owner: pg.Pool,
  tenantId: string,
  catalogs: CatalogCache,
): Promise<StoredParts | undefined> {
  if (!(await isApiSource(owner, tenantId))) return undefined;
  const { version, data } = await catalogs.refresh(tenantId);
  const versions = data.templates.flatMap(({ stored }) => (stored ? [stored] : []));
  const rows = versions.length === 0 ? [] : await loadVersions(owner, tenantId, versions);
  return { version, templates: rows.map(toStoredTemplate), tests: data.tests ?? [] };
}

/** Adds the tests to the data of files, as far as their types and channels still exist. */
export function withStoredTests(data: CatalogData, stored: StoredParts | undefined): CatalogData {
  const tests = (stored?.tests ?? []).filter(({ notificationType, channel }) =>
    data.notifications.some(({ name, channels }) => name === notificationType && channels.includes(channel)),
  );
  return tests.length === 0 ? data : { ...data, tests };
}
