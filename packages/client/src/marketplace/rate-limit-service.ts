import { TidingsApiError } from '../api-error.ts';
import type { CallOptions } from '../connection.ts';
import { etagOf } from '../etag.ts';
import type { Tidings } from '../tidings.ts';
import type { Tenant } from '../types.ts';
import type { NotificationChannel } from './enums.ts';

/** Messages that a rule counts: those of each user, or all of the tenant. */
export type RateLimitScope = 'USER' | 'TENANT';

/** At least one of the periods. What is beyond them waits; nothing is dropped. */
export interface RateLimitRule {
  readonly maxPerMinute?: number;
  readonly maxPerHour?: number;
  readonly maxPerDay?: number;
  /** Messages that may follow at once in the shortest period given. */
  readonly burstLimit?: number;
}

/** Attempts at a change that other programs come before. */
const MAX_ATTEMPTS = 5;

/** Sets rate limits of channels: the setting `limits` of the tenant. */
export class RateLimitService {
  readonly #tidings: Tidings;

  constructor(tidings: Tidings) {
    this.#tidings = tidings;
  }

  /**
   * Sets the limit of a channel for a scope; the other limits stay. It holds for messages of all processes within 10 seconds.
   * @param rule null removes the limit
   * @throws TidingsApiError for a limit that cannot be; `outdated` if other programs change the tenant all the time
   */
  async setRateLimitRule(
    channel: NotificationChannel,
    scope: RateLimitScope,
    rule: RateLimitRule | null,
    options?: CallOptions,
  ): Promise<Tenant> {
    for (let attempt = 1; ; attempt++) {
      const tenant = await this.#tidings.tenants.getOwn(options);
      const ifMatch = etagOf(tenant);
      const limits = withLimit(tenant.settings.limits, channel, scope, rule);
      try {
        return await this.#tidings.tenants.updateOwn({ settings: { limits } }, { ...options, ifMatch });
      } catch (error) {
        const isOutdated = error instanceof TidingsApiError && error.code === 'outdated';
        if (!isOutdated || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }
}

type Limits = Tenant['settings']['limits'];

function withLimit(limits: Limits, channel: NotificationChannel, scope: RateLimitScope, rule: RateLimitRule | null) {
  const key = scope === 'USER' ? 'user' : 'tenant';
  const { [key]: _replaced, ...others } = limits?.[channel] ?? {};
  const own = { ...others, ...(rule && { [key]: toLimit(rule) }) };
  const { [channel]: _all, ...rest } = limits ?? {};
  return { ...rest, ...(Object.keys(own).length > 0 && { [channel]: own }) };
}

function toLimit({ maxPerMinute, maxPerHour, maxPerDay, burstLimit }: RateLimitRule) {
  return {
    ...(maxPerMinute !== undefined && { per_minute: maxPerMinute }),
    ...(maxPerHour !== undefined && { per_hour: maxPerHour }),
    ...(maxPerDay !== undefined && { per_day: maxPerDay }),
    ...(burstLimit !== undefined && { burst: burstLimit }),
  };
}
