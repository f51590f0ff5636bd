import type { Event, Millis } from '../model/event.ts';
import { addEvent, type KnownEvent, type UserState } from '../rules/facts.ts';
import { requiredHistory } from '../rules/required-facts.ts';
import type { CompiledRule, RuleSet } from '../rules/rule-set.ts';
import { DAY_MS } from '../time/iso-time.ts';
import type { BacktestPlan, HistoricalEvent } from './history.ts';

/** Fewer known events than this cost nothing worth saving. */
const PRUNE_FROM = 200;

/** What a replayed person's rules know of the past: all of it, as far as any rule may still look. */
export class ReplayWindow {
  readonly #arrivals: readonly HistoricalEvent[];
  readonly #plan: BacktestPlan;
  /** The least event time of each arrival and those after it; made when there is much to forget. */
  #least: readonly Millis[] | undefined;
  #lookBack = 0;
  #pruneAt = PRUNE_FROM;

  constructor(arrivals: readonly HistoricalEvent[], plan: BacktestPlan) {
    this.#arrivals = arrivals;
    this.#plan = plan;
  }

  remember(user: UserState, event: Event): void {
    const { key, eventId, time } = event;
    addEvent(user, event.type, { key, eventId, time, event });
  }

  /**
   * Another version is in force: triggers whose pattern is complete by its rules had their decision, the others wait for
   * it. Production asks the stored events the same.
   */
  adopt(user: UserState, set: RuleSet): void {
    user.completed.clear();
    if (user.events.size === 0) return;
    for (const [earlierType, listening] of set.byPriorEvent) {
      const earlier = user.events.get(earlierType);
      if (!earlier) continue;
      const inOrder = [...earlier].sort((a, b) => a.time - b.time);
      for (const compiled of listening) markCompleted(user, compiled, inOrder);
    }
  }

  /** Forgets what no rule can ask for any more. @param next the arrival that comes next */
  prune(user: UserState, next: number, now: Millis): void {
    if (next < this.#pruneAt && user.waits.size < PRUNE_FROM) return;
    let count = 0;
    for (const list of user.events.values()) count += list.length;
    if (count < this.#pruneAt && user.waits.size < PRUNE_FROM) return;
    this.#least ??= leastTimes(this.#arrivals);
    if (this.#lookBack === 0) {
      const versions = new Set(this.#arrivals.map(({ catalogVersion }) => this.#plan.version(catalogVersion)));
      if (this.#plan.candidate) versions.add(this.#plan.candidate);
      this.#lookBack = Math.max(...[...versions].map(lookBackOf));
    }
    let from = Math.min(this.#least[next] ?? now, now);
    for (const { status, triggerTime } of user.waits.values()) {
      if (status === 'waiting') from = Math.min(from, triggerTime);
    }
    from -= this.#lookBack;
    count = 0;
    for (const [type, list] of user.events) {
      const kept = list.filter(({ time }) => time >= from);
      user.events.set(type, kept);
      count += kept.length;
    }
    user.changes = user.changes?.filter(({ trigger }) => trigger.time >= from);
    for (const [name, time] of user.firedAt ?? []) if (time < from) user.firedAt?.delete(name);
    for (const [id, { status, dueAt }] of user.waits) {
      if (status !== 'waiting' && dueAt < from) user.waits.delete(id);
    }
    this.#pruneAt = Math.max(PRUNE_FROM, count * 2);
  }
}

function markCompleted(
  user: UserState,
  { rule, priorEvent: simple }: CompiledRule,
  earlier: readonly KnownEvent[],
): void {
  const within = simple?.within ?? 0;
  for (const type of rule.on) {
    for (const { key, time } of user.events.get(type) ?? []) {
      const latest = latestUpTo(earlier, time, key);
      if (latest && time - latest.time <= within) user.completed.add(`${rule.name} ${key}`);
    }
  }
}

/** @param events in order of time */
function latestUpTo(events: readonly KnownEvent[], time: Millis, otherThan: string): KnownEvent | undefined {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.time ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  const found = events[low - 1];
  return found?.key === otherThan ? events[low - 2] : found;
}

/** How far before an event the rules of a set may look, in milliseconds; clock changes and zones included. */
function lookBackOf(set: RuleSet): Millis {
  let longest = 0;
  const at = Date.parse('2025-01-01T00:00:00Z');
  const traits = Object.fromEntries([...set.byTrait.keys()].map((trait) => [trait, null]));
  const types = [set.byTrigger, set.byPriorEvent, set.byPatternEvent, set.byCancelEvent].flatMap((map) => [
    ...map.keys(),
  ]);
  for (const type of new Set([...types, ''])) {
    for (const { from } of requiredHistory(set, { type, time: at, traits })) longest = Math.max(longest, at - from);
  }
  for (const { rule } of set.byName.values()) longest = Math.max(longest, rule.debounce?.quiet ?? 0);
  return longest + 2 * DAY_MS;
}

function leastTimes(arrivals: readonly HistoricalEvent[]): Millis[] {
  const least = new Array<Millis>(arrivals.length);
  let so = Number.POSITIVE_INFINITY;
  for (let place = arrivals.length - 1; place >= 0; place--) {
    so = Math.min(so, arrivals[place]?.time ?? so);
    least[place] = so;
  }
  return least;
}
