import type { Millis } from '../../model/event.ts';
import type { Ids, Wait } from '../facts.ts';
import { partition } from './in-order.ts';

/** Up to this many waits, a scan costs less than an index. */
export const MAX_SCANNED_WAITS = 16;

/** The waits of one user, by id. */
export type UserWaits = Map<string, Wait>;

/** The waits of one rule. */
interface WaitsOfRule {
  readonly byKey: Map<string, WaitsOfKey>;
  /** The catalog versions that they began with. */
  readonly versions: Set<number>;
}

/** A window and when it started, as far as the index knows. */
interface IndexedWindow {
  readonly first: Millis;
  readonly wait: Wait;
}

/** The waits of one rule and key. */
interface WaitsOfKey {
  readonly waits: Wait[];
  /** Bursts and digests in order of their first time. */
  readonly windows: IndexedWindow[];
  /** The longest time from the first time of a window to when it was ever due. */
  longest: Millis;
  /** By what they are grouped by, and by the name of the group. */
  readonly groups: Map<WaitGrouping, WaitGroups>;
}

interface WaitGroups {
  readonly byName: Map<string, Wait[]>;
  readonly ids: Ids;
  /** Waits that are in the groups. */
  read: number;
}

/** A way to divide waits into groups. One object for each rule: it is the identity of the index. */
export interface WaitGrouping {
  /** Returns the name of the group; undefined for a wait in no group. */
  nameOf(wait: Wait, ids: Ids): string | undefined;
}

interface WaitIndex {
  readonly byRule: Map<string, WaitsOfRule>;
  /** Yields the waits that were added since; never read to its end, which would be final. */
  readonly added: Iterator<Wait>;
  read: number;
}

/** Waits are only added while events are decided, so an index is brought up to date when it is used. */
const indexes = new WeakMap<UserWaits, WaitIndex>();

/** The rule and key of waits. */
type RuleAndKey = Pick<Wait, 'rule' | 'key'>;

/** Returns the waits of a rule with this key, in any order; of all keys without one. Not to be changed, and not to be kept. */
export function findWaitsOfRule(waits: UserWaits, rule: string, key?: string): readonly Wait[] {
  if (waits.size > MAX_SCANNED_WAITS) {
    const byKey = getWaitIndex(waits).byRule.get(rule)?.byKey;
    if (key !== undefined) return byKey?.get(key)?.waits ?? NO_WAITS;
    return byKey ? [...byKey.values()].flatMap((ofKey) => ofKey.waits) : NO_WAITS;
  }
  let found: Wait[] | undefined;
  for (const wait of waits.values()) {
    if (wait.rule !== rule || (key !== undefined && wait.key !== key)) continue;
    found ??= [];
    found.push(wait);
  }
  return found ?? NO_WAITS;
}

/** Returns the bursts and digests of a rule and key that start from `from` to `to`, both included; in any order. */
export function windowsStarting(
  waits: UserWaits,
  { rule, key }: RuleAndKey,
  from: Millis,
  to: Millis,
): readonly Wait[] {
  if (waits.size <= MAX_SCANNED_WAITS) {
    return findWaitsOfRule(waits, rule, key).filter((wait) => from <= firstOf(wait) && firstOf(wait) <= to);
  }
  const { windows } = getWaitIndex(waits).byRule.get(rule)?.byKey.get(key) ?? NO_KEY;
  const start = partition(windows, ({ first }) => first < from);
  const found: Wait[] = [];
  for (let index = start; index < windows.length && (windows[index] as IndexedWindow).first <= to; index++) {
    found.push((windows[index] as IndexedWindow).wait);
  }
  return found;
}

/** Returns the bursts and digests of a rule and key that start from `from` to `to`, or earlier and may reach `from`. */
export function windowsReaching(waits: UserWaits, of: RuleAndKey, from: Millis, to: Millis): readonly Wait[] {
  if (waits.size <= MAX_SCANNED_WAITS) return findWaitsOfRule(waits, of.rule, of.key);
  const { longest } = getWaitIndex(waits).byRule.get(of.rule)?.byKey.get(of.key) ?? NO_KEY;
  return windowsStarting(waits, of, from - longest, to);
}

/**
 * Returns the waits of a rule and key that may be in this group: a burst stays in the groups of its earlier triggers. In any
 * order. Not to be changed, and not to be kept.
 */
export function waitsOfGroup(
  waits: UserWaits,
  { rule, key }: RuleAndKey,
  grouping: WaitGrouping,
  name: string,
  ids: Ids,
): readonly Wait[] {
  if (waits.size <= MAX_SCANNED_WAITS) return findWaitsOfRule(waits, rule, key);
  const ofKey = getWaitIndex(waits).byRule.get(rule)?.byKey.get(key);
  if (!ofKey) return NO_WAITS;
  let groups = ofKey.groups.get(grouping);
  if (!groups) {
    groups = { byName: new Map(), ids, read: 0 };
    ofKey.groups.set(grouping, groups);
  }
  for (; groups.read < ofKey.waits.length; groups.read++) {
    addToGroup(groups, grouping, ofKey.waits[groups.read] as Wait);
  }
  return groups.byName.get(name) ?? NO_WAITS;
}

/**
 * Must be called when the due time or the state of a wait was changed.
 * @param firstBefore its first time before
 */
export function updateWaitIndex(waits: UserWaits, wait: Wait, firstBefore: Millis): void {
  const ofKey = indexes.get(waits)?.byRule.get(wait.rule)?.byKey.get(wait.key);
  if (!ofKey || !isWindow(wait)) return;
  const { windows, groups } = ofKey;
  let index = partition(windows, ({ first }) => first < firstBefore);
  while (windows[index]?.first === firstBefore && windows[index]?.wait !== wait) index++;
  // One that was added since the index was used will be read with its present times.
  if (windows[index]?.wait !== wait) return;
  ofKey.longest = Math.max(ofKey.longest, wait.dueAt - firstOf(wait));
  if (firstOf(wait) !== firstBefore) {
    windows.splice(index, 1);
    addWindow(ofKey, wait);
  }
  for (const [grouping, built] of groups) addToGroup(built, grouping, wait);
}

/** Returns the rules of the waits with the catalog versions that they began with. */
export function listRulesOfWaits(waits: UserWaits): { readonly rule: string; readonly version: number }[] {
  return [...getWaitIndex(waits).byRule].flatMap(([rule, { versions }]) =>
    [...versions].map((version) => ({ rule, version })),
  );
}

/** Must be called after waits were removed or replaced, or got another key or catalog version. */
export function forgetWaitIndex(waits: UserWaits): void {
  indexes.delete(waits);
}

const NO_WAITS: readonly Wait[] = [];
const NO_KEY: Pick<WaitsOfKey, 'windows' | 'longest'> = { windows: [], longest: 0 };

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
  let ofKey = ofRule.byKey.get(wait.key);
  if (!ofKey) {
    ofKey = { waits: [], windows: [], longest: 0, groups: new Map() };
    ofRule.byKey.set(wait.key, ofKey);
  }
  ofKey.waits.push(wait);
  if (isWindow(wait)) addWindow(ofKey, wait);
}

function addWindow(ofKey: WaitsOfKey, wait: Wait): void {
  const first = firstOf(wait);
  const last = ofKey.windows.at(-1);
  const index =
    !last || last.first <= first ? ofKey.windows.length : partition(ofKey.windows, (one) => one.first <= first);
  ofKey.windows.splice(index, 0, { first, wait });
  ofKey.longest = Math.max(ofKey.longest, wait.dueAt - first);
}

function addToGroup({ byName, ids }: WaitGroups, grouping: WaitGrouping, wait: Wait): void {
  const name = grouping.nameOf(wait, ids);
  if (name === undefined) return;
  const group = byName.get(name);
  if (!group) byName.set(name, [wait]);
  else if (group.at(-1) !== wait) group.push(wait);
}

function isWindow({ kind }: Wait): boolean {
  return kind === 'debounce' || kind === 'digest';
}

function firstOf({ state, triggerTime }: Wait): Millis {
  return state.first ?? triggerTime;
}
