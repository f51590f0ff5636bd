import { createHash } from 'node:crypto';
import type { Provider } from '../channels/provider.ts';
import type { Channel } from '../model/delivery.ts';
import { isTestTenant } from '../model/principal.ts';
import { type ChannelLimits, type RateWindow, toWindows } from '../model/rate-limit.ts';
import type { TenantProfile } from '../model/tenant.ts';

/** Who is limited by the messages that one sends. */
export interface Sender {
  readonly tenantId: string;
  readonly channel: Channel;
}

const NO_WINDOWS: readonly RateWindow[] = [];
const NO_LIMITS: ChannelLimits = {};

export interface SendLimitsOptions {
  /** Limits of the installation: of all tenants together, and of each tenant and user without one of its own. */
  readonly installation: ChannelLimits;
  /** Returns the settings of a tenant, which may have limits of the tenant and its users. */
  readonly getTenant: (tenantId: string) => TenantProfile | Promise<TenantProfile>;
}

/** Finds the rate limits that concern a message: of its account, and of its channel for all, its tenant and its user. */
export class SendLimits {
  readonly #options: SendLimitsOptions;

  constructor(options: SendLimitsOptions) {
    this.#options = options;
  }

  /** Returns the windows that concern what a tenant sends on a channel by a provider; a promise only if it has to load. */
  find(sender: Sender, provider: Provider): readonly RateWindow[] | Promise<readonly RateWindow[]> {
    const found = this.#options.getTenant(sender.tenantId);
    return found instanceof Promise ? found.then((tenant) => this.#of(sender, provider, tenant)) : this.#of(sender, provider, found);
  }

  /** As `find`, with those of the user. */
  findAll(
    sender: Sender & { readonly userId: string },
    provider: Provider,
  ): readonly RateWindow[] | Promise<readonly RateWindow[]> {
    const all = (tenant: TenantProfile) => {
      const windows = this.#of(sender, provider, tenant);
      const user = this.#getScopes(sender, tenant)?.user;
      return user ? [...windows, ...toWindows(toUserId(sender), user)] : windows;
    };
    const found = this.#options.getTenant(sender.tenantId);
    return found instanceof Promise ? found.then(all) : all(found);
  }

  #of(sender: Sender, provider: Provider, tenant: TenantProfile): readonly RateWindow[] {
    const { tenantId, channel } = sender;
    const global = isTestTenant(tenantId) ? undefined : this.#options.installation[channel]?.global;
    const own = this.#getScopes(sender, tenant)?.tenant;
    if (!provider.limit && !global && !own) return NO_WINDOWS;
    return [
      ...(provider.limit ? toWindows(toAccountId(provider), provider.limit) : []),
      ...(global ? toWindows(`channel ${channel}`, global) : []),
      ...(own ? toWindows(`tenant ${tenantId} ${channel}`, own) : []),
    ];
  }

  /** What a tenant says of itself holds; the installation speaks for the rest, but not for test tenants, which send nothing. */
  #getScopes({ tenantId, channel }: Sender, { settings }: TenantProfile) {
    const defaults = isTestTenant(tenantId) ? undefined : this.#options.installation[channel];
    const own = (settings.limits ?? NO_LIMITS)[channel];
    return own && defaults ? { ...defaults, ...own } : (own ?? defaults);
  }
}

function toAccountId({ tenantId = '', account, name }: Provider): string {
  return `account ${tenantId}/${account ?? name}`;
}

/** A hash: what is known of a limit outlives its user. */
function toUserId({ tenantId, channel, userId }: Sender & { readonly userId: string }): string {
  return `user ${createHash('sha256').update(JSON.stringify([tenantId, channel, userId])).digest('base64url').slice(0, 22)}`;
}
