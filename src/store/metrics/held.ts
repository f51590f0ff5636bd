import type { Decision, Outcome, ReasonCode } from '../../model/decision.ts';

/** Codes of decisions by which the rule did not apply to the event: nothing was held back. */
const NOT_CONCERNED: ReadonlySet<ReasonCode> = new Set(['condition_false', 'pattern_incomplete', 'count_not_met']);

/** Outcomes of decisions that held something back, unless their code says otherwise. */
export const HELD_OUTCOMES: readonly Outcome[] = ['suppressed', 'not_matched', 'cancelled', 'failed'];

/** Returns whether a decision kept a notification from being sent, so that it is counted by its reason. */
export function isHeldBack({ outcome, reason_code: code }: Pick<Decision, 'outcome' | 'reason_code'>): boolean {
  // An action is no notification.
  return HELD_OUTCOMES.includes(outcome) && !NOT_CONCERNED.has(code) && code !== 'action_failed';
}

/** Returns whether a decision held back a notification, or dropped one of its channels. The value of `has_held`. */
export function anyHeld(decisions: readonly Decision[]): boolean {
  return decisions.some(
    (decision) => isHeldBack(decision) || decision.evidence.plan?.some(({ verdict }) => verdict === 'drop') === true,
  );
}
