import type { Decision } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import type { RuleSet } from '../../rules/compile/rule-set.ts';
import type { Ids } from '../../rules/facts.ts';
import type { StoredHistory } from '../../store/replay.ts';

/** The parameters of a replay. */
export interface BacktestPlan {
  /** Decisions from here on count. */
  readonly since: Millis;
  /** Activity from this time on is ignored. */
  readonly until: Millis;
  /** Rules that are active from `since` on; null: at each time the version that was active then. */
  readonly candidate: RuleSet | null;
  /** The catalogs of the past. */
  version(version: number): RuleSet;
  /** Whether a rule may read an address of the user. */
  readonly readsAddresses?: boolean;
  /** Whether a version may ask for recorded consents, which are bound to addresses. */
  readonly comparesAddresses?: boolean;
  /** Examples of each change of a type; absent: EXAMPLES. */
  readonly examples?: number;
  /** The keyed hash of production; absent: a plain hash. */
  readonly keyed?: Ids['keyed'];
}

/** The decisions made when an event arrived, a wait ended or a scheduled rule ran. */
export interface Verdict {
  /** The key of the event, or the id of the wait: what the decisions are named by. */
  readonly source: string;
  readonly at: Millis;
  readonly decisions: readonly Decision[];
}

/** Returns the stored decisions from `since` (inclusive) to `until` (exclusive), by source. */
export function pastDecisions(
  history: StoredHistory,
  { since, until }: Pick<BacktestPlan, 'since' | 'until'>,
): Map<string, Verdict> {
  const past = new Map<string, Verdict>();
  for (const event of history.events) {
    const { key, receivedAt } = event;
    if (receivedAt < since || receivedAt >= until) continue;
    const decisions = event.decisions();
    if (decisions.length > 0) past.set(key, { source: key, at: receivedAt, decisions });
  }
  for (const { waitId, endedAt, decisions } of history.waits) {
    if (endedAt === null || endedAt < since || endedAt >= until || decisions.length === 0) continue;
    past.set(waitId, { source: waitId, at: endedAt, decisions });
  }
  return past;
}
