import { appendTo } from '../../lib/group-by.ts';
import type { Wait } from '../facts.ts';

/** Up to this many waits, a scan costs less than an index. */
export const MAX_SCANNED_WAITS = 16;

/** The waits of one user, by id. */
export type UserWaits = Map<string, Wait>;

/** The waits of one rule. */
interface WaitsOfRule {
  readonly byKey: Map<string, Wait[]>;
  /** The catalog versions that they began with. */
  readonly versions: Set<number>;
}

interface WaitIndex {
  readonly byRule: Map<string, WaitsOfRule>;
  /** Yields the waits that were added since; never read to its end, which would be final. */
  readonly added: Iterator<Wait>;
  read: number;
}

/** Waits are only added while events are decided, so an index is brought up to date when it is used. */
const indexes = new WeakMap<UserWaits, WaitIndex>();

/** Returns the waits of a rule with this key, in any order. Not to be changed, and not to be kept. */
export function findWaitsOfRule(waits: UserWaits, rule: string, key: string): readonly Wait[] {
  if (waits.size > MAX_SCANNED_WAITS) return getWaitIndex(waits).byRule.get(rule)?.byKey.get(key) ?? NO_WAITS;
  let found: Wait[] | undefined;
  for (const wait of waits.values()) {
    if (wait.rule !== rule || wait.key !== key) continue;
    found ??= [];
    found.push(wait);
  }
  return found ?? NO_WAITS;
}

/** Returns the rules of the waits with the catalog versions that they began with. */
export function listRulesOfWaits(waits: UserWaits): { readonly rule: string; readonly version: number }[] {
  return [...getWaitIndex(waits).byRule].flatMap(([rule, { versions }]) =>
    [...versions].map((version) => ({ rule, version })),
  );
}

/** Must be called after waits were removed or replaced, which only a replay does. */
export function forgetWaitIndex(waits: UserWaits): void {
  indexes.delete(waits);
}

const NO_WAITS: readonly Wait[] = [];

function getWaitIndex(waits: UserWaits): WaitIndex {
  let index = indexes.get(waits);
  if (!index) {
    index = { byRule: new Map(), added: waits.values(), read: 0 };
    indexes.set(waits, index);
  }
  for (; index.read < waits.size; index.read++) addWait(index.byRule, index.added.next().value as Wait);
  return index;
}

function addWait(byRule: Map<string, WaitsOfRule>, wait: Wait): void {
  let ofRule = byRule.get(wait.rule);
  if (!ofRule) {
    ofRule = { byKey: new Map(), versions: new Set() };
    byRule.set(wait.rule, ofRule);
  }
  ofRule.versions.add(wait.catalogVersion);
  appendTo(ofRule.byKey, wait.key, wait);
}
