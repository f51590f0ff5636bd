import type { Provider } from '../channels/provider.ts';
import type { Channel } from '../model/delivery.ts';
import type { ClaimWant } from '../store/deliveries/deliveries.ts';
import { getLaneTenant } from '../store/deliveries/lanes.ts';
import { chooseProvider, type ProviderSource } from './choose-provider.ts';
import type { Circuits } from './circuits.ts';
import type { LimitedChannels } from './limited-channels.ts';
import type { SendLimits } from './send-limits.ts';

export interface LaneGateOptions extends Pick<ProviderSource, 'providers' | 'accounts'> {
  readonly circuits: Circuits;
  readonly limits: SendLimits;
  readonly channels: LimitedChannels;
}

/**
 * Lets a claim take of each lane only what its account and its limits allow now: for what would only be put off, no row is
 * written. Lanes of channels without limits and without accounts of tenants do not pass it.
 */
export class LaneGate {
  readonly #options: LaneGateOptions;

  constructor(options: LaneGateOptions) {
    this.#options = options;
  }

  /** Whether deliveries of this channel are claimed lane by lane, because lanes differ in account or limit. */
  isByLane(channel: Channel): boolean {
    const { channels, providers } = this.#options;
    return channels.has(channel) || providers.get(channel)?.limit !== undefined;
  }

  /** Returns the wants whose account is open now, with their limits: one delivery as a probe of an account that is half open. */
  async admit(wants: readonly ClaimWant[]): Promise<ClaimWant[]> {
    const { circuits, limits } = this.#options;
    const admitted: ClaimWant[] = [];
    const probed = new Set<Provider>();
    for (const want of wants) {
      if (!want.lane || !this.isByLane(want.channel)) {
        admitted.push(want);
        continue;
      }
      const sender = { tenantId: getLaneTenant(want.lane.name), channel: want.channel };
      const provider = await this.#choose(sender);
      if (provider === undefined) {
        admitted.push(want);
        continue;
      }
      const state = circuits.state(provider);
      if (state === 'open') continue;
      if (state === 'half_open' && (probed.has(provider) || !circuits.mayProbe(provider))) continue;
      if (state === 'half_open') probed.add(provider);
      const found = limits.find(sender, provider);
      const windows = found instanceof Promise ? await found : found;
      const count = state === 'half_open' ? 1 : want.count;
      admitted.push({ ...want, count, ...(windows.length === 0 ? {} : { limits: windows }) });
    }
    return admitted;
  }

  /** Returns undefined if the accounts cannot be opened: the executor says so, and puts the deliveries off. */
  async #choose(sender: { readonly tenantId: string; readonly channel: Channel }): Promise<Provider | undefined> {
    const { providers, accounts, circuits } = this.#options;
    try {
      const isUsable = (provider: Provider) => circuits.isUsable(provider);
      return await chooseProvider({ providers, accounts, isUsable }, sender);
    } catch {
      return undefined;
    }
  }
}
