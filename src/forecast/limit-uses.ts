import type pg from 'pg';
import { type Facts, loadLimitUses } from '../ingest/load-facts.ts';
import type { LimitLookup } from '../rules/facts.ts';

interface Lookup {
  readonly userId: string;
  readonly need: LimitLookup;
}

/** The uses of limits that were loaded for one user. Each limit is looked up once for all the times that are known in advance. */
export class LimitUses {
  readonly #connection: pg.PoolClient;
  readonly #facts: Facts;
  /** Ranges of buckets, by limit key. */
  readonly #loaded = new Map<string, LimitLookup>();

  constructor(connection: pg.PoolClient, facts: Facts) {
    this.#connection = connection;
    this.#facts = facts;
  }

  /** Loads those among these uses that were not loaded before. */
  async load(asked: readonly Lookup[]): Promise<void> {
    const missing = new Map<string, Lookup>();
    for (const { userId, need } of asked) {
      if (covers(this.#loaded.get(need.limitKey), need)) continue;
      missing.set(need.limitKey, { userId, need: unite(missing.get(need.limitKey)?.need, need) });
    }
    if (missing.size === 0) return;
    await loadLimitUses(this.#connection, this.#facts, this.#facts.tenantId, [...missing.values()]);
    for (const [key, { need }] of missing) this.#loaded.set(key, unite(this.#loaded.get(key), need));
  }
}

function covers(loaded: LimitLookup | undefined, { from, to }: LimitLookup): boolean {
  return loaded !== undefined && loaded.from <= from && loaded.to >= to;
}

function unite(one: LimitLookup | undefined, other: LimitLookup): LimitLookup {
  if (!one) return other;
  const { limitKey } = other;
  return { limitKey, from: one.from < other.from ? one.from : other.from, to: one.to > other.to ? one.to : other.to };
}
