import { createHash } from 'node:crypto';
import type { Provider } from '../channels/provider.ts';
import type { Channel } from '../model/delivery.ts';
import { isTestTenant } from '../model/principal.ts';
import { type ChannelLimits, type RateWindow, toWindows } from '../model/rate-limit.ts';
import type { TenantProfile } from '../model/tenant.ts';

/** Tenant and channel of a message. */
export interface Sender {
  readonly tenantId: string;
  readonly channel: Channel;
}

interface UserSender extends Sender {
  readonly userId: string;
}

const NO_WINDOWS: readonly RateWindow[] = [];

export interface SendLimitsOptions {
  /** The providers of the installation: the first channel of each is part of the id of its limit. Default: none. */
  readonly providers?: ReadonlyMap<Channel, Provider>;
  /** Limits of the installation: of all tenants together, of each tenant, and of each user. */
  readonly installation: ChannelLimits;
  /** Returns the settings of a tenant, which may limit it and its users further. */
  readonly getTenant: (tenantId: string) => TenantProfile | Promise<TenantProfile>;
}

/** Finds the rate limits that concern a message: of its account, and of its channel for all, its tenant and its user. */
export class SendLimits {
  readonly #options: SendLimitsOptions;
  /** The first channel of each provider of the installation. */
  readonly #firstChannels = new Map<Provider, Channel>();

  constructor(options: SendLimitsOptions) {
    this.#options = options;
    for (const [channel, provider] of options.providers ?? []) {
      if (!this.#firstChannels.has(provider)) this.#firstChannels.set(provider, channel);
    }
  }

  /**
   * Returns the windows that concern what a tenant sends on a channel; a promise only if it has to load.
   * @param provider undefined: without those of the account, which is not known yet
   */
  find(sender: Sender, provider: Provider | undefined): readonly RateWindow[] | Promise<readonly RateWindow[]> {
    const found = this.#options.getTenant(sender.tenantId);
    return found instanceof Promise
      ? found.then((tenant) => this.#toWindows(sender, provider, tenant))
      : this.#toWindows(sender, provider, found);
  }

  /** As `find`, with those of the user. */
  findAll(sender: UserSender, provider: Provider): readonly RateWindow[] | Promise<readonly RateWindow[]> {
    const found = this.#options.getTenant(sender.tenantId);
    return found instanceof Promise
      ? found.then((tenant) => this.#withUser(sender, provider, tenant))
      : this.#withUser(sender, provider, found);
  }

  #withUser(sender: UserSender, provider: Provider, tenant: TenantProfile): readonly RateWindow[] {
    const windows = this.#toWindows(sender, provider, tenant);
    if (windows === NO_WINDOWS) return windows;
    const { own, installation } = this.#getScopes(sender, tenant);
    if (!own?.user && !installation?.user) return windows;
    const user = hashUser(sender);
    return [
      ...windows,
      ...(installation?.user ? toWindows(`user ${user}`, installation.user) : []),
      ...(own?.user ? toWindows(`own user ${user}`, own.user) : []),
    ];
  }

  /** Returns the windows without those of the user; NO_WINDOWS itself: the user has no windows either. */
  #toWindows(sender: Sender, provider: Provider | undefined, tenant: TenantProfile): readonly RateWindow[] {
    const { tenantId, channel } = sender;
    const { own, installation } = this.#getScopes(sender, tenant);
    if (!provider?.limit && !installation && !own) return NO_WINDOWS;
    return [
      ...(provider?.limit ? toWindows(this.#toAccountId(provider, channel), provider.limit) : []),
      ...(installation?.global ? toWindows(`channel ${channel}`, installation.global) : []),
      ...(installation?.tenant ? toWindows(`tenant ${tenantId} ${channel}`, installation.tenant) : []),
      ...(own?.tenant ? toWindows(`own tenant ${tenantId} ${channel}`, own.tenant) : []),
    ];
  }

  /** Providers of the installation may have the same name; each has a limit of its own, on all its channels together. */
  #toAccountId(provider: Provider, channel: Channel): string {
    const { tenantId = '', account, name } = provider;
    if (account !== undefined) return toAccountId(tenantId, account);
    return `account ${tenantId}/${name}@${this.#firstChannels.get(provider) ?? channel}`;
  }

  /** Returns what the tenant and the installation say: both hold. The installation says nothing of test tenants, which send nothing. */
  #getScopes({ tenantId, channel }: Sender, { settings }: TenantProfile) {
    const installation = isTestTenant(tenantId) ? undefined : this.#options.installation[channel];
    return { own: settings.limits?.[channel], installation };
  }
}

/** Returns the id of the rate limit of an account of a tenant. */
export function toAccountId(tenantId: string, account: string): string {
  return `account ${tenantId}/${account}`;
}

/** A hash: what is known of a limit outlives its user. */
function hashUser({ tenantId, channel, userId }: UserSender): string {
  return createHash('sha256')
    .update(JSON.stringify([tenantId, channel, userId]))
    .digest('base64url')
    .slice(0, 22);
}
