import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { NewRelease, Release, ReleaseEnd, ReleaseStatus, StartedRelease } from '../types.ts';

/** Releases of catalog versions: to a share of the users, watched, and finished or rolled back. */
export class Releases extends Resource {
  start(release: NewRelease, options?: CallOptions): Promise<StartedRelease> {
    return this.request('post', '/api/v1/releases', { body: release }, options);
  }

  /** Lists releases, the latest first. */
  list(query: Query<'listReleases'> = {}, options?: CallOptions): Listing<Release> {
    return this.pages('/api/v1/releases', 'releases', { query }, options);
  }

  /** Returns a release with the numbers of both versions. */
  get(id: string, options?: CallOptions): Promise<ReleaseStatus> {
    return this.request('get', '/api/v1/releases/{id}', { path: { id } }, options);
  }

  /** Releases to a larger share of the users, as a percentage. */
  raiseShare(id: string, share: number, options?: CallOptions): Promise<Release> {
    return this.request('post', '/api/v1/releases/{id}/share', { path: { id }, body: { share } }, options);
  }

  finish(id: string, end: ReleaseEnd = {}, options?: CallOptions): Promise<Release> {
    return this.request('post', '/api/v1/releases/{id}/finish', { path: { id }, body: end }, options);
  }

  rollBack(id: string, end: ReleaseEnd = {}, options?: CallOptions): Promise<Release> {
    return this.request('post', '/api/v1/releases/{id}/rollback', { path: { id }, body: end }, options);
  }
}
