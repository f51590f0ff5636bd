import type { Provider } from '../channels/provider.ts';
import { sandboxProvider } from '../channels/sandbox.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import { isTestTenant } from '../model/principal.ts';

/** The provider of every test tenant. It is no setting: what is configured cannot lead around it. */
export const TEST_PROVIDER: Provider = sandboxProvider(CHANNELS);

/** The accounts with providers that tenants have of their own. */
export interface TenantAccounts {
  /**
   * Returns the accounts of a tenant for a channel, the first choice first; empty: it has none, and uses that of the
   * installation. A promise only where they have to be loaded.
   * @throws Error if they cannot be loaded or opened: nothing is sent by another account instead
   */
  list(tenantId: string, channel: Channel): readonly Provider[] | Promise<readonly Provider[]>;
}

export const NO_TENANT_ACCOUNTS: TenantAccounts = { list: () => [] };

/** Where providers are found. */
export interface ProviderSource {
  /** Those of the installation, by channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly accounts: TenantAccounts;
  /** Whether messages may be handed to a provider now, as far as its circuit knows. */
  readonly isUsable: (provider: Provider) => boolean;
}

/**
 * Returns the provider of a delivery: of a test tenant always the sandbox, whatever is configured for its channel; of a tenant
 * with accounts of its own the first that is usable, or else the first.
 */
export function chooseProvider(
  { providers, accounts, isUsable }: ProviderSource,
  { tenantId, channel }: { readonly tenantId: string; readonly channel: Channel },
): Provider | Promise<Provider> {
  if (isTestTenant(tenantId)) return TEST_PROVIDER;
  const found = accounts.list(tenantId, channel);
  const choose = (own: readonly Provider[]) => own.find(isUsable) ?? own[0] ?? (providers.get(channel) as Provider);
  return found instanceof Promise ? found.then(choose) : choose(found);
}
