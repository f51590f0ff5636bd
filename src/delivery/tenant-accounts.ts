import type { Provider } from '../channels/provider.ts';
import { sandboxProvider } from '../channels/sandbox.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import type { PushService } from '../model/device.ts';
import { isTestTenant } from '../model/principal.ts';

/** The provider of every test tenant. It is no setting: what is configured cannot lead around it. */
export const TEST_PROVIDER: Provider = sandboxProvider(CHANNELS);

/** The accounts with providers that tenants have of their own. */
export interface TenantAccounts {
  /**
   * Returns the accounts of a tenant for a channel, the first choice first; empty: it uses that of the
   * installation. One of several that cannot be opened is there too: its sends end as `misconfigured`. A promise only where they
   * have to be loaded.
   * @throws Error if they cannot be loaded, or none of them be opened: nothing is sent by that of the installation instead
   */
  list(tenantId: string, channel: Channel): readonly Provider[] | Promise<readonly Provider[]>;
}

export const NO_TENANT_ACCOUNTS: TenantAccounts = { list: () => [] };

/** Whether a provider takes the tokens of a push service. @param service undefined: that of the token is not known */
export function takesService({ services }: Provider, service: PushService | undefined): boolean {
  return services === undefined || service === undefined || services.includes(service);
}

/**
 * Returns whether messages of a tenant on a channel leave this machine: the tenant is no test tenant, and has an account of its own,
 * or the installation has a provider that is no substitute. Accounts that cannot be loaded count as there.
 */
export async function sendsOut(
  { providers, accounts }: { readonly providers: ReadonlyMap<Channel, Provider>; readonly accounts: TenantAccounts },
  tenantId: string,
  channel: Channel,
): Promise<boolean> {
  if (isTestTenant(tenantId)) return false;
  const installation = providers.get(channel);
  if (installation && !installation.isSubstitute) return true;
  try {
    return (await accounts.list(tenantId, channel)).length > 0;
  } catch {
    return true;
  }
}
