import { createHash } from 'node:crypto';
import type pg from 'pg';
import { TidingsError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { NO_TENANT } from '../../model/tenant.ts';
import { applyDirectory } from '../../store/apply-catalog.ts';
import { loadTenantProfile } from '../../store/tenants/tenants.ts';
import type { CatalogCache } from '../cache.ts';
import type { CatalogFiles } from '../catalog-files.ts';
import { loadCatalogFiles } from '../load/load-catalog-files.ts';
import { validateCatalogFiles } from '../load-valid-catalog.ts';
import { loadStoredParts, withStoredTests } from './template-source.ts';

/** Times that it is merged again because the catalog was changed meanwhile. */
const MAX_ATTEMPTS = 8;

/**
 * Applies the catalog directory, with the active templates of the API if those of the tenant are made there.
 *
 * @throws CatalogError with every error and its place; TidingsError `outdated` if the catalog was changed each time
 */
export async function applyCatalogDirectory(
  { pool, catalogs, tenantId }: { readonly pool: pg.Pool; readonly catalogs: CatalogCache; readonly tenantId: string },
  dir: string,
  now: Millis,
): ReturnType<typeof applyDirectory> {
  const files = await loadCatalogFiles(dir);
  for (let attempt = 1; ; attempt++) {
    const stored = await loadStoredParts(pool, tenantId, catalogs);
    const tenant = (await loadTenantProfile(pool, tenantId)) ?? NO_TENANT;
    const isUnlinked = await catalogs.isUnlinked(tenantId);
    const data = withStoredTests(await validateCatalogFiles(files, stored?.templates, tenant, isUnlinked), stored);
    const merged = stored && { hash: hashFiles(files), from: stored.version };
    try {
      const applied = await applyDirectory(pool, tenantId, data, now, merged, files);
      await catalogs.refresh(tenantId);
      return applied;
    } catch (error) {
      const isOutdated = error instanceof TidingsError && error.code === 'outdated';
      if (!isOutdated || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

function hashFiles(files: CatalogFiles): string {
  return createHash('sha256')
    .update(JSON.stringify([...files]))
    .digest('hex');
}
