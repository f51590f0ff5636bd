import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { Preview, PreviewRequest } from '../types.ts';

/** Templates of the active catalog. */
export class Templates extends Resource {
  /** Renders a message without sending it, and returns it with findings about it. */
  preview(body: PreviewRequest, options?: CallOptions): Promise<Preview> {
    return this.request('post', '/api/v1/templates/preview', { body }, options);
  }
}
