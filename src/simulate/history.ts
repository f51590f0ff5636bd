import type { Decision } from '../model/decision.ts';
import type { Event, Millis, Profile } from '../model/event.ts';
import type { CountedUse, TraitChangeTrigger, Wait } from '../rules/facts.ts';
import type { RuleSet } from '../rules/rule-set.ts';

/** Everything stored about one user that a replay needs, as read by src/store/replay.ts. */
export interface UserHistory {
  readonly userId: string;
  /** As it is now: for traits whose events are stored no more. */
  readonly profile: Profile;
  /** In order of event time. */
  readonly events: readonly HistoricalEvent[];
  readonly waits: readonly HistoricalWait[];
  readonly uses: readonly HistoricalUse[];
}

export interface HistoricalEvent extends Event {
  readonly receivedAt: Millis;
  readonly catalogVersion: number;
  /** The rule that made it: it is made again, not replayed. */
  readonly emittedBy: string | null;
  /** Whether a decision on it sent, acted or started a wait. */
  readonly hasFired: boolean;
  /** Decisions made on arrival. For events before `since` possibly only those that fired. */
  decisions(): readonly Decision[];
  /** The changes of traits by it whose pattern was incomplete then. */
  openChanges(): readonly TraitChangeTrigger[];
}

export interface HistoricalWait extends Readonly<Omit<Wait, 'userId' | 'stored'>> {
  /** Decisions made when the wait was due, or when an operator cancelled it. */
  readonly decisions: readonly Decision[];
}

export interface HistoricalUse extends CountedUse {
  readonly limitKey: string;
}

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
}

/** The decisions made when an event arrived, a wait ended or a scheduled rule ran. */
export interface Verdict {
  /** The key of the event, or the id of the wait: what the decisions are named by. */
  readonly source: string;
  readonly at: Millis;
  readonly decisions: readonly Decision[];
}

/** Returns the stored decisions from `since` on, by source. */
export function pastDecisions(life: UserHistory, { since, until }: BacktestPlan): Map<string, Verdict> {
  const past = new Map<string, Verdict>();
  for (const event of life.events) {
    const { key, receivedAt } = event;
    if (receivedAt < since || receivedAt >= until) continue;
    const decisions = event.decisions();
    if (decisions.length > 0) past.set(key, { source: key, at: receivedAt, decisions });
  }
  for (const { waitId, endedAt, decisions } of life.waits) {
    if (endedAt === null || endedAt < since || endedAt >= until || decisions.length === 0) continue;
    past.set(waitId, { source: waitId, at: endedAt, decisions });
  }
  return past;
}
