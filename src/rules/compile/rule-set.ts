import type { Condition, Expression } from '../../expressions/condition.ts';
import type { Action, After, Limit, NotificationType, Rule, Variables } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import { type Event, type Millis, PROFILE_UPDATED, type ValidateEvent } from '../../model/event.ts';
import type { Policy } from '../../model/preferences.ts';
import type { TraitReads } from './trait-reads.ts';

/** A rule with its expressions compiled. */
export interface CompiledRule {
  readonly rule: Rule;
  /** See `getNotificationTypes`. */
  readonly types: readonly string[];
  readonly condition: Condition | undefined;
  readonly audience: Condition | undefined;
  readonly key: Expression | undefined;
  readonly at: Expression | undefined;
  /** `same` of each step of `after`; then of `count` and of `unless`. */
  readonly sameAfter: readonly (Expression | undefined)[];
  readonly sameCount: Expression | undefined;
  readonly sameUnless: Expression | undefined;
  /** Conditions of `choose`, in order; undefined for a branch that always applies. */
  readonly branches: readonly (Condition | undefined)[];
  readonly data: readonly (readonly [string, Expression])[];
  /** Variables of its notifications: an expression of an object, or one for each; undefined: it gives none. */
  readonly variables: Expression | readonly (readonly [string, Expression])[] | undefined;
  /** Whether variables are given or checked when it acts. */
  readonly checksVariables: boolean;
  /** For each action the values that it sets, by name: a trait, or the properties of an event. */
  readonly actions: readonly (readonly (readonly [string, Expression])[])[];
  /** Whether it is the built-in rule of what is asked for directly; see compile-direct.ts. */
  readonly isDirect: boolean;
  /** Whether the content of its messages is that of the event, and is compared: its types do not repeat themselves. */
  readonly comparesEvents: boolean;
  /** The rule's own limits, then those of its group. */
  readonly limits: readonly BoundLimit[];
  /** Whether the rule waits between its trigger and its end. */
  readonly hasWait: boolean;
  /** Whether an action of some rule may end its wait or start it anew. */
  readonly endedByRules: boolean;
  /** Traits of the user on which the due time of its wait depends; undefined: none. */
  readonly dueReads: TraitReads | undefined;
  /**
   * Traits of the user on which the start of its wait depends, in a rule with `delay`, `at` or `unless`; undefined: none. See
   * trait-triggers.ts.
   */
  readonly startReads: TraitReads | undefined;
  /** Whether the condition uses `now`: it can only be evaluated when a wait ends. */
  readonly usesNow: boolean;
  /** Whether the condition uses `matched`, the events of the pattern. */
  readonly usesMatched: boolean;
  /** Whether the rule has `after` or `count`. */
  readonly hasPattern: boolean;
  /** The longest time (ms) from an event of the pattern to its trigger; 0 without a pattern. */
  readonly patternSpan: Millis;
  /** The step of a rule that takes the fast path; see patterns/prior-event.ts. */
  readonly priorEvent: After | undefined;
}

/** The built-in rule DIRECT_RULE, of which each notification type has its own form. */
export interface DirectRules {
  /** Returns the rule for a request; undefined: the catalog has no such type. */
  of(request: Pick<Event, 'properties'>): CompiledRule | undefined;
}

/** The built-in rules of digests that users asked for; see compile-frequency.ts. */
export interface FrequencyRules {
  /** Returns the rule of a digest; undefined: it is another rule, or the catalog has no such type. */
  of(wait: { readonly rule: string; readonly key: string }): CompiledRule | undefined;
}

/** A limit, and where its uses are counted. */
export interface BoundLimit {
  readonly limit: Limit;
  /** The rule or group whose uses are counted. */
  readonly owner: string;
  /** The limit key of a firing without a rule key; see `limitBucketKey`. */
  readonly key: string;
  /** Whether each rule key is counted by itself. */
  readonly perKey: boolean;
}

/**
 * The rules of one catalog version, by the event types that they listen to: an event costs as much as the rules for its type,
 * however many others there are. All lists are in catalog order unless they say otherwise.
 */
export interface RuleSet {
  readonly version: number;
  /** With the built-in rule DIRECT_RULE. */
  readonly byName: ReadonlyMap<string, CompiledRule>;
  readonly direct: DirectRules;
  readonly frequency: FrequencyRules;
  /** The longest window of a notification type with `dedupe`, in ms; 0: no type has one. */
  readonly dedupeWindow: Millis;
  /** By notification type: the channels on which it can be sent as a digest. */
  readonly digestChannels: ReadonlyMap<string, ReadonlySet<Channel>>;
  readonly byTrigger: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules with a pattern, by the types that are an earlier event in it or are counted; first those on the fast path. */
  readonly byPatternEvent: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules that wait, by the types that may end the wait. */
  readonly byCancelEvent: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules that a trait change triggers, by trait. */
  readonly byTrait: ReadonlyMap<string, readonly CompiledRule[]>;
  /** Rules with `startReads`. */
  readonly startReading: readonly CompiledRule[];
  /** Whether some rule that a trait change triggers has a pattern, of which a part may be late. */
  readonly hasTraitPatterns: boolean;
  readonly scheduled: readonly CompiledRule[];
  /** Whether some rule waits. */
  readonly hasWaitingRules: boolean;
  readonly notifications: ReadonlyMap<string, NotificationType>;
  /** NO_POLICY: users may have terms all the same. */
  readonly policy: Policy;
  /** Variables that are checked when a rule acts, by notification type. */
  readonly planned: ReadonlyMap<string, Variables>;
  /** Whether a rule reads an address of the user, or a template reads one from `traits`: events then keep them as posted. */
  readonly readsEventAddresses: boolean;
  /** Whether a rule reads an address of the user from `user`, or is triggered by a change of one. */
  readonly readsUserAddresses: boolean;
  /**
   * Whether the policy asks for recorded consents, whose addresses are compared: events that change an address then keep it as
   * posted.
   */
  readonly comparesAddresses: boolean;
  /** Traits that stand for consent under the policy. */
  readonly consentTraits: readonly string[];
  /** Checks an event that a rule emits against the schemas of the catalog. */
  readonly validateEmitted: ValidateEvent;
}

/** The active catalog version, and the versions that open waits began with. */
export interface RuleSets {
  readonly active: RuleSet;
  at(version: number): RuleSet;
}

/** Returns the notification types that the rule may send, through `notify`, a branch or a variant. */
export function getSentTypes({ notify, choose = [], split = [] }: Rule): ReadonlySet<string> {
  return new Set([
    ...notify,
    ...choose.flatMap((branch) => branch.notify),
    ...split.flatMap((variant) => variant.notify),
  ]);
}

/** Returns the types that decisions of the rule name: those that it may send, or its own name when it sends none. */
export function getNotificationTypes(rule: Rule): readonly string[] {
  const types = getSentTypes(rule);
  return types.size > 0 ? [...types] : [rule.name];
}

/** Returns the type of the event that an action emits. */
export function emittedType(action: Exclude<Action, { kind: 'cancel' }>): string {
  return action.kind === 'emit' ? action.event : PROFILE_UPDATED;
}

/** Returns whether some rule may react to an event of this type. */
export function listensTo({ byTrigger, byPatternEvent, byCancelEvent }: RuleSet, type: string): boolean {
  return [byTrigger, byPatternEvent, byCancelEvent].some((rules) => rules.has(type));
}

/** Returns the expressions that give the variables of a rule, by name; that of all of them has an empty one. */
export function listVariables({
  variables,
}: Pick<CompiledRule, 'variables'>): readonly (readonly [string, Expression])[] {
  if (variables === undefined) return [];
  return 'evaluate' in variables ? [['', variables]] : variables;
}
