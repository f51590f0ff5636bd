import { jsonText } from '../events/content.ts';
import type { Decision, Evidence, Outcome, ReasonCode } from '../model/decision.ts';
import type { Json } from '../model/event.ts';
import { toDecisionId } from '../rules/context.ts';

/**
 * A decision as it stands in `events.decisions`. Half of what an event costs to store is its decisions, so the names are
 * short and what the row says anyway is left out: the id (event key and place), the trigger when it is this very event.
 */
export interface StoredDecision {
  /** Rule. */
  readonly r: string;
  /** Notification type, where it is not named as the rule. */
  readonly t?: string;
  readonly o: Outcome;
  /** Reason code. */
  readonly c: ReasonCode;
  /** The sentence. */
  readonly s: string;
  /** Notification id, of a send. */
  readonly n?: string;
  /** Event ids, where it is not this event alone. */
  readonly e?: readonly string[];
  /** Evidence, where there is any. */
  readonly v?: Evidence;
}

/** As JSON; a StoredDecision each. Put together by hand: it is written for every event, and most of it is text already. */
export function packDecisions(decisions: readonly Decision[], eventId: string): string {
  let text = '';
  for (const decision of decisions) text += `${text === '' ? '[' : ','}${pack(decision, eventId)}`;
  return text === '' ? '[]' : `${text}]`;
}

/** Names, codes and ids need no escaping. */
function pack(decision: Decision, eventId: string): string {
  const { rule, notification_type, outcome, reason_code, reason, notification_id, event_ids, evidence } = decision;
  let text = `{"r":"${rule}"`;
  if (notification_type !== rule) text += `,"t":"${notification_type}"`;
  text += `,"o":"${outcome}","c":"${reason_code}","s":${jsonText(reason)}`;
  if (notification_id !== null) text += `,"n":"${notification_id}"`;
  if (event_ids.length !== 1 || event_ids[0] !== eventId) text += `,"e":${jsonText(event_ids as string[])}`;
  if (hasAny(evidence)) text += `,"v":${jsonText(evidence as unknown as Json)}`;
  return `${text}}`;
}

export function unpackDecisions(stored: readonly StoredDecision[], key: string, eventId: string): Decision[] {
  return stored.map(({ r, t = r, o, c, s, n = null, e = [eventId], v = {} }, place) => ({
    decision_id: toDecisionId(key, place),
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

function hasAny(object: object): boolean {
  for (const _ in object) return true;
  return false;
}
