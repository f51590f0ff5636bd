import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { SourcePage, SourceState } from '../types.ts';

/** Kafka topics whose messages are events, which the catalog has. */
export class Sources extends Resource {
  /** Lists the sources, and how far they are read. */
  list(options?: CallOptions): Promise<SourcePage> {
    return this.request('get', '/api/v1/sources', {}, options);
  }

  /** Stops reading a topic, within seconds; its messages wait. */
  pause(name: string, options?: CallOptions): Promise<SourceState> {
    return this.request('post', '/api/v1/sources/{name}/pause', { path: { name } }, options);
  }

  /** Reads a paused topic again. */
  resume(name: string, options?: CallOptions): Promise<SourceState> {
    return this.request('post', '/api/v1/sources/{name}/resume', { path: { name } }, options);
  }
}
