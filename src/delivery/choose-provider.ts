import type { Provider } from '../channels/provider.ts';
import { sandboxProvider } from '../channels/sandbox.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import { isTestTenant } from '../model/principal.ts';

/** The provider of every test tenant. It is no setting: what is configured cannot lead around it. */
export const TEST_PROVIDER: Provider = sandboxProvider(CHANNELS);

/** Returns the provider of a delivery: of a test tenant always the sandbox, whatever is configured for its channel. */
export function chooseProvider(
  providers: ReadonlyMap<Channel, Provider>,
  { tenantId, channel }: { readonly tenantId: string; readonly channel: Channel },
): Provider {
  return isTestTenant(tenantId) ? TEST_PROVIDER : (providers.get(channel) as Provider);
}
