import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { SegmentPage, SegmentPreview, SegmentPreviewRequest, SegmentUser } from '../types.ts';

/** Named conditions over the profile of users, which the catalog has. */
export class Segments extends Resource {
  list(options?: CallOptions): Promise<SegmentPage> {
    return this.request('get', '/api/v1/segments', {}, options);
  }

  /** Says how many users a segment, or a condition that is no segment yet, is true for, and shows some of them. */
  preview(asked: SegmentPreviewRequest, options?: CallOptions): Promise<SegmentPreview> {
    return this.request('post', '/api/v1/segments/preview', { body: asked }, options);
  }

  /** Lists the users who are in a segment now. */
  users(name: string, query: Query<'listSegmentUsers'> = {}, options?: CallOptions): Listing<SegmentUser> {
    return this.pages('/api/v1/segments/{name}/users', 'users', { path: { name }, query }, options);
  }
}
