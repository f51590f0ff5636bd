import { LRUCache } from 'lru-cache';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Provider } from '../channels/provider.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isTestTenant } from '../model/principal.ts';
import { INSTALLATION_ACCOUNT } from '../model/route.ts';
import type { ClaimWant } from '../store/deliveries/claim.ts';
import { getLaneTenant, type Lane } from '../store/deliveries/lanes.ts';
import type { Capacity } from './capacity.ts';
import type { Circuits } from './circuits.ts';
import type { LimitedChannels } from './limited-channels.ts';
import type { Sender, SendLimits } from './send-limits.ts';
import { TEST_PROVIDER, type TenantAccounts } from './tenant-accounts.ts';

/** Tenants whose routes are remembered, and for how long in ms. */
const MAX_ROUTED = 10_000;
const ROUTED_MS: Millis = 10_000;
/** Routes that one look at the lanes loads, at most; further lanes stay closed until the next. */
const MAX_ROUTE_LOOKS = 20;

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
  /** Whether the route of a tenant leads to the installation, by channel and tenant. */
  readonly #routed = new LRUCache<string, boolean>({ max: MAX_ROUTED, ttl: ROUTED_MS });
  #looksLeft = MAX_ROUTE_LOOKS;
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
    this.#looksLeft = MAX_ROUTE_LOOKS;
    const areOwn = accounts.every(({ tenantId }) => tenantId !== undefined);
    return areOwn && (await this.#mayGoByInstallation(sender)) ? undefined : Math.max(...since);
  }

  get wasCrowded(): boolean {
    return this.#wasCrowded;
  }

  /**
   * Returns the lanes of a channel whose account is open now, or may be probed: of an account that is half open one lane. What is
   * claimed is shared out among these only, so that closed ones take nothing from the others.
   */
  async selectOpen<L extends Lane>(channel: Channel, lanes: readonly L[]): Promise<readonly L[]> {
    this.#wasCrowded = false;
    if (!this.isByLane(channel)) return lanes;
    const { circuits, capacity } = this.#options;
    const open: L[] = [];
    const probed = new Set<Provider>();
    this.#looksLeft = MAX_ROUTE_LOOKS;
    for (const lane of lanes) {
      const sender = { tenantId: getLaneTenant(lane.name), channel };
      const accounts = await this.#list(sender);
      const usable = accounts.filter((account) => circuits.isUsable(account) && !probed.has(account));
      if (accounts.length > 0 && usable.length === 0) {
        if (await this.#mayGoByInstallation(sender)) open.push(lane);
        continue;
      }
      // Its deliveries would be claimed and put off, one after the other, for as long as it is slow.
      if (usable.length > 0 && usable.every((account) => capacity.isCrowded(account, lane.priority))) {
        this.#wasCrowded = true;
        continue;
      }
      if (this.#areProbed(usable)) probed.add(usable[0] as Provider);
      open.push(lane);
    }
    return open;
  }

  /** Returns wants of open lanes with their limits: one delivery as a probe of an account that is half open. */
  async admit(wants: readonly ClaimWant[]): Promise<ClaimWant[]> {
    const admitted: ClaimWant[] = [];
    for (const want of wants) {
      if (!want.lane || !this.isByLane(want.channel)) {
        admitted.push(want);
        continue;
      }
      const sender = { tenantId: getLaneTenant(want.lane.name), channel: want.channel };
      const accounts = await this.#list(sender);
      const usable = accounts.filter((account) => this.#options.circuits.isUsable(account));
      const goesByInstallation = accounts.length > 0 && usable.length === 0;
      // Which of several it will be is not known yet: its tokens are taken before the send.
      const found = this.#options.limits.find(sender, usable.length === 1 ? usable[0] : undefined);
      const windows = goesByInstallation ? [] : found instanceof Promise ? await found : found;
      admitted.push({
        ...want,
        ...(this.#areProbed(usable) ? { count: 1 } : {}),
        ...(windows.length === 0 ? {} : { limits: windows }),
      });
    }
    return admitted;
  }

  #areProbed(usable: readonly Provider[]): boolean {
    const { circuits } = this.#options;
    return usable.length > 0 && usable.every((account) => circuits.state(account) === 'half_open');
  }

  /** Whether the route of a tenant, none of whose own accounts can be used, leads to that of the installation as well. */
  async #mayGoByInstallation({ tenantId, channel }: Sender): Promise<boolean> {
    const { providers, circuits, catalogs } = this.#options;
    const installation = providers.get(channel);
    if (!installation || !circuits.isUsable(installation)) return false;
    const key = `${channel} ${tenantId}`;
    const known = this.#routed.get(key);
    if (known !== undefined || this.#looksLeft <= 0) return known ?? false;
    this.#looksLeft--;
    // The one that is active now: another process may have applied it.
    const { base, released = base } = await catalogs.refreshActives(tenantId);
    const isRouted = [base, released].some(({ routes }) =>
      routes.get(channel)?.entries.some(({ account }) => account === INSTALLATION_ACCOUNT),
    );
    this.#routed.set(key, isRouted);
    return isRouted;
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
