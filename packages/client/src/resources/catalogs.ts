import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  ApplyResult,
  Catalog,
  CatalogDiff,
  CatalogFiles,
  CatalogVersion,
  FollowResult,
  RollbackResult,
} from '../types.ts';

/** The catalog of the tenant: event types, notification types and rules. */
export class Catalogs extends Resource {
  /** Returns the active version, or another one. Its etag is for the `ifMatch` of `apply` and `rollBack`. */
  get(query: Query<'getCatalog'> = {}, options?: CallOptions): Promise<Catalog> {
    return this.request('get', '/api/v1/catalog', { query }, options);
  }

  /** Makes a catalog the active one; with `dry_run`, only checks it and says what would change. */
  apply(catalog: CatalogFiles, options?: CallOptions): Promise<ApplyResult> {
    return this.request('post', '/api/v1/catalog', { body: catalog }, options);
  }

  /** Lists the applied versions, newest first. */
  versions(query: Query<'listCatalogVersions'> = {}, options?: CallOptions): Listing<CatalogVersion> {
    return this.pages('/api/v1/catalog/versions', 'versions', { query }, options);
  }

  /** Compares two versions; `to` defaults to the active one. */
  diff(query: Query<'compareCatalogs'>, options?: CallOptions): Promise<CatalogDiff> {
    return this.request('get', '/api/v1/catalog/diff', { query }, options);
  }

  /** Makes an earlier version active again. */
  rollBack(version: number, options?: CallOptions): Promise<RollbackResult> {
    return this.request('post', '/api/v1/catalog/rollback', { body: { version } }, options);
  }

  /** Takes the catalog of another tenant, now and with each change of it, until the tenant applies its own. */
  follow(tenantId: string, options?: CallOptions): Promise<FollowResult> {
    return this.request('put', '/api/v1/catalog/follow', { body: { tenant_id: tenantId } }, options);
  }
}
