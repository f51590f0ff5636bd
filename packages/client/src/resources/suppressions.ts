import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  ImportedSuppressions,
  NewSuppression,
  Suppression,
  SuppressionImport,
  SuppressionPage,
  SuppressionSearch,
} from '../types.ts';

/** Addresses that get no messages. */
export class Suppressions extends Resource {
  /** Lists suppressions, newest first. */
  list(query: Query<'listSuppressions'> = {}, options?: CallOptions): Listing<Suppression> {
    return this.pages('/api/v1/suppressions', 'suppressions', { query }, options);
  }

  get(id: string, options?: CallOptions): Promise<Suppression> {
    return this.request('get', '/api/v1/suppressions/{id}', { path: { id } }, options);
  }

  /** Finds the suppressions of one address. */
  search(address: SuppressionSearch, options?: CallOptions): Promise<SuppressionPage> {
    return this.request('post', '/api/v1/suppressions/search', { body: address }, options);
  }

  /** Sends an address no more messages of a scope. One that is there already stays. */
  add(suppression: NewSuppression, options?: CallOptions): Promise<Suppression> {
    return this.request('post', '/api/v1/suppressions', { body: suppression }, options);
  }

  /** Adds up to 1,000 suppressions, all or none. */
  import(list: SuppressionImport, options?: CallOptions): Promise<ImportedSuppressions> {
    return this.request('post', '/api/v1/suppressions/import', { body: list }, options);
  }

  /** Removes a suppression: its address gets messages again. */
  lift(id: string, note?: string, options?: CallOptions): Promise<Suppression> {
    const body = note === undefined ? {} : { note };
    return this.request('post', '/api/v1/suppressions/{id}/lift', { path: { id }, body }, options);
  }
}
