import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { groupBy } from '../lib/group-by.ts';
import { BUILT_IN_TYPES } from '../model/built-in-types.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import { ADDRESS_USER, getAddressHash } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import { NO_POLICY, type Policy } from '../model/preferences.ts';
import { NO_TERMS } from '../model/terms.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { replanChannel } from '../plan/replan.ts';
import type { TimedVerdict } from '../plan/verdicts.ts';
import { findUsersByAddress } from '../store/addresses.ts';
import type { ClaimedDelivery, PlannedHold } from '../store/deliveries/claimed-delivery.ts';
import { loadPlanUsers, type StoredPlanUser } from '../store/terms.ts';
import { withTermsOfAddress } from '../users/terms.ts';
import type { RouteCache } from './routes/catalog-routes.ts';

export interface PlanRecheckOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly routes: RouteCache;
  readonly clock: () => Millis;
}

/** A verdict that holds or drops a claimed delivery. */
export interface RecheckedVerdict extends TimedVerdict, PlannedHold {}

interface Asked {
  readonly delivery: ClaimedDelivery;
  readonly policy: Policy;
  resolve(found: RecheckedVerdict | undefined): void;
  reject(error: unknown): void;
}

/** A user whose terms are asked. */
interface AskedUser extends StoredPlanUser {
  /** The user who is known by the address alone, whose terms are among theirs. */
  readonly ofAddress?: StoredPlanUser;
}

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
  ask(delivery: ClaimedDelivery): Promise<RecheckedVerdict | undefined> | undefined {
    if (delivery.catalogVersion === FACT_VERSION || CHANNEL_DESCRIPTORS[delivery.channel].isForOthers) return undefined;
    const found = this.#options.routes.find(delivery);
    if (found instanceof Promise) return found.then(({ policy }) => this.#askWith(delivery, policy));
    return this.#askWith(delivery, found.policy);
  }

  #askWith(delivery: ClaimedDelivery, policy: Policy): Promise<RecheckedVerdict | undefined> | undefined {
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
      const { pool } = this.#options;
      const deliveries = asked.map(({ delivery }) => delivery);
      const users = await loadUsers(pool, deliveries);
      const holders = await loadHolders(pool, deliveries);
      for (const [index, one] of asked.entries())
        this.#planForAll(one, [users[index], ...(holders.get(one.delivery) ?? [])]).then(one.resolve, one.reject);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  /** Returns the first verdict for any of these users that does not let the delivery go. */
  async #planForAll(asked: Asked, users: readonly (AskedUser | undefined)[]): Promise<RecheckedVerdict | undefined> {
    for (const user of users) {
      const found = await this.#plan(asked, user);
      if (found) return found;
    }
    return undefined;
  }

  async #plan({ delivery, policy }: Asked, user: AskedUser | undefined): Promise<RecheckedVerdict | undefined> {
    const { tenantId, channel, notificationType, catalogVersion, expiresAt, priority, address } = delivery;
    const terms = user?.terms ?? NO_TERMS;
    if (!user || (terms === NO_TERMS && policy === NO_POLICY)) return undefined;
    const { rules } = await this.#options.catalogs.getVersion(tenantId, catalogVersion);
    const type = rules.notifications.get(notificationType) ?? BUILT_IN_TYPES.get(notificationType);
    if (!type) return undefined;
    const isBoundTo = (_: unknown, { hash }: { readonly hash?: string }) =>
      hash === undefined || address === null || address.hash === hash;
    const asked = {
      type,
      terms,
      policy,
      user: { ...user, isBoundTo },
      now: this.#options.clock(),
      expiresAt,
      priority,
    };
    const planned = replanChannel(asked, channel);
    const users = user.ofAddress ? [user, user.ofAddress] : [user];
    return planned && { ...planned, users, gap: type.firstOf?.wait };
  }
}

/**
 * Returns the user of each delivery, with what was said for its address before: the user who was known by it alone may have turned something
 * off, and the address may be that of a user with an id since.
 */
async function loadUsers(
  pool: pg.Pool,
  deliveries: readonly ClaimedDelivery[],
): Promise<readonly (AskedUser | undefined)[]> {
  const addressed = deliveries.flatMap(({ tenantId, userId, address }, index) => {
    const id = address && `${ADDRESS_USER}${address.hash}`;
    return id === null || id === userId ? [] : [{ tenantId, userId: id, index }];
  });
  const found = await loadPlanUsers(pool, [...deliveries, ...addressed]);
  const users: (AskedUser | undefined)[] = found.slice(0, deliveries.length);
  for (const [place, { index }] of addressed.entries()) {
    const user = users[index];
    const ofAddress = found[deliveries.length + place];
    if (user && ofAddress?.terms)
      users[index] = { ...user, terms: withTermsOfAddress(user.terms ?? NO_TERMS, ofAddress.terms), ofAddress };
  }
  return users;
}

/**
 * Returns, for each delivery to a user who is known by an address alone, the users who have that address: those who have got it since
 * the decision say what goes to it. Asks nothing without such deliveries.
 */
async function loadHolders(
  pool: pg.Pool,
  deliveries: readonly ClaimedDelivery[],
): Promise<ReadonlyMap<ClaimedDelivery, readonly StoredPlanUser[]>> {
  const found = new Map<ClaimedDelivery, readonly StoredPlanUser[]>();
  const named = deliveries.flatMap((delivery) => {
    const hash = getAddressHash(delivery.userId);
    return hash === undefined ? [] : [{ delivery, tenantId: delivery.tenantId, hash }];
  });
  for (const [tenantId, own] of groupBy(named, (one) => one.tenantId)) {
    const byHash = await findUsersByAddress(pool, tenantId, [...new Set(own.map(({ hash }) => hash))]);
    const ids = new Set([...byHash.values()].flatMap((users) => users.map(({ userId }) => userId)));
    const asked = [...ids].filter((id) => getAddressHash(id) === undefined).map((userId) => ({ tenantId, userId }));
    if (asked.length === 0) continue;
    const users = new Map((await loadPlanUsers(pool, asked)).flatMap((user) => (user ? [[user.userId, user]] : [])));
    for (const { delivery, hash } of own)
      found.set(
        delivery,
        (byHash.get(hash) ?? []).flatMap(({ userId }) => users.get(userId) ?? []),
      );
  }
  return found;
}
