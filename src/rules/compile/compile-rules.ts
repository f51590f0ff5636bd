import {
  type Condition,
  compileCondition,
  compileExpression,
  type Declared,
  type Expression,
} from '../../expressions/condition.ts';
import { appendTo } from '../../lib/group-by.ts';
import type { CatalogData, Group, Limit, NotificationType, Rule, Variables } from '../../model/catalog.ts';
import { DIRECT_RULE, NOTIFICATION_REQUESTED } from '../../model/direct.ts';
import { PROFILE_UPDATED, type ValidateEvent } from '../../model/event.ts';
import { NO_POLICY, type Policy } from '../../model/preferences.ts';
import { COMMON_VARIABLES } from '../../templates/variables.ts';
import { toLimitKey } from '../evaluate/limits.ts';
import { getPatternSpan } from '../patterns/pattern-span.ts';
import { findPriorEvent, takesFastPath } from '../patterns/prior-event.ts';
import { findAddressReads } from './address-reads.ts';
import { buildDirectRules, DIRECT, DIRECT_AT } from './compile-direct.ts';
import { buildFrequencyRules, FOLDED, findDigestChannels } from './compile-frequency.ts';
import { type BoundLimit, type CompiledRule, emittedType, getNotificationTypes, type RuleSet } from './rule-set.ts';
import { findTraitReads } from './trait-reads.ts';

/**
 * Compiles the rules of a catalog version.
 *
 * @param validateEmitted checks the events that rules emit
 * @throws Error on an expression that does not compile: the catalog must have been checked when it was read
 */
export function compileRules(version: number, data: CatalogData, validateEmitted: ValidateEvent): RuleSet {
  const groups = new Map(data.groups.map((group) => [group.name, group]));
  const showMatched = new Set(
    data.templates
      .filter(({ parts }) => Object.values(parts).some((part) => part.includes('matched')))
      .map(({ notificationType }) => notificationType),
  );
  const planned = findPlannedVariables(data.notifications);
  const deduped = new Set(data.notifications.flatMap(({ name, dedupe }) => (dedupe === undefined ? [] : [name])));
  const isEndedByRules = findEndedByRules(data.rules);
  const all = data.rules.map((rule) => {
    const showsMatched = getNotificationTypes(rule).some((type) => showMatched.has(type));
    return compileRule(rule, groups, { planned, deduped, showsMatched, endedByRules: isEndedByRules(rule) });
  });

  const alone = { planned, deduped, showsMatched: false, endedByRules: false };
  const [direct, directAt] = [compileRule(DIRECT, groups, alone), compileRule(DIRECT_AT, groups, alone)];
  // The first: its decision is what the request gets as its result.
  const byTrigger = new Map([[NOTIFICATION_REQUESTED, [direct]]]);
  const byPatternEvent = new Map<string, CompiledRule[]>();
  const byCancelEvent = new Map<string, CompiledRule[]>();
  const byTrait = new Map<string, CompiledRule[]>();
  for (const compiled of all) {
    const { on, changes, cancelOn, unless } = compiled.rule;
    for (const type of on) appendTo(byTrigger, type, compiled);
    for (const { trait } of changes ?? []) appendTo(byTrait, trait, compiled);
    for (const type of new Set([...cancelOn, ...(unless?.events ?? [])])) appendTo(byCancelEvent, type, compiled);
  }
  const others = all.filter((compiled) => !takesFastPath(compiled));
  for (const compiled of [...all.filter(takesFastPath), ...others]) {
    for (const type of findPatternTypes(compiled.rule)) appendTo(byPatternEvent, type, compiled);
  }
  const notifications = new Map(data.notifications.map((type) => [type.name, type]));
  const policy = toPolicy(data);
  return {
    version,
    byName: new Map([...all, directAt].map((compiled) => [compiled.rule.name, compiled])),
    direct: buildDirectRules(notifications, direct, directAt),
    frequency: buildFrequencyRules(notifications, compileRule(FOLDED, groups, alone)),
    digestChannels: findDigestChannels(data),
    dedupeWindow: Math.max(0, ...data.notifications.map(({ dedupe = 0 }) => dedupe)),
    byTrigger,
    byPatternEvent,
    byCancelEvent,
    byTrait,
    startReading: all.filter(({ startReads }) => startReads),
    hasTraitPatterns: all.some(({ rule, hasPattern }) => rule.changes && hasPattern),
    scheduled: all.filter(({ rule }) => rule.every),
    hasWaitingRules: all.some(({ hasWait }) => hasWait),
    ...findAddressReads(all, data.templates),
    planned,
    notifications,
    policy,
    consentTraits: listConsentTraits(policy),
    comparesAddresses: Object.values(policy.consent).some((sources) => sources.includes('record')),
    validateEmitted,
  };
}

function listConsentTraits({ consent }: Policy): readonly string[] {
  const sources = Object.values(consent).flat();
  return [...new Set(sources.flatMap((source) => (source === 'record' ? [] : [source.trait])))];
}

/** Returns the policy with defaults for what a version that was stored earlier does not have. Without caps they are those of NO_POLICY. */
function toPolicy({ preferences }: CatalogData): Policy {
  if (!preferences) return NO_POLICY;
  const hasCaps = Object.keys(preferences.caps ?? {}).length > 0;
  return { ...NO_POLICY, ...preferences, ...(!hasCaps && { caps: NO_POLICY.caps }) };
}

/** Facts about a rule from the rest of the catalog. */
interface Surroundings {
  readonly planned: RuleSet['planned'];
  /** Names of the notification types that do not repeat themselves. */
  readonly deduped: ReadonlySet<string>;
  /** Whether a template of the rule may show the events of the pattern. */
  readonly showsMatched: boolean;
  readonly endedByRules: boolean;
}

function compileRule(
  rule: Rule,
  groups: ReadonlyMap<string, Group>,
  { planned, deduped, showsMatched, endedByRules }: Surroundings,
): CompiledRule {
  const condition = rule.when === undefined ? undefined : compileConditionOf(rule, rule.when);
  const group = rule.group === undefined ? undefined : groups.get(rule.group);
  const usesMatched = mentions(condition, 'matched');
  const hasWait = [rule.delay, rule.at, rule.unless, rule.debounce, rule.digest].some((wait) => wait !== undefined);
  const value = (text: string) => compileExpressionOf(rule, text);
  const optional = (text: string | undefined) => (text === undefined ? undefined : value(text));
  const at = optional(rule.at?.field);
  const usesUserZone = rule.zone === 'user' && (rule.at !== undefined || rule.digest?.window.kind === 'calendar');
  const dueReads = findTraitReads([at], usesUserZone ? ['time_zone'] : []);
  const usesNow = mentions(condition, 'now');
  const isSingle = hasWait && !rule.debounce && !rule.digest;
  const startReads = isSingle ? findTraitReads([usesNow ? undefined : condition, at]) : undefined;
  const values = (named: { readonly [name: string]: string }) =>
    Object.entries(named).map(([name, text]) => [name, value(text)] as const);
  return {
    rule,
    types: getNotificationTypes(rule),
    condition,
    audience: rule.audience === undefined ? undefined : compileConditionOf(rule, rule.audience),
    key: optional(rule.key),
    at,
    sameAfter: rule.after.map(({ same }) => optional(same)),
    sameCount: optional(rule.count?.same),
    sameUnless: optional(rule.unless?.same),
    branches: (rule.choose ?? []).map(({ when }) => (when === undefined ? undefined : compileConditionOf(rule, when))),
    data: values(rule.data ?? {}),
    variables: typeof rule.variables === 'string' ? value(rule.variables) : rule.variables && values(rule.variables),
    checksVariables: rule.variables !== undefined || getNotificationTypes(rule).some((type) => planned.has(type)),
    actions: rule.actions.map((action) => {
      if (action.kind === 'set') return values({ [action.trait]: action.value });
      return action.kind === 'emit' ? values(action.properties) : [];
    }),
    limits: [
      ...rule.limits.map((limit) => bindLimit(limit, rule.name, rule.key !== undefined && !limit.perUser)),
      ...(group?.limits ?? []).map((limit) => bindLimit(limit, `group ${group?.name}`, false)),
    ],
    hasWait,
    endedByRules,
    dueReads,
    startReads,
    usesNow,
    usesMatched,
    isDirect: rule.name === DIRECT_RULE,
    comparesEvents: rule.variables === undefined && getNotificationTypes(rule).some((type) => deduped.has(type)),
    hasPattern: rule.after.length > 0 || rule.count !== undefined,
    patternSpan: getPatternSpan(rule),
    priorEvent: findPriorEvent(rule, usesMatched || showsMatched, hasWait),
  };
}

/**
 * Returns the variables of each type that are checked when a rule acts. Those that every template has may come from the
 * tenant, which is not known then.
 */
function findPlannedVariables(types: readonly NotificationType[]): RuleSet['planned'] {
  const planned = new Map<string, Variables>();
  for (const { name, variables = {} } of types) {
    const own = Object.entries(variables).filter(([one]) => !(COMMON_VARIABLES as readonly string[]).includes(one));
    if (own.length > 0) planned.set(name, Object.fromEntries(own));
  }
  return planned;
}

/** Returns a function that says whether the action of some rule may end a rule's wait or start it anew. */
function findEndedByRules(rules: readonly Rule[]): (rule: Rule) => boolean {
  const cancelled = new Set<string>();
  const emitted = new Set<string>();
  for (const action of rules.flatMap(({ actions }) => actions)) {
    if (action.kind === 'cancel') cancelled.add(action.rule);
    else emitted.add(emittedType(action));
  }
  return ({ name, on, changes, unless, cancelOn, again }) => {
    const ends = [...cancelOn, ...(unless?.events ?? []), ...(again === 'restart' ? on : [])];
    const mayChange = again === 'restart' && changes !== undefined && emitted.has(PROFILE_UPDATED);
    return cancelled.has(name) || mayChange || ends.some((type) => emitted.has(type));
  };
}

function bindLimit(limit: Limit, owner: string, perKey: boolean): BoundLimit {
  return { limit, owner, perKey, key: toLimitKey(owner, limit) };
}

/** Returns the event types that may complete the rule's pattern after its trigger has arrived. */
function findPatternTypes({ after, count }: Rule): Set<string> {
  // Only `at_least` can become true by one more event; the others are evaluated when the trigger arrives.
  const counted = count?.how === 'at_least' ? count.of : [];
  const since = count?.window.kind === 'since' ? [count.window.event] : [];
  return new Set([...after.map(({ event }) => event), ...counted, ...since]);
}

function mentions(condition: Condition | undefined, root: string): boolean {
  return condition?.paths.some(([first]) => first === root) ?? false;
}

/** Admits any name: what is declared was checked when the catalog was read. */
const ANYTHING: Declared = { matched: {}, now: true };

function compileConditionOf(rule: Rule, text: string): Condition {
  const compiled = compileCondition(text, ANYTHING);
  if ('problems' in compiled) throw toError(rule, compiled.problems);
  return compiled.condition;
}

function compileExpressionOf(rule: Rule, text: string): Expression {
  const compiled = compileExpression(text, ANYTHING);
  if ('problems' in compiled) throw toError(rule, compiled.problems);
  return compiled.expression;
}

function toError(rule: Rule, problems: readonly { readonly message: string }[]): Error {
  return new Error(`rule ${rule.name}: ${problems.map((problem) => problem.message).join('; ')}`);
}
