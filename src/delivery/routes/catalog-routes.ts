import { LRUCache } from 'lru-cache';
import type { CatalogCache } from '../../catalog/cache.ts';
import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import type { Policy } from '../../model/preferences.ts';
import type { ClaimedDelivery } from '../../store/deliveries/claimed-delivery.ts';

/** Versions of catalogs of which routes and prices are in memory. */
const MAX_VERSIONS = 10_000;

export type CatalogRoutes = Pick<Catalog, 'routes' | 'prices'> & { readonly policy: Policy };

/** Routes, prices and policies of active catalogs, at hand without a promise: most catalogs lack all three. */
export class RouteCache {
  readonly #catalogs: CatalogCache;
  readonly #known = new LRUCache<string, CatalogRoutes>({ max: MAX_VERSIONS });

  constructor(catalogs: CatalogCache) {
    this.#catalogs = catalogs;
  }

  /** Returns those of the catalog that was active at the claim; a promise only for the first time. */
  find({
    tenantId,
    activeCatalog,
  }: Pick<ClaimedDelivery, 'tenantId' | 'activeCatalog'>): CatalogRoutes | Promise<CatalogRoutes> {
    const key = `${activeCatalog} ${tenantId}`;
    const known = this.#known.get(key);
    if (known) return known;
    return this.#catalogs.getVersion(tenantId, activeCatalog).then(({ routes, prices, rules: { policy } }) => {
      const found = { routes, prices, policy };
      this.#known.set(key, found);
      return found;
    });
  }
}
