import { hash } from 'node:crypto';
import { errors, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Issuer } from '../store/members/issuers.ts';
import { toKeySet } from './key-set.ts';

/** Bytes of a JWK set, fetched or static, and the time in ms within which it must arrive. */
export const MAX_SET_BYTES = 64 * 1024;
const MAX_FETCH_MS: Millis = 4000;
/** Bounds of the cache: sets, and their bytes. A tenant has at most MAX_ISSUERS of them. */
const MAX_SETS = 1000;
const MAX_CACHED_BYTES = 16 * 1024 * 1024;
/** Age in ms from which a set is fetched again while it still serves, and from which it serves no more. */
const REFRESH_AFTER_MS: Millis = 10 * 60_000;
const MAX_AGE_MS: Millis = 24 * 3_600_000;
/** Time in ms between two fetches of a set, however many tokens name a key that it does not have, or however often it fails. */
const MIN_FETCH_PAUSE_MS: Millis = 30_000;
/** Fetches under way: in all, and of one tenant. */
const MAX_FETCHES = 16;
const MAX_FETCHES_OF_TENANT = 2;

/** The keys of an issuer cannot be had at present. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
  /** Seconds after which another try is worth it. */
  readonly retryAfter = MIN_FETCH_PAUSE_MS / 1000;
}

interface CachedSet {
  readonly url: string;
  keys: JWTVerifyGetKey | null;
  bytes: number;
  fetchedAt: Millis;
  /** The latest fetch, whether it succeeded or not. */
  triedAt: Millis;
  pending: Promise<void> | null;
}

/**
 * Keys of issuers: static ones, or JWK sets fetched by their URLs. A set is fetched once, however many tokens wait for it, and an
 * issuer whose server is slow or gone keeps no other caller waiting.
 */
export class IssuerKeys {
  readonly #client: GuardedClient;
  readonly #elapsed: () => Millis;
  readonly #sets = new LRUCache<string, CachedSet>({
    max: MAX_SETS,
    maxSize: MAX_CACHED_BYTES,
    sizeCalculation: ({ bytes }) => bytes + 512,
  });
  /** Static keys by a hash of them. A key is imported once, not for each token: that takes up to some ms. */
  readonly #static = new LRUCache<string, { readonly pick: JWTVerifyGetKey; readonly bytes: number }>({
    max: MAX_SETS,
    maxSize: MAX_CACHED_BYTES,
    sizeCalculation: ({ bytes }) => bytes + 512,
  });
  readonly #fetches = new Map<string, number>();
  #fetchCount = 0;

  /** @param elapsed a clock that is never set back, in ms */
  constructor(client: GuardedClient, elapsed: () => Millis = () => performance.now()) {
    this.#client = client;
    this.#elapsed = elapsed;
  }

  /** Returns what picks the key of a token of this issuer. It throws KeysUnavailableError, and errors of jose. */
  pick(issuer: Issuer): JWTVerifyGetKey {
    const { publicKeys, jwksUrl } = issuer;
    if (jwksUrl === null) return this.#pickStatic(publicKeys);
    return async (header, token) => {
      const id = `${issuer.tenantId}\n${issuer.issuer}`;
      const set = this.#getSet(id, jwksUrl);
      const age = this.#elapsed() - set.fetchedAt;
      if (!set.keys || age > MAX_AGE_MS) await this.#fetch(id, issuer.tenantId, set);
      else if (age > REFRESH_AFTER_MS) void this.#fetch(id, issuer.tenantId, set).catch(() => {});
      if (!set.keys || this.#elapsed() - set.fetchedAt > MAX_AGE_MS) {
        throw new KeysUnavailableError('the key set of the issuer cannot be fetched');
      }
      try {
        return await set.keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        // The issuer may have a new key.
        const { fetchedAt } = set;
        await this.#fetch(id, issuer.tenantId, set);
        if (set.fetchedAt === fetchedAt) throw error;
        return set.keys(header, token);
      }
    };
  }

  #pickStatic(publicKeys: JsonObject | null): JWTVerifyGetKey {
    const text = JSON.stringify(publicKeys);
    const id = hash('sha256', text);
    const known = this.#static.get(id);
    if (known) return known.pick;
    const pick = toKeySet(publicKeys);
    this.#static.set(id, { pick, bytes: text.length });
    return pick;
  }

  #getSet(id: string, url: string): CachedSet {
    const known = this.#sets.get(id);
    if (known?.url === url) return known;
    const never = Number.NEGATIVE_INFINITY;
    const set: CachedSet = { url, keys: null, bytes: 0, fetchedAt: never, triedAt: never, pending: null };
    this.#sets.set(id, set);
    return set;
  }

  /** Fetches a set, unless it was tried a moment ago or too many fetches are under way; a failure leaves it as it is. */
  #fetch(id: string, tenantId: string, set: CachedSet): Promise<void> {
    if (set.pending) return set.pending;
    const ofTenant = this.#fetches.get(tenantId) ?? 0;
    const isTooSoon = this.#elapsed() - set.triedAt < MIN_FETCH_PAUSE_MS;
    if (isTooSoon || ofTenant >= MAX_FETCHES_OF_TENANT || this.#fetchCount >= MAX_FETCHES) return Promise.resolve();
    set.triedAt = this.#elapsed();
    this.#fetchCount++;
    this.#fetches.set(tenantId, ofTenant + 1);
    set.pending = this.#load(id, set).finally(() => {
      set.pending = null;
      this.#fetchCount--;
      const left = (this.#fetches.get(tenantId) ?? 1) - 1;
      if (left > 0) this.#fetches.set(tenantId, left);
      else this.#fetches.delete(tenantId);
    });
    return set.pending;
  }

  async #load(id: string, set: CachedSet): Promise<void> {
    try {
      const { status, body } = await this.#client.send(set.url, {
        headers: { accept: 'application/json' },
        maxBytes: MAX_SET_BYTES,
        maxMillis: MAX_FETCH_MS,
      });
      if (status !== 200) return;
      set.keys = toKeySet(JSON.parse(body));
      set.bytes = body.length;
      set.fetchedAt = this.#elapsed();
      // Counts its bytes. A set of another URL may have taken its place meanwhile.
      if (this.#sets.peek(id) === set) this.#sets.set(id, set);
    } catch {
      // The fault is that of the issuer; the next try comes after the pause.
    }
  }
}
