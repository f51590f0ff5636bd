import type { Event, Millis } from '../../model/event.ts';
import { requiredHistory } from '../../rules/compile/required-facts.ts';
import type { RuleSet } from '../../rules/compile/rule-set.ts';
import { copyEvents } from '../../rules/known/known-events.ts';
import { forgetWaitIndex } from '../../rules/known/user-waits.ts';
import { rebuildCompleted } from '../../rules/patterns/prior-event.ts';
import { addEvent, type UserState } from '../../rules/user-state.ts';
import type { StoredEvent } from '../../store/replay.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import type { BacktestPlan } from './history.ts';

/** Fewer known events than this cost nothing worth saving. */
const PRUNE_FROM = 200;

/** The events that the rules of a replayed user may still look at. */
export class ReplayWindow {
  readonly #arrivals: readonly StoredEvent[];
  readonly #plan: BacktestPlan;
  /** The least event time of each arrival and those after it; made when there is much to forget. */
  #least: readonly Millis[] | undefined;
  #lookBack = 0;
  #pruneAt = PRUNE_FROM;

  constructor(arrivals: readonly StoredEvent[], plan: BacktestPlan) {
    this.#arrivals = arrivals;
    this.#plan = plan;
  }

  remember(user: UserState, event: Event): void {
    const { key, eventId, time } = event;
    addEvent(user, event.type, { key, eventId, time, event });
  }

  /** Another catalog version is active: finds out which triggers have the pattern of its rules complete. */
  activate(user: UserState, rules: RuleSet): void {
    rebuildCompleted(rules, user);
  }

  /** Drops events, waits and uses that no rule can require again. @param next index of the next arrival */
  prune(user: UserState, next: number, now: Millis): void {
    if (next < this.#pruneAt && user.waits.size < PRUNE_FROM) return;
    let count = 0;
    for (const list of user.events.values()) count += list.length;
    if (count < this.#pruneAt && user.waits.size < PRUNE_FROM) return;
    this.#least ??= leastTimes(this.#arrivals);
    if (this.#lookBack === 0) {
      const versions = new Set(this.#arrivals.map(({ catalogVersion }) => this.#plan.version(catalogVersion)));
      if (this.#plan.candidate) versions.add(this.#plan.candidate);
      this.#lookBack = Math.max(...[...versions].map(computeLookBack));
    }
    let from = Math.min(this.#least[next] ?? now, now);
    for (const { status, triggerTime, state } of user.waits.values()) {
      if (status === 'waiting') from = Math.min(from, triggerTime, state.first ?? triggerTime);
    }
    from -= this.#lookBack;
    user.events = copyEvents(user.events, from);
    user.lookedAhead = undefined;
    count = 0;
    for (const list of user.events.values()) count += list.length;
    user.openTraitChanges = user.openTraitChanges?.filter(({ trigger }) => trigger.time >= from);
    for (const [name, time] of user.firedAt ?? []) if (time < from) user.firedAt?.delete(name);
    for (const [id, { status, dueAt }] of user.waits) {
      if (status !== 'waiting' && dueAt < from) user.waits.delete(id);
    }
    forgetWaitIndex(user.waits);
    this.#pruneAt = Math.max(PRUNE_FROM, count * 2);
  }
}

/** Returns the longest time (ms) before an event that the rules of a set may look at, with a margin for zones. */
function computeLookBack(set: RuleSet): Millis {
  let longest = 0;
  const at = Date.parse('2025-01-01T00:00:00Z');
  const traits = Object.fromEntries([...set.byTrait.keys()].map((trait) => [trait, null]));
  const types = [set.byTrigger, set.byPatternEvent, set.byCancelEvent].flatMap((map) => [...map.keys()]);
  for (const type of new Set([...types, ''])) {
    for (const { from } of requiredHistory(set, { type, time: at, traits })) longest = Math.max(longest, at - from);
  }
  for (const { rule } of set.byName.values()) longest = Math.max(longest, rule.debounce?.quiet ?? 0);
  return longest + 2 * DAY_MS;
}

function leastTimes(arrivals: readonly StoredEvent[]): Millis[] {
  const least = new Array<Millis>(arrivals.length);
  let so = Number.POSITIVE_INFINITY;
  for (let place = arrivals.length - 1; place >= 0; place--) {
    so = Math.min(so, arrivals[place]?.time ?? so);
    least[place] = so;
  }
  return least;
}
