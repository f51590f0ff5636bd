import { jsonText } from '../events/content.ts';
import type { Decision, Evidence, Outcome, ReasonCode } from '../model/decision.ts';
import type { Json } from '../model/event.ts';
import { toDecisionId } from '../rules/context.ts';
import { FIRED_OUTCOMES } from '../rules/facts.ts';

/**
 * A decision as it stands in `events.decisions`. Half of the cost of storing an event is its decisions, so names are short
 * and values that the row holds anyway are left out: the decision id (event key and position), and the trigger if it is
 * the event of the row.
 */
export interface StoredDecision {
  /** Rule. */
  readonly r: string;
  /** Notification type; absent if it has the name of the rule. */
  readonly t?: string;
  readonly o: Outcome;
  /** Reason code. */
  readonly c: ReasonCode;
  /** Reason, a sentence. */
  readonly s: string;
  /** Notification id; absent if nothing was sent. */
  readonly n?: string;
  /** Event ids, the trigger first; absent if the event of the row is the only one. */
  readonly e?: readonly string[];
  /** Evidence; absent if empty. */
  readonly v?: Evidence;
}

/**
 * Returns the JSON text of the decisions on an event, each as a StoredDecision. The text is concatenated by hand: it is
 * written for every event, and most of its parts are text already.
 * @param eventId the event that the decisions are stored on
 */
export function packDecisions(decisions: readonly Decision[], eventId: string): string {
  let text = '';
  for (const decision of decisions) text += `${text === '' ? '[' : ','}${packDecision(decision, eventId)}`;
  return text === '' ? '[]' : `${text}]`;
}

/** Names, codes and ids need no escaping. */
function packDecision(decision: Decision, eventId: string): string {
  const { rule, notification_type, outcome, reason_code, reason, notification_id, event_ids, evidence } = decision;
  let text = `{"r":"${rule}"`;
  if (notification_type !== rule) text += `,"t":"${notification_type}"`;
  text += `,"o":"${outcome}","c":"${reason_code}","s":${jsonText(reason)}`;
  if (notification_id !== null) text += `,"n":"${notification_id}"`;
  if (event_ids.length !== 1 || event_ids[0] !== eventId) text += `,"e":${jsonText(event_ids as string[])}`;
  if (hasAnyKey(evidence)) text += `,"v":${jsonText(evidence as unknown as Json)}`;
  return `${text}}`;
}

/**
 * Restores the decisions stored on an event or a wait, in their order.
 * @param key the key of the event, or the id of the wait: decision ids are made from it
 * @param eventId the event that they are stored on, or the trigger of the wait
 */
export function unpackDecisions(stored: readonly StoredDecision[], key: string, eventId: string): Decision[] {
  return stored.map(({ r, t = r, o, c, s, n = null, e = [eventId], v = {} }, index) => ({
    decision_id: toDecisionId(key, index),
    rule: r,
    notification_type: t,
    outcome: o,
    reason_code: c,
    reason: s,
    notification_id: n,
    event_ids: e,
    evidence: v,
  }));
}

/** Whether a rule fired: a decision sent, acted or started a wait. The value of `events.has_fired`. */
export function anyFired(decisions: readonly Decision[]): boolean {
  return decisions.some(({ outcome }) => FIRED_OUTCOMES.has(outcome));
}

/** Whether a decision has evidence of a trait change. The value of `events.has_trait_change`. */
export function hasTraitChange(decisions: readonly Decision[]): boolean {
  return decisions.some(({ evidence }) => evidence.change !== undefined);
}

function hasAnyKey(object: object): boolean {
  for (const _ in object) return true;
  return false;
}
