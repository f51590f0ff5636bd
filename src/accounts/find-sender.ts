import type { Provider } from '../channels/provider.ts';
import type { TenantAccounts } from '../delivery/tenant-accounts.ts';
import type { Channel } from '../model/delivery.ts';

/** A message that was sent, and by what. */
export interface SentBy {
  readonly tenantId: string;
  readonly channel: Channel;
  /** Name of the provider. */
  readonly provider: string;
  /** Name of the account among those of the tenant; empty: it was that of the installation. */
  readonly account: string;
}

/**
 * Returns a function that finds the account that sent a message, open. It returns undefined where another provider has taken its
 * place, or the account is gone.
 */
export function findSender(
  installation: ReadonlyMap<Channel, Provider>,
  accounts: TenantAccounts,
): (message: SentBy) => Promise<Provider | undefined> {
  return async ({ tenantId, channel, provider, account }) => {
    const found =
      account === ''
        ? installation.get(channel)
        : (await accounts.list(tenantId, channel)).find((one) => one.account === account);
    return found?.name === provider ? found : undefined;
  };
}
