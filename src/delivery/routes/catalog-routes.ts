import { LRUCache } from 'lru-cache';
import type { CatalogCache } from '../../catalog/cache.ts';
import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import type { ClaimedDelivery } from '../../store/deliveries/claimed-delivery.ts';

/** Versions of catalogs of which routes and prices are in memory. */
const MAX_VERSIONS = 10_000;

export type CatalogRoutes = Pick<Catalog, 'routes' | 'prices'>;

/** Routes and prices of active catalogs, at hand without a promise: most catalogs have neither. */
export class RouteCache {
  readonly #catalogs: CatalogCache;
  readonly #known = new LRUCache<string, CatalogRoutes>({ max: MAX_VERSIONS });

  constructor(catalogs: CatalogCache) {
    this.#catalogs = catalogs;
  }

  /** Returns those of the catalog that was active at the claim; a promise only for the first time. */
  find({ tenantId, activeCatalog }: ClaimedDelivery): CatalogRoutes | Promise<CatalogRoutes> {
    const key = `${activeCatalog} ${tenantId}`;
    const known = this.#known.get(key);
    if (known) return known;
    return this.#catalogs.getVersion(tenantId, activeCatalog).then(({ routes, prices }) => {
      const found = { routes, prices };
      this.#known.set(key, found);
      return found;
    });
  }
}
