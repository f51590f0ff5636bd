import { isDeepStrictEqual } from 'node:util';
import type { Decision, Evidence } from '../../model/decision.ts';

/**
 * Returns whether a replay decided the same: outcome, reason and evidence. Ids of notifications are made anew each time; whether
 * there is one must agree. A replay has other bounds, so what they left out is not compared.
 */
function isSameDecision(one: Decision, other: Decision): boolean {
  return (
    one.decision_id === other.decision_id &&
    one.rule === other.rule &&
    one.notification_type === other.notification_type &&
    one.outcome === other.outcome &&
    one.reason_code === other.reason_code &&
    one.reason === other.reason &&
    (one.notification_id === null) === (other.notification_id === null) &&
    isDeepStrictEqual(one.event_ids, other.event_ids) &&
    // Stored decisions were serialized as JSON.
    isDeepStrictEqual(comparable(one.evidence), comparable(other.evidence))
  );
}

/** Returns whether two lists have the same decisions in the same order, as `isSameDecision` compares them. */
export function decisionsEqual(some: readonly Decision[], others: readonly Decision[]): boolean {
  return some.length === others.length && some.every((one, place) => isSameDecision(one, others[place] as Decision));
}

function comparable(evidence: Evidence): unknown {
  return JSON.parse(JSON.stringify(evidence, (name, value) => (NOT_COMPARED.has(name) ? undefined : value)));
}

const NOT_COMPARED: ReadonlySet<string> = new Set(['notification_id', 'left_out']);
