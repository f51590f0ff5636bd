import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import type { Quota } from '../model/principal.ts';
import { deleteIdleQuotas, type QuotaUse, shareQuotaUses } from '../store/keys/quota-uses.ts';

/** The window of every quota in ms: as much as it allows may be used at once. */
const WINDOW_MS = 60_000;
/**
 * Time in ms for which a quota can be taken ahead: a window of requests, each of which may cost ten. What is further ahead was noted by a
 * clock that was wrong, and counts as nothing: otherwise a key would be rejected until that time.
 */
const MAX_AHEAD_MS = 11 * WINDOW_MS;
/** Quotas in memory; one takes some 150 bytes. */
const MAX_QUOTAS = 20_000;
/** Time in ms after which uses are shared with the other processes … */
const SHARE_INTERVAL_MS = 1000;
/** … or sooner, once this much of the window was used since: 5% of the limit. */
const SHARE_AT_MS = WINDOW_MS / 20;
/** Sums of intervals are not exact. */
const TOLERANCE_MS = 0.5;
/** Quotas in one statement. */
const MAX_SHARED = 1000;
const CLEAN_INTERVAL_MS = 3_600_000;

/** State of a quota after a request. */
export interface QuotaState {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests that may follow at once. */
  readonly remaining: number;
  /** Seconds after which there is one more, if `remaining` is 0; otherwise, after which all are there again. */
  readonly reset: number;
}

interface Bucket {
  /** Time up to which the quota is taken: a use takes the interval between two uses at its rate. */
  takenUntil: Millis;
  /** Time in ms that uses have taken which are not shared yet. */
  unshared: number;
}

/**
 * Limits of requests per minute (GCRA: a bucket that fills evenly). Decided in memory: no request waits for it. The processes
 * share their uses by a table, once a second or after 5% of the limit, and hold the limit together: each further process may
 * exceed it by some 5%, and what was too much is missing afterwards. While the database is away, each process counts alone.
 */
export class Quotas {
  readonly #pool: pg.Pool;
  readonly #clock: () => Millis;
  readonly #log: Logger;
  readonly #buckets = new LRUCache<string, Bucket>({ max: MAX_QUOTAS });
  readonly #used = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sharing: Promise<void> | undefined;
  #cleanedAt = 0;
  #stopped = false;

  /** @param pool that of the owner */
  constructor(pool: pg.Pool, clock: () => Millis, log: Logger) {
    this.#pool = pool;
    this.#clock = clock;
    this.#log = log;
  }

  /** Uses a quota once, if it allows. */
  use({ id, perMinute }: Quota): QuotaState {
    const now = this.#clock();
    const interval = WINDOW_MS / perMinute;
    const known = this.#buckets.get(id);
    const bucket = known ?? { takenUntil: now, unshared: 0 };
    if (!known) this.#buckets.set(id, bucket);
    if (bucket.takenUntil - now > MAX_AHEAD_MS) bucket.takenUntil = now;
    const takenUntil = Math.max(bucket.takenUntil, now) + interval;
    const allowed = takenUntil - now <= WINDOW_MS + TOLERANCE_MS;
    if (allowed) {
      bucket.takenUntil = takenUntil;
      this.#note(id, bucket, interval, !known);
    }
    return toState(bucket.takenUntil, now, perMinute, allowed);
  }

  /** Uses a quota further times, for a request that was allowed and costs more. It may go into debt. */
  charge({ id, perMinute }: Quota, count: number): QuotaState {
    const now = this.#clock();
    const taken = (WINDOW_MS / perMinute) * count;
    const bucket = this.#buckets.get(id) ?? { takenUntil: now, unshared: 0 };
    bucket.takenUntil = Math.max(bucket.takenUntil, now) + taken;
    this.#buckets.set(id, bucket);
    this.#note(id, bucket, taken, false);
    return toState(bucket.takenUntil, now, perMinute, true);
  }

  /** Shares what is not shared yet, and ends the sharing. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sharing;
    await this.#share();
  }

  #note(id: string, bucket: Bucket, taken: number, isNew: boolean): void {
    bucket.unshared += taken;
    this.#used.add(id);
    if (this.#stopped || this.#sharing) return;
    if (isNew || bucket.unshared >= SHARE_AT_MS) this.#startSharing();
    else this.#timer ??= setTimeout(() => this.#startSharing(), SHARE_INTERVAL_MS).unref();
  }

  #startSharing(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sharing ??= this.#share().finally(() => {
      this.#sharing = undefined;
      if (this.#used.size > 0 && !this.#stopped) {
        this.#timer ??= setTimeout(() => this.#startSharing(), SHARE_INTERVAL_MS / 20).unref();
      }
    });
  }

  async #share(): Promise<void> {
    const uses: QuotaUse[] = [];
    for (const id of this.#used) {
      if (uses.length >= MAX_SHARED) break;
      this.#used.delete(id);
      const bucket = this.#buckets.get(id);
      if (!bucket || bucket.unshared === 0) continue;
      uses.push({ id, taken: bucket.unshared });
      bucket.unshared = 0;
    }
    if (uses.length === 0) return;
    const now = this.#clock();
    try {
      const shared = await shareQuotaUses(this.#pool, uses, now, MAX_AHEAD_MS);
      for (const [id, takenUntil] of shared) {
        const bucket = this.#buckets.get(id);
        if (bucket) bucket.takenUntil = takenUntil + bucket.unshared;
      }
      if (now - this.#cleanedAt > CLEAN_INTERVAL_MS) {
        this.#cleanedAt = now;
        await deleteIdleQuotas(this.#pool, now - WINDOW_MS);
      }
    } catch (error) {
      // Counted here, and unknown to the others.
      this.#log.debug({ err: error }, 'uses of quotas were not shared');
    }
  }
}

function toState(takenUntil: Millis, now: Millis, perMinute: number, allowed: boolean): QuotaState {
  const interval = WINDOW_MS / perMinute;
  const free = WINDOW_MS - (takenUntil - now);
  const remaining = Math.max(0, Math.floor((free + TOLERANCE_MS) / interval));
  const wait = remaining > 0 ? takenUntil - now : interval - free;
  return { allowed, limit: perMinute, remaining, reset: Math.max(1, Math.ceil(wait / 1000)) };
}
