import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { AuditEntry } from '../types.ts';

/** Changes: by which key, member or process, and from where. */
export class AuditLog extends Resource {
  /** Lists changes, newest first. */
  list(query: Query<'listAuditLog'> = {}, options?: CallOptions): Listing<AuditEntry> {
    return this.pages('/api/v1/audit-log', 'entries', { query }, options);
  }
}
