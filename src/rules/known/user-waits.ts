import type { Wait } from '../facts.ts';

/** Up to this many waits, a scan costs less than an index. */
const MAX_SCANNED_WAITS = 16;

/** The waits of one rule. */
interface WaitsOfRule {
  readonly byKey: Map<string, Wait[]>;
  /** The catalog versions that they began with, and perhaps some more. */
  readonly versions: Set<number>;
}

/** The waits of one user by id, and by rule and key. */
export class UserWaits extends Map<string, Wait> {
  /** Built when there are many. */
  #byRule: Map<string, WaitsOfRule> | undefined;

  constructor(waits: Iterable<Wait> = []) {
    super();
    for (const wait of waits) this.set(wait.waitId, wait);
  }

  override set(waitId: string, wait: Wait): this {
    const before = this.#byRule && this.get(waitId);
    super.set(waitId, wait);
    // A changed copy, which only a replay makes.
    if (before) this.#byRule = undefined;
    else if (this.#byRule) addWait(this.#byRule, wait);
    return this;
  }

  override delete(waitId: string): boolean {
    this.#byRule = undefined;
    return super.delete(waitId);
  }

  /** Returns the waits of a rule with this key, in any order. */
  ofRule(rule: string, key: string): readonly Wait[] {
    if (this.size > MAX_SCANNED_WAITS) return this.#index().get(rule)?.byKey.get(key) ?? NO_WAITS;
    const found: Wait[] = [];
    for (const wait of this.values()) if (wait.rule === rule && wait.key === key) found.push(wait);
    return found;
  }

  /**
   * Returns the waits that an event may concern, in any order.
   * @param getKey returns the key of those of a rule and catalog version; undefined if the event does not concern them
   */
  *concernedBy(getKey: (rule: string, version: number) => string | undefined): Iterable<Wait> {
    if (this.size <= MAX_SCANNED_WAITS) {
      for (const wait of this.values()) if (getKey(wait.rule, wait.catalogVersion) === wait.key) yield wait;
      return;
    }
    for (const [rule, { byKey, versions }] of this.#index()) {
      for (const version of versions) {
        const key = getKey(rule, version);
        if (key === undefined) continue;
        for (const wait of byKey.get(key) ?? []) if (wait.catalogVersion === version) yield wait;
      }
    }
  }

  #index(): ReadonlyMap<string, WaitsOfRule> {
    if (!this.#byRule) {
      this.#byRule = new Map();
      for (const wait of this.values()) addWait(this.#byRule, wait);
    }
    return this.#byRule;
  }
}

const NO_WAITS: readonly Wait[] = [];

function addWait(byRule: Map<string, WaitsOfRule>, wait: Wait): void {
  let ofRule = byRule.get(wait.rule);
  if (!ofRule) {
    ofRule = { byKey: new Map(), versions: new Set() };
    byRule.set(wait.rule, ofRule);
  }
  ofRule.versions.add(wait.catalogVersion);
  const ofKey = ofRule.byKey.get(wait.key);
  if (ofKey) ofKey.push(wait);
  else ofRule.byKey.set(wait.key, [wait]);
}
