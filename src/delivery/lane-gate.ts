import type { CatalogCache } from '../catalog/cache.ts';
import type { Provider } from '../channels/provider.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isTestTenant } from '../model/principal.ts';
import { INSTALLATION_ACCOUNT } from '../model/route.ts';
import type { ClaimWant } from '../store/deliveries/claim.ts';
import { getLaneTenant } from '../store/deliveries/lanes.ts';
import type { Capacity } from './capacity.ts';
import type { Circuits } from './circuits.ts';
import type { LimitedChannels } from './limited-channels.ts';
import type { Sender, SendLimits } from './send-limits.ts';
import { TEST_PROVIDER, type TenantAccounts } from './tenant-accounts.ts';

export interface LaneGateOptions {
  /** Providers of the installation, by channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly accounts: TenantAccounts;
  readonly catalogs: CatalogCache;
  readonly circuits: Circuits;
  readonly capacity: Capacity;
  readonly limits: SendLimits;
  readonly channels: LimitedChannels;
}

/**
 * Lets a claim take of each lane only what its account and its limits allow now: for what would only be put off, no row is
 * written. Lanes of channels without limits and without accounts of tenants do not pass it.
 */
export class LaneGate {
  readonly #options: LaneGateOptions;
  /** Whether the last look left out a lane, because so many of its deliveries are held already. */
  #wasCrowded = false;

  constructor(options: LaneGateOptions) {
    this.#options = options;
  }

  /** Whether deliveries of this channel are claimed lane by lane, because lanes differ in account or limit. */
  isByLane(channel: Channel): boolean {
    const { channels, providers } = this.#options;
    return channels.has(channel) || providers.get(channel)?.limit !== undefined;
  }

  /** Whether deliveries of this channel may be due, and not be claimed, because a circuit is open or a limit allows no more. */
  mayHoldBack(channel: Channel): boolean {
    const { providers, circuits } = this.#options;
    const installation = providers.get(channel);
    return this.isByLane(channel) || (installation !== undefined && circuits.state(installation) !== 'closed');
  }

  /**
   * Returns since when a tenant has no account that can be used: deliveries whose retry time ended later get no last attempt.
   * Undefined: it has one.
   */
  async findLostSince(sender: Sender): Promise<Millis | undefined> {
    const { circuits } = this.#options;
    const accounts = await this.#list(sender);
    const since = accounts.map((account) => circuits.getLostSince(account) ?? Number.POSITIVE_INFINITY);
    if (accounts.length === 0 || since.includes(Number.POSITIVE_INFINITY)) return undefined;
    const areOwn = accounts.every(({ tenantId }) => tenantId !== undefined);
    return areOwn && (await this.#mayGoByInstallation(sender)) ? undefined : Math.max(...since);
  }

  get wasCrowded(): boolean {
    return this.#wasCrowded;
  }

  /** Returns the wants whose account is open now, with their limits: one delivery as a probe of an account that is half open. */
  async admit(wants: readonly ClaimWant[]): Promise<ClaimWant[]> {
    const { circuits, capacity, limits } = this.#options;
    const admitted: ClaimWant[] = [];
    const probed = new Set<Provider>();
    this.#wasCrowded = false;
    for (const want of wants) {
      if (!want.lane || !this.isByLane(want.channel)) {
        admitted.push(want);
        continue;
      }
      const sender = { tenantId: getLaneTenant(want.lane.name), channel: want.channel };
      const accounts = await this.#list(sender);
      const usable = accounts.filter((account) => circuits.isUsable(account) && !probed.has(account));
      if (accounts.length > 0 && usable.length === 0) {
        if (await this.#mayGoByInstallation(sender)) admitted.push(want);
        continue;
      }
      // Its deliveries would be claimed and put off, one after the other, for as long as it is slow.
      const { priority } = want.lane;
      if (usable.length > 0 && usable.every((account) => capacity.isCrowded(account, priority))) {
        this.#wasCrowded = true;
        continue;
      }
      // One that is half open gets a single delivery.
      const isProbe = usable.length > 0 && usable.every((account) => circuits.state(account) === 'half_open');
      if (isProbe) probed.add(usable[0] as Provider);
      // Which of several it will be is not known yet: its tokens are taken before the send.
      const found = limits.find(sender, usable.length === 1 ? usable[0] : undefined);
      const windows = found instanceof Promise ? await found : found;
      admitted.push({
        ...want,
        ...(isProbe ? { count: 1 } : {}),
        ...(windows.length === 0 ? {} : { limits: windows }),
      });
    }
    return admitted;
  }

  /** Whether the route of a tenant, none of whose own accounts can be used, leads to that of the installation as well. */
  async #mayGoByInstallation({ tenantId, channel }: Sender): Promise<boolean> {
    const { providers, circuits, catalogs } = this.#options;
    const installation = providers.get(channel);
    if (!installation || !circuits.isUsable(installation)) return false;
    // The one that is active now: another process may have applied it.
    const { routes } = await catalogs.refresh(tenantId);
    return routes.get(channel)?.entries.some(({ account }) => account === INSTALLATION_ACCOUNT) ?? false;
  }

  /** Returns the accounts that may send; empty: they cannot be opened, and the executor says so and puts the deliveries off. */
  async #list({ tenantId, channel }: Sender): Promise<readonly Provider[]> {
    const { providers, accounts } = this.#options;
    if (isTestTenant(tenantId)) return [TEST_PROVIDER];
    try {
      const own = await accounts.list(tenantId, channel);
      return own.length > 0 ? own : [providers.get(channel) as Provider];
    } catch {
      return [];
    }
  }
}
