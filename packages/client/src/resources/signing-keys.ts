import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import { Resource } from '../resource.ts';
import type { RotatedSigningKey, SigningKey, SigningKeyRotation } from '../types.ts';

/** Keys with which Tidings signs the tokens of users. */
export class SigningKeys extends Resource {
  list(options?: CallOptions): Listing<SigningKey> {
    return this.pages('/api/v1/signing-keys', 'signing_keys', {}, options);
  }

  /** Makes a key that signs from now on. With `revoke`, tokens that were signed before are rejected. */
  rotate(rotation?: SigningKeyRotation, options?: CallOptions): Promise<RotatedSigningKey> {
    return this.request('post', '/api/v1/signing-keys/rotate', { body: rotation }, options);
  }
}
