import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import { Resource } from '../resource.ts';
import type {
  NewProviderAccount,
  ProviderAccount,
  ProviderAccountChange,
  ProviderCheck,
  ProviderDescription,
  ProviderTest,
  ProviderTestResult,
} from '../types.ts';

/** Accounts of the tenant with providers, by which its messages are sent. Secrets are written and never read. */
export class ProviderAccounts extends Resource {
  list(options?: CallOptions): Listing<ProviderAccount> {
    return this.pages('/api/v1/provider-accounts', 'accounts', {}, options);
  }

  create(account: NewProviderAccount, options?: CallOptions): Promise<ProviderAccount> {
    return this.request('post', '/api/v1/provider-accounts', { body: account }, options);
  }

  /** Returns an account. Its etag is for the `ifMatch` of `update`. */
  get(account: string, options?: CallOptions): Promise<ProviderAccount> {
    return this.request('get', '/api/v1/provider-accounts/{account}', { path: { account } }, options);
  }

  update(account: string, change: ProviderAccountChange, options?: CallOptions): Promise<ProviderAccount> {
    return this.request('patch', '/api/v1/provider-accounts/{account}', { path: { account }, body: change }, options);
  }

  delete(account: string, options?: CallOptions): Promise<ProviderAccount> {
    return this.request('delete', '/api/v1/provider-accounts/{account}', { path: { account } }, options);
  }

  /** Asks the provider whether it lets the account in; nothing is sent. */
  check(account: string, options?: CallOptions): Promise<ProviderCheck> {
    return this.request('post', '/api/v1/provider-accounts/{account}/check', { path: { account } }, options);
  }

  /** Sends one plain message by an account. */
  sendTest(account: string, test: ProviderTest, options?: CallOptions): Promise<ProviderTestResult> {
    return this.request(
      'post',
      '/api/v1/provider-accounts/{account}/test-send',
      { path: { account }, body: test },
      options,
    );
  }

  /** Lists the providers that an account may have. */
  providers(options?: CallOptions): Listing<ProviderDescription> {
    return this.pages('/api/v1/providers', 'providers', {}, options);
  }
}
