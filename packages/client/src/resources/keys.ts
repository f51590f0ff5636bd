import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { ApiKey, ApiKeyChange, ApiKeyRotation, IssuedApiKey, NewApiKey, RotatedApiKey } from '../types.ts';

/** API keys of the tenant. */
export class Keys extends Resource {
  list(query: Query<'listKeys'> = {}, options?: CallOptions): Listing<ApiKey> {
    return this.pages('/api/v1/keys', 'keys', { query }, options);
  }

  /** Makes a key. The result is the only place that has its text. */
  create(key: NewApiKey, options?: CallOptions): Promise<IssuedApiKey> {
    return this.request('post', '/api/v1/keys', { body: key }, options);
  }

  get(id: string, options?: CallOptions): Promise<ApiKey> {
    return this.request('get', '/api/v1/keys/{id}', { path: { id } }, options);
  }

  update(id: string, change: ApiKeyChange, options?: CallOptions): Promise<ApiKey> {
    return this.request('patch', '/api/v1/keys/{id}', { path: { id }, body: change }, options);
  }

  /** Makes a key that takes the place of another, which works on for the overlap. */
  rotate(id: string, rotation?: ApiKeyRotation, options?: CallOptions): Promise<RotatedApiKey> {
    return this.request('post', '/api/v1/keys/{id}/rotate', { path: { id }, body: rotation }, options);
  }

  revoke(id: string, options?: CallOptions): Promise<ApiKey> {
    return this.request('delete', '/api/v1/keys/{id}', { path: { id } }, options);
  }
}
