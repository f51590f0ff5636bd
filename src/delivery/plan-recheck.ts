import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { BUILT_IN_TYPES } from '../model/built-in-types.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { getPriorityNumber } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { NO_POLICY, type Policy } from '../model/preferences.ts';
import { NO_TERMS } from '../model/terms.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { planChannel, type TimedVerdict } from '../plan/verdicts.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { loadPlanUsers, type StoredPlanUser } from '../store/terms.ts';
import type { RouteCache } from './routes/catalog-routes.ts';

export interface PlanRecheckOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly routes: RouteCache;
  readonly clock: () => Millis;
}

interface Asked {
  readonly delivery: ClaimedDelivery;
  readonly policy: Policy;
  resolve(found: TimedVerdict | undefined): void;
  reject(error: unknown): void;
}

/** The priority of messages that do not wait for quiet hours, as in the decision. HIGH waits. */
const URGENT = getPriorityNumber('URGENT');

/** Users that are loaded by one statement, at most. */
const MAX_TOGETHER = 500;

/**
 * Asks the plan again about claimed deliveries, with the terms of their user and the policy as they are now: what was turned off since
 * the decision is not sent, whatever made the delivery.
 */
export class PlanRecheck {
  readonly #options: PlanRecheckOptions;
  #asked: Asked[] = [];

  constructor(options: PlanRecheckOptions) {
    this.#options = options;
  }

  /**
   * Resolves to the verdict that holds or drops a delivery, and to undefined if it may go.
   * @returns undefined: it may go, since its tenant has neither a policy nor users with terms
   */
  ask(delivery: ClaimedDelivery): Promise<TimedVerdict | undefined> | undefined {
    if (delivery.catalogVersion === FACT_VERSION || CHANNEL_DESCRIPTORS[delivery.channel].isForOthers) return undefined;
    const found = this.#options.routes.find(delivery);
    if (found instanceof Promise) return found.then(({ policy }) => this.#askWith(delivery, policy));
    return this.#askWith(delivery, found.policy);
  }

  #askWith(delivery: ClaimedDelivery, policy: Policy): Promise<TimedVerdict | undefined> | undefined {
    if (policy === NO_POLICY && !delivery.hasTerms) return undefined;
    return new Promise((resolve, reject) => {
      if (this.#asked.length === 0) setImmediate(() => this.#answer());
      this.#asked.push({ delivery, policy, resolve, reject });
    });
  }

  #answer(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (let from = 0; from < asked.length; from += MAX_TOGETHER)
      void this.#answerTogether(asked.slice(from, from + MAX_TOGETHER));
  }

  async #answerTogether(asked: readonly Asked[]): Promise<void> {
    try {
      const users = await loadPlanUsers(
        this.#options.pool,
        asked.map(({ delivery }) => delivery),
      );
      for (const [index, one] of asked.entries()) this.#plan(one, users[index]).then(one.resolve, one.reject);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  async #plan({ delivery, policy }: Asked, user: StoredPlanUser | undefined): Promise<TimedVerdict | undefined> {
    const { tenantId, channel, notificationType, catalogVersion, expiresAt, priority, address } = delivery;
    const terms = user?.terms ?? NO_TERMS;
    if (!user || (terms === NO_TERMS && policy === NO_POLICY)) return undefined;
    const { rules } = await this.#options.catalogs.getVersion(tenantId, catalogVersion);
    const type = rules.notifications.get(notificationType) ?? BUILT_IN_TYPES.get(notificationType);
    if (!type) return undefined;
    const isBoundTo = (_: unknown, { hash }: { readonly hash?: string }) =>
      hash === undefined || address === null || address.hash === hash;
    const planned = planChannel(
      {
        type,
        channels: [channel],
        terms,
        policy,
        user: { ...user, isBoundTo },
        now: this.#options.clock(),
        expiresAt,
        isUrgent: priority === URGENT,
      },
      channel,
    );
    return planned.verdict.verdict === 'go' ? undefined : planned;
  }
}
