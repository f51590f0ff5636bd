import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { Liveness, Readiness } from '../types.ts';

export class Health extends Resource {
  /** Says that the process runs. */
  live(options?: CallOptions): Promise<Liveness> {
    return this.request('get', '/healthz/live', {}, options);
  }

  /** Says that the process can do its work. @throws TidingsApiError with the status 503 if it cannot */
  ready(options?: CallOptions): Promise<Readiness> {
    return this.request('get', '/healthz/ready', {}, options);
  }
}
