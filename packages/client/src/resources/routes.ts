import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { RouteStates } from '../types.ts';

/** The accounts by which messages go. */
export class Routes extends Resource {
  /** Returns by which accounts the messages of each channel go at present. */
  get(options?: CallOptions): Promise<RouteStates> {
    return this.request('get', '/api/v1/routes', {}, options);
  }
}
