import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import { Resource } from '../resource.ts';
import type { Issuer, IssuerSettings } from '../types.ts';

/** Issuers of the tokens with which users of the tenant reach their own data. */
export class Issuers extends Resource {
  list(options?: CallOptions): Listing<Issuer> {
    return this.pages('/api/v1/issuers', 'issuers', {}, options);
  }

  get(issuer: string, options?: CallOptions): Promise<Issuer> {
    return this.request('get', '/api/v1/issuers/{issuer}', { path: { issuer } }, options);
  }

  /** Makes an issuer, or replaces its settings. */
  put(issuer: string, settings: IssuerSettings, options?: CallOptions): Promise<Issuer> {
    return this.request('put', '/api/v1/issuers/{issuer}', { path: { issuer }, body: settings }, options);
  }

  delete(issuer: string, options?: CallOptions): Promise<Issuer> {
    return this.request('delete', '/api/v1/issuers/{issuer}', { path: { issuer } }, options);
  }
}
