import {
  type Condition,
  compileCondition,
  compileExpression,
  type Declared,
  type Expression,
} from '../expressions/condition.ts';
import type { Action, After, CatalogData, Group, Limit, NotificationType, Rule } from '../model/catalog.ts';
import { PROFILE_UPDATED, type ValidateEvent } from '../model/event.ts';
import { toLimitKey } from './limits.ts';

/** A rule with its expressions compiled. */
export interface CompiledRule {
  readonly rule: Rule;
  /** See typesOf. */
  readonly types: readonly string[];
  readonly condition: Condition | undefined;
  readonly audience: Condition | undefined;
  readonly key: Expression | undefined;
  readonly at: Expression | undefined;
  /** Of each step of `after`; of `count`; of `unless`. */
  readonly sameAfter: readonly (Expression | undefined)[];
  readonly sameCount: Expression | undefined;
  readonly sameUnless: Expression | undefined;
  readonly branches: readonly (Condition | undefined)[];
  readonly data: readonly (readonly [string, Expression])[];
  /** Of each action, by name: the value of a trait, the properties of an event. */
  readonly actions: readonly (readonly (readonly [string, Expression])[])[];
  /** The rule's own limits and those of its group, with where each is counted. */
  readonly limits: readonly BoundLimit[];
  /** Something stands between its trigger and its end. */
  readonly waits: boolean;
  /** What another rule does may end its wait, or begin it anew. */
  readonly endedByRules: boolean;
  /** The condition asks for the time: it can only be judged when a wait ends. */
  readonly usesNow: boolean;
  /** The condition asks for the events of the pattern. */
  readonly usesMatched: boolean;
  /** B after A and nothing else: whether A happened is all that must be known. */
  readonly priorEvent: After | undefined;
}

export interface BoundLimit {
  readonly limit: Limit;
  /** Whose uses are counted: a rule's, or a group's. */
  readonly owner: string;
  /** Where they are counted while the rule has no key: see limitKey. */
  readonly key: string;
  readonly perKey: boolean;
}

/** The rules of one catalog version, found by the event types they listen to: the cost of an event is theirs alone. */
export interface RuleSet {
  readonly version: number;
  readonly byName: ReadonlyMap<string, CompiledRule>;
  readonly byTrigger: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules with a simple pattern that wait for this type as its earlier event. */
  readonly byPriorEvent: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules with any other pattern in which this type is an earlier event or is counted. */
  readonly byPatternEvent: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules whose waits this type may end. */
  readonly byCancelEvent: ReadonlyMap<string, readonly CompiledRule[]>;
  readonly byTrait: ReadonlyMap<string, readonly CompiledRule[]>;
  /** A change of a trait may have to wait for a part of its pattern that is late. */
  readonly changesWait: boolean;
  readonly recurring: readonly CompiledRule[];
  /** Some rule waits. */
  readonly waits: boolean;
  readonly notifications: ReadonlyMap<string, NotificationType>;
  /** Of an event that a rule makes. */
  readonly misfit: ValidateEvent;
}

/** Several versions: the one in force, and those that waits began with. */
export interface RuleSets {
  readonly active: RuleSet;
  at(version: number): RuleSet;
}

/** Throws on an expression that does not compile: the catalog was checked when it was read. */
export function compileRules(version: number, data: CatalogData, misfit: ValidateEvent): RuleSet {
  const groups = new Map(data.groups.map((group) => [group.name, group]));
  const showing = new Set(
    data.templates
      .filter(({ parts }) => Object.values(parts).some((part) => part.includes('matched')))
      .map(({ notificationType }) => notificationType),
  );
  const isEnded = endedByRules(data.rules);
  const byName = new Map<string, CompiledRule>();
  const byTrigger = new Map<string, CompiledRule[]>();
  const byEarlier = new Map<string, CompiledRule[]>();
  const byPart = new Map<string, CompiledRule[]>();
  const byEnd = new Map<string, CompiledRule[]>();
  const byTrait = new Map<string, CompiledRule[]>();
  for (const rule of data.rules) {
    const compiled = compileRule(
      rule,
      groups,
      getNotificationTypes(rule).some((type) => showing.has(type)),
      isEnded(rule),
    );
    byName.set(rule.name, compiled);
    for (const type of rule.on) add(byTrigger, type, compiled);
    for (const { trait } of rule.changes ?? []) add(byTrait, trait, compiled);
    if (compiled.priorEvent) add(byEarlier, compiled.priorEvent.event, compiled);
    else for (const type of partsOf(rule)) add(byPart, type, compiled);
    for (const type of new Set([...rule.cancelOn, ...(rule.unless?.events ?? [])])) add(byEnd, type, compiled);
  }
  const all = [...byName.values()];
  return {
    version,
    byName,
    byTrigger,
    byPriorEvent: byEarlier,
    byPatternEvent: byPart,
    byCancelEvent: byEnd,
    byTrait,
    changesWait: all.some(({ rule }) => rule.changes && (rule.after.length > 0 || rule.count)),
    recurring: all.filter(({ rule }) => rule.every),
    waits: all.some(({ waits }) => waits),
    notifications: new Map(data.notifications.map((type) => [type.name, type])),
    misfit,
  };
}

/** @param showsMatched a template of the rule may name the events of the pattern */
function compileRule(
  rule: Rule,
  groups: ReadonlyMap<string, Group>,
  showsMatched: boolean,
  endedByRules: boolean,
): CompiledRule {
  const condition = rule.when === undefined ? undefined : conditionOf(rule, rule.when);
  const group = rule.group === undefined ? undefined : groups.get(rule.group);
  const [step] = rule.after;
  const asksMatched = mentions(condition, 'matched');
  const waits = [rule.delay, rule.at, rule.unless, rule.debounce, rule.digest].some((wait) => wait !== undefined);
  const isSimple =
    rule.after.length === 1 &&
    [step?.same, rule.key, rule.count, rule.data, rule.choose, rule.at?.field].every((part) => part === undefined) &&
    rule.actions.length === 0 &&
    // That a trait changed stands in no event.
    !rule.changes &&
    !asksMatched &&
    !showsMatched &&
    // Whether a later trigger takes its place depends on the pattern of that one.
    !(waits && rule.again === 'restart');
  const value = (text: string) => expressionOf(rule, text);
  const optional = (text: string | undefined) => (text === undefined ? undefined : value(text));
  const values = (named: { readonly [name: string]: string }) =>
    Object.entries(named).map(([name, text]) => [name, value(text)] as const);
  return {
    rule,
    types: getNotificationTypes(rule),
    condition,
    audience: rule.audience === undefined ? undefined : conditionOf(rule, rule.audience),
    key: optional(rule.key),
    at: optional(rule.at?.field),
    sameAfter: rule.after.map(({ same }) => optional(same)),
    sameCount: optional(rule.count?.same),
    sameUnless: optional(rule.unless?.same),
    branches: (rule.choose ?? []).map(({ when }) => (when === undefined ? undefined : conditionOf(rule, when))),
    data: values(rule.data ?? {}),
    actions: rule.actions.map((action) => {
      if (action.kind === 'set') return values({ [action.trait]: action.value });
      return action.kind === 'emit' ? values(action.properties) : [];
    }),
    limits: [
      ...rule.limits.map((limit) => bound(limit, rule.name, rule.key !== undefined && !limit.perUser)),
      ...(group?.limits ?? []).map((limit) => bound(limit, `group ${group?.name}`, false)),
    ],
    waits,
    endedByRules,
    usesNow: mentions(condition, 'now'),
    usesMatched: asksMatched,
    priorEvent: isSimple ? step : undefined,
  };
}

function endedByRules(rules: readonly Rule[]): (rule: Rule) => boolean {
  const cancelled = new Set<string>();
  const made = new Set<string>();
  for (const action of rules.flatMap(({ actions }) => actions)) {
    if (action.kind === 'cancel') cancelled.add(action.rule);
    else made.add(emittedType(action));
  }
  return ({ name, on, changes, unless, cancelOn, again }) => {
    const ends = [...cancelOn, ...(unless?.events ?? []), ...(again === 'restart' ? on : [])];
    const mayChange = again === 'restart' && changes !== undefined && made.has(PROFILE_UPDATED);
    return cancelled.has(name) || mayChange || ends.some((type) => made.has(type));
  };
}

function bound(limit: Limit, owner: string, perKey: boolean): BoundLimit {
  return { limit, owner, perKey, key: toLimitKey(owner, limit) };
}

/** Event types that may complete a pattern after its trigger has come. */
function partsOf({ after, count, on }: Rule): Set<string> {
  const counted = count?.how === 'at_least' ? count.of : [];
  const since = count?.window.kind === 'since' ? [count.window.event] : [];
  const types = new Set([...after.map(({ event }) => event), ...counted, ...since]);
  // A trigger that is counted is judged as a trigger; it may also complete the count of a later one.
  if (after.length === 0 && count === undefined) for (const type of on) types.delete(type);
  return types;
}

function mentions(condition: Condition | undefined, root: string): boolean {
  return condition?.paths.some(([first]) => first === root) ?? false;
}

/** The notification types that a rule may send; its own name when it notifies nobody. */
export function getNotificationTypes({ name, notify, choose = [], split = [] }: Rule): readonly string[] {
  const types = new Set([...notify, ...choose.flatMap((one) => one.notify), ...split.flatMap((one) => one.notify)]);
  return types.size > 0 ? [...types] : [name];
}

/** The type of event that an action makes. */
export function emittedType(action: Exclude<Action, { kind: 'cancel' }>): string {
  return action.kind === 'emit' ? action.event : PROFILE_UPDATED;
}

/** Everything was declared when the catalog was read; here anything may be named. */
const ANYTHING: Declared = { matched: {}, now: true };

function conditionOf(rule: Rule, text: string): Condition {
  const compiled = compileCondition(text, ANYTHING);
  if ('problems' in compiled) throw broken(rule, compiled.problems);
  return compiled.condition;
}

function expressionOf(rule: Rule, text: string): Expression {
  const compiled = compileExpression(text, ANYTHING);
  if ('problems' in compiled) throw broken(rule, compiled.problems);
  return compiled.expression;
}

function broken(rule: Rule, problems: readonly { readonly message: string }[]): Error {
  return new Error(`rule ${rule.name}: ${problems.map((problem) => problem.message).join('; ')}`);
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Some rule does something because of an event of this type. */
export function listensTo(
  { byTrigger, byPriorEvent: byEarlier, byPatternEvent: byPart, byCancelEvent: byEnd }: RuleSet,
  type: string,
): boolean {
  return [byTrigger, byEarlier, byPart, byEnd].some((rules) => rules.has(type));
}
