import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { Liveness, Readiness } from '../types.ts';

const NOT_WELL = { status: 503, field: 'status' } as const;

export class Health extends Resource {
  /** Says whether the process runs. */
  live(options?: CallOptions): Promise<Liveness> {
    return this.request('get', '/healthz/live', {}, options, NOT_WELL);
  }

  /** Says whether the process can do its work, check by check. */
  ready(options?: CallOptions): Promise<Readiness> {
    return this.request('get', '/healthz/ready', {}, options, NOT_WELL);
  }
}
