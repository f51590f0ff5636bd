import type { CatalogData, Event, JsonObject, NotificationType, Rule } from '../model.ts';
import { type Condition, compileCondition } from './condition.ts';
import type { HistoryNeed, LimitNeed } from './facts.ts';
import { limitNeed, storable } from './limits.ts';

export interface CompiledRule {
  readonly rule: Rule;
  readonly condition: Condition | undefined;
}

/** The rules of one catalog version, found by the event types they listen to: the cost of an event is theirs alone. */
export interface RuleSet {
  readonly version: number;
  readonly byTrigger: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules that wait for this type as the earlier event of their pattern. */
  readonly byEarlier: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly notifications: ReadonlyMap<string, NotificationType>;
}

/** Throws on a condition that does not compile: the catalog was checked when it was read. */
export function compileRules(version: number, data: CatalogData): RuleSet {
  const byTrigger = new Map<string, CompiledRule[]>();
  const byEarlier = new Map<string, CompiledRule[]>();
  for (const rule of data.rules) {
    const compiled = { rule, condition: rule.when === undefined ? undefined : conditionOf(rule.name, rule.when) };
    for (const type of rule.on) add(byTrigger, type, compiled);
    if (rule.after) add(byEarlier, rule.after.event, compiled);
  }
  const notifications = new Map(data.notifications.map((type) => [type.name, type]));
  return { version, byTrigger, byEarlier, notifications };
}

/** What must be known of the person before an event of this type and time can be decided. */
export function historyNeeds(rules: RuleSet, type: string, time: number): HistoryNeed[] {
  const needs: HistoryNeed[] = [];
  for (const { rule } of rules.byTrigger.get(type) ?? []) {
    if (!rule.after) continue;
    needs.push({ kind: 'latest', type: rule.after.event, from: storable(time - rule.after.within), to: time });
  }
  for (const { rule } of rules.byEarlier.get(type) ?? []) {
    const { event: earlier, within } = rule.after as NonNullable<Rule['after']>;
    for (const trigger of rule.on) {
      needs.push({ kind: 'waiting', type: trigger, from: time, to: storable(time + within), earlier, within });
    }
  }
  return needs;
}

export function limitNeeds(rules: RuleSet, event: Event): LimitNeed[] {
  const { type, time } = event;
  const needs: LimitNeed[] = [];
  for (const { rule, condition } of rules.byTrigger.get(type) ?? []) {
    // A look-up costs ten times the condition, and what the condition refuses is never counted.
    if (rule.limits.length === 0 || (condition && refuses(condition, event))) continue;
    for (const limit of rule.limits) needs.push(limitNeed(rule.name, limit, time, time));
  }
  for (const { rule } of rules.byEarlier.get(type) ?? []) {
    const within = rule.after?.within ?? 0;
    for (const limit of rule.limits) needs.push(limitNeed(rule.name, limit, time, time + within));
  }
  return needs;
}

/** The condition is not true whatever the profile says: it does not ask. */
function refuses(condition: Condition, { properties, traits }: Event): boolean {
  if (condition.fields.some((field) => field === 'user' || field.startsWith('user.') || field.startsWith('user[')))
    return false;
  return condition.evaluate({ event: properties, traits, user: {} }).kind !== 'true';
}

function conditionOf(rule: string, expression: string): Condition {
  const anything: { event?: JsonObject } = {};
  const compiled = compileCondition(expression, anything);
  if ('problems' in compiled) {
    throw new Error(`rule ${rule}: ${compiled.problems.map((problem) => problem.message).join('; ')}`);
  }
  return compiled.condition;
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
