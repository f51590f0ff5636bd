import type { Rule } from '../model/catalog.ts';
import type { Decision, Evidence, Outcome, ReasonCode } from '../model/decision.ts';
import type { Emitted, JsonObject, Millis } from '../model/event.ts';
import {
  type CountedUse,
  compareByDueTime,
  type DigestItem,
  type Ids,
  type Trigger,
  type UserState,
  type Wait,
} from './facts.ts';
import type { CompiledRule, RuleSets } from './rule-set.ts';

/** One notification to make, and the event it tells of (which may have come before the event decided on). */
export interface Send {
  readonly decision: Decision;
  readonly trigger: Trigger;
  readonly rule: Rule;
  readonly catalogVersion: number;
  /** For the templates, beside the event and the person. */
  readonly matched?: JsonObject | undefined;
  readonly data?: JsonObject | undefined;
  readonly items?: readonly DigestItem[] | undefined;
  readonly total?: number | undefined;
}

export interface NewUse extends CountedUse {
  readonly limitKey: string;
}

export interface Verdicts {
  /** Names the decisions: the key of the event that arrived, or the wait that ends. */
  readonly source: string;
  readonly decisions: Decision[];
  readonly sends: Send[];
  readonly uses: NewUse[];
  readonly emits: Emitted[];
}

/** What deciding about one event, or ending one wait, has to do with. */
export interface DecisionContext extends Verdicts {
  readonly rules: RuleSets;
  readonly user: UserState;
  /** When it is decided. */
  readonly now: Millis;
  readonly ids: Ids;
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What a rule acts on when nothing is left to wait for. */
export interface Firing {
  readonly trigger: Trigger;
  readonly key: string;
  readonly eventIds: readonly string[];
  readonly matched?: JsonObject | undefined;
  readonly items?: readonly DigestItem[];
  readonly total?: number;
  /** Set when something was waited for: when that ended. */
  readonly due?: Millis;
  /** A wait ends by the catalog it began with. */
  readonly catalogVersion?: number;
  readonly evidence: Writable<Evidence>;
}

const OUTCOME_BY_REASON: { readonly [code in ReasonCode]: Outcome } = {
  matched: 'send',
  condition_false: 'not_matched',
  field_missing: 'not_matched',
  condition_error: 'not_matched',
  pattern_incomplete: 'not_matched',
  limit_reached: 'suppressed',
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
  no_branch: 'not_matched',
  holdout: 'suppressed',
  acted: 'acted',
  action_failed: 'failed',
  loop: 'failed',
};

export function newContext(rules: RuleSets, user: UserState, now: Millis, ids: Ids, source: string): DecisionContext {
  return { rules, user, now, ids, source, decisions: [], sends: [], uses: [], emits: [] };
}

/** The waits of the person, in order of due time: the same waits come in the same order wherever it is decided. */
export function findWaits({ user }: Pick<DecisionContext, 'user'>, which: (one: Wait) => boolean): Wait[] {
  return [...user.waits.values()].filter(which).sort(compareByDueTime);
}

/** What a rule says, and why. */
export interface RuleDecision {
  readonly code: ReasonCode;
  readonly reason: string;
  /** The event that the rule acts on first, or the one that ended what waited. */
  readonly eventIds: readonly string[];
  readonly evidence: Evidence;
  /** Absent: what the code stands for. */
  readonly outcome?: Outcome;
  /** Absent: all that the rule may send. */
  readonly types?: readonly string[];
}

/** Adds a decision for each type; the same verdict for all of them. */
export function addDecision(
  ctx: DecisionContext,
  { rule, types: all }: Pick<CompiledRule, 'rule' | 'types'>,
  { code, reason, eventIds, evidence, outcome = OUTCOME_BY_REASON[code], types = all }: RuleDecision,
): Decision[] {
  const made: Decision[] = [];
  for (const type of types) {
    const decision: Decision = {
      decision_id: toDecisionId(ctx.source, ctx.decisions.length),
      rule: rule.name,
      notification_type: type,
      outcome,
      reason_code: code,
      reason,
      notification_id: code === 'matched' ? ctx.ids.fresh() : null,
      event_ids: eventIds,
      evidence,
    };
    ctx.decisions.push(decision);
    made.push(decision);
  }
  return made;
}

/** The n-th decision on an event that arrived, or on a wait that ended: the same wherever it is decided again. */
export function toDecisionId(source: string, place: number): string {
  return `${source}.${place}`;
}

/** What a rule would emit cannot be stored: said beside what was decided. */
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
    reason: `Failed: ${rule} could not emit ${type}: ${why}.`,
    notification_id: null,
    event_ids: [causedBy],
    evidence: {},
  });
}
