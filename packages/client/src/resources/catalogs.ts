import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  ApplyResult,
  Catalog,
  CatalogDiff,
  CatalogDraft,
  CatalogFiles,
  CatalogVersion,
  DraftBacktest,
  DraftCases,
  DraftCheck,
  FollowResult,
  NewBacktest,
  NewCase,
  RenderedTemplates,
  RenderRequest,
  RollbackResult,
  StoredCatalogFiles,
  Trial,
  TriedEvent,
  WrittenCase,
} from '../types.ts';

/** The catalog of the tenant: event types, notification types and rules. */
export class Catalogs extends Resource {
  /** Returns the active version, or another one. Its etag is for the `ifMatch` of `apply` and `rollBack`. */
  get(query: Query<'getCatalog'> = {}, options?: CallOptions): Promise<Catalog> {
    return this.request('get', '/api/v1/catalog', { query }, options);
  }

  /** Returns the files that the active version, or another one, was made from, as they were written. */
  files(query: Query<'getCatalogFiles'> = {}, options?: CallOptions): Promise<StoredCatalogFiles> {
    return this.request('get', '/api/v1/catalog/files', { query }, options);
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

  /** Checks a draft, and compares it with the active version. */
  check(draft: CatalogDraft, options?: CallOptions): Promise<DraftCheck> {
    return this.request('post', '/api/v1/catalog/check', { body: draft }, options);
  }

  /** Runs the cases of a draft. */
  cases(draft: CatalogDraft, options?: CallOptions): Promise<DraftCases> {
    return this.request('post', '/api/v1/catalog/cases', { body: draft }, options);
  }

  /** Makes a case of a stored event; personal values are replaced. */
  makeCase(wanted: NewCase, options?: CallOptions): Promise<WrittenCase> {
    return this.request('post', '/api/v1/catalog/cases/from-event', { body: wanted }, options);
  }

  /** Decides an event with a draft by a virtual clock, and stores nothing. */
  try(trial: Trial, options?: CallOptions): Promise<TriedEvent> {
    return this.request('post', '/api/v1/catalog/try', { body: trial }, options);
  }

  /** Renders messages of a notification type by a draft or a version, and lists its templates and their fields. Sends nothing. */
  render(wanted: RenderRequest, options?: CallOptions): Promise<RenderedTemplates> {
    return this.request('post', '/api/v1/catalog/render', { body: wanted }, options);
  }

  /** Compares what a draft would have sent over the stored events with what was sent. */
  backtest(wanted: NewBacktest, options?: CallOptions): Promise<DraftBacktest> {
    return this.request('post', '/api/v1/catalog/backtest', { body: wanted }, options);
  }

  /** Takes the catalog of another tenant, now and with each change of it, until the tenant applies its own. */
  follow(tenantId: string, options?: CallOptions): Promise<FollowResult> {
    return this.request('put', '/api/v1/catalog/follow', { body: { tenant_id: tenantId } }, options);
  }
}
