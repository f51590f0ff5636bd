import type { Rule } from '../model/catalog.ts';
import type { Decision, Evidence, Outcome, ReasonCode } from '../model/decision.ts';
import type { DirectPart } from '../model/direct.ts';
import type { Emitted, JsonObject, Millis } from '../model/event.ts';
import type { ChannelPlan, PlanOnTerms } from '../model/plan.ts';
import { maskText } from '../privacy/mask.ts';
import type { CompiledRule, RuleSets } from './compile/rule-set.ts';
import { type CountedUse, compareByDueTime, type DigestItem, type Ids, type Trigger, type Wait } from './facts.ts';
import { findWaitsOfRule } from './known/user-waits.ts';
import type { UserState } from './user-state.ts';

/** A notification to send, and its trigger, which may have arrived before the event that is decided. */
export interface Send {
  readonly decision: Decision;
  readonly trigger: Trigger;
  readonly rule: Rule;
  readonly catalogVersion: number;
  /** Further data for the templates, beside the trigger and the user. */
  readonly matched?: JsonObject | undefined;
  readonly data?: JsonObject | undefined;
  /** Variables of the templates, as they were given. */
  readonly variables?: JsonObject | undefined;
  readonly items?: readonly DigestItem[] | undefined;
  readonly total?: number | undefined;
  /** The planned deliveries, where they are not the ordinary ones. */
  readonly plans?: readonly ChannelPlan[] | undefined;
  /** The parts of the request that it obeys; absent: a rule of the tenant sends it. */
  readonly direct?: DirectPart;
}

export interface NewUse extends CountedUse {
  readonly limitKey: string;
}

/** The decisions about one event, wait or occurrence. */
export interface Verdicts {
  /** The key of the event or the id of the wait. Decision ids are made of it. */
  readonly source: string;
  readonly decisions: Decision[];
  readonly sends: Send[];
  readonly uses: NewUse[];
  readonly emits: Emitted[];
}

/** Inputs of one decision, and its verdicts so far. Rules append to the verdicts and change `user` in place. */
export interface DecisionContext extends Verdicts {
  readonly rules: RuleSets;
  readonly user: UserState;
  /** Time of the decision. */
  readonly now: Millis;
  readonly ids: Ids;
  /** Plans notifications on the terms of their user; undefined: they are sent on all their channels. */
  readonly plan?: PlanOnTerms | undefined;
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One rule and one trigger for which its condition and pattern hold, on the way through waits and gates. */
export interface Firing {
  readonly trigger: Trigger;
  /** The value of the rule's key as text; empty for a rule without one. */
  readonly key: string;
  /** The trigger first, then the matched events. */
  readonly eventIds: readonly string[];
  readonly matched?: JsonObject | undefined;
  readonly items?: readonly DigestItem[];
  readonly total?: number;
  /** The due time of the wait that ended; undefined before or without a wait. */
  readonly due?: Millis;
  /** The catalog version that a wait began with, and ends under; undefined: the active version. */
  readonly catalogVersion?: number;
  /** Grows with each step of the evaluation. */
  readonly evidence: Writable<Evidence>;
}

const OUTCOME_BY_REASON: { readonly [code in ReasonCode]: Outcome } = {
  matched: 'send',
  condition_false: 'not_matched',
  field_missing: 'not_matched',
  condition_error: 'not_matched',
  pattern_incomplete: 'not_matched',
  limit_reached: 'suppressed',
  all_channels_dropped: 'suppressed',
  expired: 'suppressed',
  waiting: 'scheduled',
  collected: 'scheduled',
  already_waiting: 'suppressed',
  key_missing: 'not_matched',
  count_not_met: 'not_matched',
  unless_event_occurred: 'not_matched',
  cancelled_by_event: 'cancelled',
  cancelled_by_rule: 'cancelled',
  superseded: 'cancelled',
  too_late: 'not_matched',
  time_missing: 'not_matched',
  time_past: 'not_matched',
  catalog_changed: 'cancelled',
  cancelled_by_operator: 'cancelled',
  cancelled_by_request: 'cancelled',
  no_branch: 'not_matched',
  holdout: 'suppressed',
  acted: 'acted',
  action_failed: 'failed',
  variable_missing: 'failed',
  variable_invalid: 'failed',
  loop: 'failed',
  too_costly: 'failed',
  too_much_history: 'failed',
};

/** Returns the context of one decision, without verdicts. @param source the key of the event, or the id of the wait */
export function newContext(
  rules: RuleSets,
  user: UserState,
  now: Millis,
  ids: Ids,
  source: string,
  plan?: PlanOnTerms,
): DecisionContext {
  return { rules, user, now, ids, source, plan, decisions: [], sends: [], uses: [], emits: [] };
}

/**
 * Returns the user's waits of a rule and key that match, in order of due time, so that every replay handles them in the same
 * order.
 */
export function findWaits(
  { user }: Pick<DecisionContext, 'user'>,
  { rule, key }: Pick<Wait, 'rule' | 'key'>,
  matches: (wait: Wait) => boolean,
): Wait[] {
  if (user.waits.size === 0) return [];
  return sortByDueTime(findWaitsOfRule(user.waits, rule, key), matches);
}

/** Returns the first of the waits that `findWaits` returns; undefined without one. */
export function findFirstWait(
  { user }: Pick<DecisionContext, 'user'>,
  { rule, key }: Pick<Wait, 'rule' | 'key'>,
  matches: (wait: Wait) => boolean,
): Wait | undefined {
  return user.waits.size === 0 ? undefined : findFirstOf(findWaitsOfRule(user.waits, rule, key), matches);
}

/** Returns the first of these waits that match, in order of due time; undefined without one. */
export function findFirstOf(waits: Iterable<Wait>, matches: (wait: Wait) => boolean): Wait | undefined {
  let first: Wait | undefined;
  for (const wait of waits) {
    if (matches(wait) && (!first || compareByDueTime(wait, first) < 0)) first = wait;
  }
  return first;
}

/** Returns the waits that match, in order of due time. */
export function sortByDueTime(waits: Iterable<Wait>, matches: (wait: Wait) => boolean): Wait[] {
  const found: Wait[] = [];
  for (const wait of waits) if (matches(wait)) found.push(wait);
  return found.length > 1 ? found.sort(compareByDueTime) : found;
}

/** The verdict of a rule, before it becomes a decision for each notification type. */
export interface RuleDecision {
  readonly code: ReasonCode;
  readonly reason: string;
  /** The trigger first; of a wait that an event ended, that event first. */
  readonly eventIds: readonly string[];
  readonly evidence: Evidence;
  /** Absent: the outcome that the code stands for. */
  readonly outcome?: Outcome;
  /** Absent: all notification types that the rule may send. */
  readonly types?: readonly string[];
  /** Id of the notification that is sent; absent: a new one. */
  readonly notificationId?: string | undefined;
}

/** Adds a decision for each notification type, with the same verdict. Returns them in order of the types. */
export function addDecision(
  ctx: DecisionContext,
  { rule, types: all }: Pick<CompiledRule, 'rule' | 'types'>,
  { code, reason, eventIds, evidence, outcome = OUTCOME_BY_REASON[code], types = all, notificationId }: RuleDecision,
): Decision[] {
  const added: Decision[] = [];
  for (const type of types) {
    const decision: Decision = {
      decision_id: toDecisionId(ctx.source, ctx.decisions.length),
      rule: rule.name,
      notification_type: type,
      outcome,
      reason_code: code,
      reason,
      notification_id: code === 'matched' ? (notificationId ?? ctx.ids.fresh()) : null,
      event_ids: eventIds,
      evidence,
    };
    ctx.decisions.push(decision);
    added.push(decision);
  }
  return added;
}

/** Returns the id of a decision: a replay gives the same id. @param index position among the decisions of the source, from 0 */
export function toDecisionId(source: string, index: number): string {
  return `${source}.${index}`;
}

/** Adds a failed decision for an event that a rule could not emit. @param why ends the sentence */
export function addEmitFailure(
  { source, decisions }: Pick<Verdicts, 'source' | 'decisions'>,
  { rule, causedBy, type }: Emitted,
  why: string,
): void {
  decisions.push({
    decision_id: toDecisionId(source, decisions.length),
    rule,
    notification_type: rule,
    outcome: 'failed',
    reason_code: 'action_failed',
    reason: `Failed: ${rule} could not emit ${type}: ${maskText(why)}.`,
    notification_id: null,
    event_ids: [causedBy],
    evidence: {},
  });
}
