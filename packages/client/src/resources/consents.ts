import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Consent, NewConsent, RecordedConsent } from '../types.ts';

/** Consents of users, with their evidence. */
export class Consents extends Resource {
  /** Lists the consents of a user, the one that was recorded last first. */
  list(userId: string, query: Query<'listConsents'> = {}, options?: CallOptions): Listing<Consent> {
    const call = { path: { user_id: userId }, query };
    return this.pages('/api/v1/users/{user_id}/consents', 'consents', call, options);
  }

  /** Records that a user granted or withdrew consent. */
  record(userId: string, consent: NewConsent, options?: CallOptions): Promise<RecordedConsent> {
    const call = { path: { user_id: userId }, body: consent };
    return this.request('post', '/api/v1/users/{user_id}/consents', call, options);
  }
}
