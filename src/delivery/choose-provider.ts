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
   * installation. A promise only where they have to be loaded.
   * @throws Error if they cannot be loaded or opened: nothing is sent by another account instead
   */
  list(tenantId: string, channel: Channel): readonly Provider[] | Promise<readonly Provider[]>;
}

export const NO_TENANT_ACCOUNTS: TenantAccounts = { list: () => [] };

/** Sources of providers. */
export interface ProviderSource {
  /** Providers of the installation, by channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly accounts: TenantAccounts;
  /** Whether messages may be handed to a provider now, as far as its circuit knows. */
  readonly isUsable: (provider: Provider) => boolean;
}

/**
 * Returns the provider of a delivery: of a test tenant always the sandbox, whatever is configured for its channel; of a tenant
 * with accounts of its own the first that is usable, or else the first. Where accounts take the tokens of some push services only,
 * those that take the token of the target come before the others.
 * @param findService returns the push service of the target; called only where accounts differ in them. Absent: it has no service
 */
export function chooseProvider(
  { providers, accounts, isUsable }: ProviderSource,
  { tenantId, channel }: { readonly tenantId: string; readonly channel: Channel },
  findService?: () => Promise<PushService | undefined>,
): Provider | Promise<Provider> {
  if (isTestTenant(tenantId)) return TEST_PROVIDER;
  const pick = (own: readonly Provider[]) => own.find(isUsable) ?? own[0] ?? (providers.get(channel) as Provider);
  const choose = (own: readonly Provider[]): Provider | Promise<Provider> => {
    if (!findService || own.length < 2 || !own.some(({ services }) => services)) return pick(own);
    return findService().then((service) => {
      const serving = own.filter((one) => takesService(one, service));
      return pick(serving.length > 0 ? serving : own);
    });
  };
  const found = accounts.list(tenantId, channel);
  return found instanceof Promise ? found.then(choose) : choose(found);
}

/** Whether a provider takes the tokens of a push service. @param service undefined: that of the token is not known */
export function takesService({ services }: Provider, service: PushService | undefined): boolean {
  return services === undefined || service === undefined || services.includes(service);
}
