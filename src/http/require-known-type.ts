import type pg from 'pg';
import type { ActiveCatalogs, CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { SENT_BY_TIDINGS } from '../model/built-in-types.ts';
import { hasRollups } from '../store/metrics/read-rollups.ts';

/**
 * Checks that metrics can have a notification type: it is in an active catalog version, or was counted when it was in an earlier one.
 * @throws TidingsError
 */
export async function requireKnownType(
  pool: pg.Pool,
  catalogs: CatalogCache,
  tenantId: string,
  type: string | undefined,
): Promise<void> {
  if (type === undefined || SENT_BY_TIDINGS.has(type)) return;
  if (listTypes(await catalogs.getActives(tenantId)).includes(type) || (await hasRollups(pool, tenantId, type))) return;
  // Another process may have activated a version.
  const known = listTypes(await catalogs.refreshActives(tenantId));
  if (known.includes(type)) return;
  const near = findNearest(type, known);
  throw new TidingsError(
    'invalid_request',
    `No catalog version has sent the notification type ${JSON.stringify(type)}, and the active one does not have it; ` +
      (near === undefined ? 'write one of the catalog.' : `did you mean ${near}?`),
    { pointer: 'type' },
  );
}

function listTypes({ base, released }: ActiveCatalogs): readonly string[] {
  return [base, ...(released ? [released] : [])].flatMap(({ rules }) => [...rules.notifications.keys()]);
}
