import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { rejectTopic } from '../kafka/allowed-topics.ts';
import type { KafkaSettings } from '../model/kafka.ts';
import type { MessageSource } from '../model/source.ts';
import { loadPausedSources } from '../store/kafka-offsets.ts';
import { loadTenantState } from '../store/tenants/tenant-state.ts';

/** A source that is read. */
export interface Reader {
  /** The tenant whose catalog has it. */
  readonly tenantId: string;
  readonly source: MessageSource;
  readonly isPaused: boolean;
}

/** Returns the tenants whose sources may be read: that of the installation first. */
export function listReaderTenants(settings: Pick<KafkaSettings, 'allowed'>, ownTenant: string): string[] {
  return [...new Set([ownTenant, ...settings.allowed.map(({ tenantId }) => tenantId)])];
}

/**
 * Returns why a source may not be read; undefined: it may. A tenant other than that of the installation reads only topics that the
 * operator allows it, which then no other tenant reads, and never messages of others.
 */
export function rejectSource(
  settings: Pick<KafkaSettings, 'allowed'>,
  ownTenant: string,
  tenantId: string,
  { topic, tenant }: Pick<MessageSource, 'topic' | 'tenant'>,
): string | undefined {
  const cause = rejectTopic(settings, ownTenant, tenantId, topic);
  if (cause !== undefined) return cause;
  if (tenantId !== ownTenant && tenant !== undefined)
    return 'only the tenant of the installation reads messages of several tenants';
  return undefined;
}

/** Returns the sources that are read now, by topic: those of active tenants that may read them, from the newest catalogs. */
export async function loadReaders(
  { pool, catalogs }: { readonly pool: pg.Pool; readonly catalogs: CatalogCache },
  settings: KafkaSettings,
  ownTenant: string,
): Promise<Map<string, Reader>> {
  const tenants = listReaderTenants(settings, ownTenant);
  const paused = await loadPausedSources(pool, tenants);
  const readers = new Map<string, Reader>();
  for (const tenantId of tenants) {
    if ((await loadTenantState(pool, tenantId))?.status !== 'active') continue;
    const { sources } = await catalogs.refresh(tenantId);
    for (const { source } of sources) {
      if (readers.has(source.topic) || rejectSource(settings, ownTenant, tenantId, source) !== undefined) continue;
      readers.set(source.topic, { tenantId, source, isPaused: paused.has(`${tenantId}\n${source.name}`) });
    }
  }
  return readers;
}
