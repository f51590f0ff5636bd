import { compareForDecision } from '../events/emitted.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis, Profile } from '../model/event.ts';
import type { Verdicts } from '../rules/context.ts';
import { decide, decideDueWait, decideOccurrence } from '../rules/decide.ts';
import {
  addUse,
  compareByDueTime,
  type Ids,
  newUserState,
  recordFired,
  type UserState,
  type Wait,
} from '../rules/facts.ts';
import { queuePending } from '../rules/lookahead.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { addTraitChanges } from '../rules/trait-changes.ts';
import { mergeTraits } from '../users/profile.ts';
import { countingIds } from './counting-ids.ts';
import { decisionsEqual } from './decisions-equal.ts';
import { emittedEvents, type PlayedEvent } from './emitted.ts';
import {
  type BacktestPlan,
  type HistoricalEvent,
  type HistoricalWait,
  pastDecisions,
  type UserHistory,
  type Verdict,
} from './history.ts';
import { type Occurrence, Occurrences } from './occurrences.ts';
import { ReplayWindow } from './replay-window.ts';

/**
 * Lives a person's stored life again: every event arrives when it arrived, every wait ends when it is due, or when it
 * really ended where it is the same wait. Returns what is decided from `since` on, in order.
 *
 * What was open at `since` must be known as it was then, and only its latest state is stored. So the replay begins
 * earlier, under the catalogs of that time, at a moment at which the person waited for nothing.
 */
export function replayHistory(life: UserHistory, plan: BacktestPlan): Verdict[] {
  return new Replay(life, plan).run();
}

class Replay {
  readonly #life: UserHistory;
  readonly #plan: BacktestPlan;
  readonly #ids: Ids;
  readonly #sets: { active: RuleSet; at(version: number): RuleSet };
  readonly #start: Millis;
  /** In the order in which they were decided. */
  readonly #arrivals: readonly HistoricalEvent[];
  readonly #past: ReadonlyMap<string, HistoricalWait>;
  /** Made when a rule first emits. */
  #byKey: ReadonlyMap<string, HistoricalEvent> | undefined;
  /** Nothing: no rule acts by itself. */
  readonly #turns: Occurrences | undefined;
  readonly #known: ReplayWindow;
  #user: UserState;
  #now: Millis;
  #next = 0;
  #verdicts: Verdict[] = [];

  constructor(life: UserHistory, plan: BacktestPlan) {
    const start = startOf(life, plan.since);
    this.#life = life;
    this.#plan = plan;
    this.#start = start;
    this.#now = start;
    this.#user = newUserState(life.userId);
    this.#ids = countingIds();
    this.#past = new Map(life.waits.map((wait) => [wait.waitId, wait]));
    this.#arrivals = life.events
      .filter(({ receivedAt, emittedBy }) => receivedAt >= start && emittedBy === null)
      .sort((a, b) => a.receivedAt - b.receivedAt || compareForDecision(a, b));
    this.#sets = {
      active: plan.version(this.#arrivals[0]?.catalogVersion ?? life.events.at(-1)?.catalogVersion ?? 0),
      at: (version) => (plan.candidate?.version === version ? plan.candidate : plan.version(version)),
    };
    const hasTurns = (plan.candidate?.recurring.length ?? 0) > 0 || life.waits.some(({ kind }) => kind === 'every');
    this.#turns = hasTurns ? new Occurrences(life, plan, start, this.#ids) : undefined;
    this.#known = new ReplayWindow(this.#arrivals, plan);
    this.#remember();
    if (start >= plan.since && plan.candidate) this.#sets.active = plan.candidate;
    this.#known.adopt(this.#user, this.#sets.active);
  }

  run(): Verdict[] {
    const { since, until, candidate } = this.#plan;
    for (;;) {
      const arrival = this.#arrivals[this.#next]?.receivedAt ?? Number.POSITIVE_INFINITY;
      const end = this.#user.waits.size === 0 ? Number.POSITIVE_INFINITY : this.#nextEnd();
      const turn = this.#turns?.next(this.#user, this.#now);
      const now = Math.min(arrival, end, turn?.at ?? Number.POSITIVE_INFINITY);
      if (now >= until) return this.#verdicts;
      this.#now = now;
      if (candidate && now >= since) this.#adopt(candidate);
      if (end === now && arrival === now) this.#endAndArrive();
      else if (end === now) this.#end();
      else if (arrival === now) this.#arrive();
      else if (turn) this.#turn(turn);
    }
  }

  /** Everything that arrived in one instant; in order of event time, as a batch is decided. */
  #arrive(): void {
    const emitted: PlayedEvent[] = [];
    let end = this.#next + 1;
    while (this.#arrivals[end]?.receivedAt === this.#now) end++;
    const together = this.#arrivals.slice(this.#next, end);
    this.#next = end;
    queuePending(together, () => this.#user);
    for (const event of together) {
      if (!this.#isCandidates()) this.#adopt(this.#plan.version(event.catalogVersion));
      emitted.push(...this.#decide(event));
    }
    this.#emit(emitted);
    this.#known.prune(this.#user, this.#next, this.#now);
  }

  /** All waits whose time has come, as one transaction ends them. */
  #end(): void {
    const due = [...this.#user.waits.values()].filter((wait) => this.#endOf(wait) === this.#now).sort(compareByDueTime);
    for (const wait of due) {
      if (wait.status !== 'waiting') continue;
      const past = this.#past.get(wait.waitId);
      if (past && isCancelledByHand(past)) {
        wait.status = 'cancelled';
        wait.endedAt = this.#now;
        this.#tell(wait.waitId, past.decisions);
        continue;
      }
      // It may have been moved to another version by hand.
      if (past && !this.#isCandidates() && past.catalogVersion !== wait.catalogVersion) {
        this.#user.waits.set(wait.waitId, { ...wait, catalogVersion: past.catalogVersion });
      }
      const verdicts = decideDueWait(this.#sets, this.#user, wait.waitId, this.#now, this.#ids);
      this.#emit(this.#take(verdicts));
    }
  }

  #turn(turn: Occurrence): void {
    const { compiled, version, due, localTimeKey: label } = turn;
    this.#turns?.complete(turn, this.#user);
    if (!this.#isCandidates()) this.#adopt(this.#plan.version(version));
    const verdicts = decideOccurrence(this.#sets, compiled, this.#user, due, label, this.#now, this.#ids);
    this.#emit(this.#take(verdicts));
  }

  /**
   * A wait ended in the millisecond in which something arrived, and which was first is not written down. What was
   * decided tells.
   */
  #endAndArrive(): void {
    const before = { user: this.#user, next: this.#next, count: this.#verdicts.length };
    const past = [...pastDecisions(this.#life, this.#plan).values()].filter(({ at }) => at === this.#now);
    const expected = new Map(past.map(({ source, decisions }) => [source, decisions]));
    const run = (order: readonly (() => void)[]) => {
      this.#user = copyOf(before.user);
      this.#next = before.next;
      this.#verdicts.length = before.count;
      for (const step of order) step();
    };
    /** How much of what was decided has come out; less than nothing where something else has. */
    const agreement = () => {
      const made = this.#verdicts.slice(before.count);
      return made.every(({ source, decisions }) => decisionsEqual(expected.get(source) ?? [], decisions))
        ? made.length
        : -1;
    };
    const endFirst = [() => this.#end(), () => this.#arrive()];
    const arriveFirst = [...endFirst].reverse();
    run(arriveFirst);
    const arriving = agreement();
    run(endFirst);
    if (agreement() < arriving) run(arriveFirst);
  }

  /** Events that rules made are decided when everything else is, until no rule makes another. */
  #emit(emitted: readonly PlayedEvent[]): void {
    for (let left = emitted; left.length > 0; ) {
      const events = left.filter(({ key }) => !this.#isKnown(key)).sort(compareForDecision);
      queuePending(events, () => this.#user);
      left = events.flatMap((event) => {
        // Another catalog may have come into force since the last event arrived.
        const past = this.#isCandidates() ? undefined : this.#stored(event.key);
        if (past) this.#adopt(this.#plan.version(past.catalogVersion));
        return this.#decide(event);
      });
    }
  }

  /** Something with this id came before: what was posted, or what rules made before the replay begins. */
  #isKnown(key: string): boolean {
    const past = this.#stored(key);
    if (!past) return false;
    return past.emittedBy === null ? past.receivedAt <= this.#now : past.receivedAt < this.#start;
  }

  #stored(key: string): HistoricalEvent | undefined {
    this.#byKey ??= new Map(this.#life.events.map((event) => [event.key, event]));
    return this.#byKey.get(key);
  }

  #decide(event: PlayedEvent): readonly PlayedEvent[] {
    const user = this.#user;
    const before = user.profile;
    user.profile = mergeTraits(before, event.traits, event.time);
    return this.#take(decide(this.#sets, user, event, before, this.#now, this.#ids));
  }

  #take(verdicts: Verdicts): readonly PlayedEvent[] {
    const emitted = emittedEvents(this.#user.userId, verdicts);
    this.#tell(verdicts.source, verdicts.decisions);
    return emitted;
  }

  #tell(source: string, decisions: readonly Decision[]): void {
    if (decisions.length > 0 && this.#now >= this.#plan.since) {
      this.#verdicts.push({ source, at: this.#now, decisions });
    }
  }

  #adopt(set: RuleSet): void {
    if (this.#sets.active === set) return;
    this.#sets.active = set;
    this.#known.adopt(this.#user, set);
  }

  #isCandidates(): boolean {
    return this.#plan.candidate !== null && this.#now >= this.#plan.since;
  }

  #nextEnd(): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const wait of this.#user.waits.values()) next = Math.min(next, this.#endOf(wait));
    return next;
  }

  /** When a wait ends: when it really did, where the past has the same one and it was due as it is. */
  #endOf({ status, waitId, dueAt }: Wait): Millis {
    if (status !== 'waiting') return Number.POSITIVE_INFINITY;
    const past = this.#past.get(waitId);
    if (!past || (this.#isCandidates() && past.dueAt !== dueAt)) return Math.max(dueAt, this.#now);
    if (past.endedAt === null) return Number.POSITIVE_INFINITY;
    if (past.status === 'fired' || isCancelledByHand(past)) return Math.max(past.endedAt, this.#now);
    // An event cancelled it, and comes again. By then its time had not come, whatever the clock said.
    return this.#isCandidates() ? Math.max(dueAt, past.endedAt + 1) : Number.POSITIVE_INFINITY;
  }

  /** What is known when the replay begins. */
  #remember(): void {
    const { events, uses, waits, profile, userId } = this.#life;
    const user = this.#user;
    const start = this.#start;
    user.profile = forgotten(profile, events);
    const before = events.filter(({ receivedAt }) => receivedAt < start);
    const mayJudgeAgain = this.#mayJudgeAgain();
    for (const event of before) {
      user.profile = mergeTraits(user.profile, event.traits, event.time);
      this.#known.remember(user, event);
      addTraitChanges(user, event.openChanges());
      if (mayJudgeAgain) recordFired(user, event.time, event.decisions());
    }
    const later = uses.length > 0 ? this.#usesFrom(start) : undefined;
    for (const { limitKey, ...use } of uses) {
      if (later?.has(use.notificationId)) continue;
      addUse(user, limitKey, use);
    }
    for (const wait of waits) {
      if (wait.beganAt >= start || wait.kind === 'every') continue;
      const isOver = wait.endedAt !== null && wait.endedAt < start;
      // What is open although the replay begins after it has a trigger that is stored no more: it is taken as it stands.
      const { waitId, rule, key, kind, catalogVersion, beganAt, dueAt, triggerTime, state } = wait;
      const status = isOver ? wait.status : 'waiting';
      const endedAt = isOver ? wait.endedAt : null;
      const same = { waitId, userId, rule, key, kind, catalogVersion, beganAt, dueAt, triggerTime, state };
      user.waits.set(waitId, { ...same, status, endedAt, stored: 'same' });
    }
  }

  /** Some rule may judge a trigger again because of a late event: only then is it worth reading what was told before. */
  #mayJudgeAgain(): boolean {
    const { candidate } = this.#plan;
    const later = this.#life.events.filter(({ receivedAt }) => receivedAt >= this.#start);
    const sets = [...new Set(later.map(({ catalogVersion }) => catalogVersion))].map((version) =>
      this.#plan.version(version),
    );
    return [candidate, ...sets].some((set) => set && (set.byPriorEvent.size > 0 || set.byPatternEvent.size > 0));
  }

  /** What the uses of limits from `start` on are named by: the notification, or what acted without one. */
  #usesFrom(start: Millis): Set<string> {
    const names = new Set<string>();
    const add = (source: string, decisions: readonly Decision[]) => {
      for (const { outcome, notification_id: id, rule } of decisions) {
        if (outcome === 'send' && id !== null) names.add(id);
        else if (outcome === 'acted') names.add(this.#ids.fromText(`${source} ${rule}`));
      }
    };
    for (const event of this.#life.events) {
      if (event.hasFired && event.receivedAt >= start) add(event.key, event.decisions());
    }
    for (const { waitId, endedAt, decisions } of this.#life.waits) {
      if (endedAt !== null && endedAt >= start) add(waitId, decisions);
    }
    return names;
  }
}

/** What the rules change in place is copied, what they replace is shared. */
function copyOf(user: UserState): UserState {
  const { userId, profile, events: known, uses, completed, waits, pending: coming, changes, firedAt: told } = user;
  return {
    userId,
    profile,
    events: new Map([...known].map(([type, list]) => [type, [...list]])),
    uses: new Map([...uses].map(([limitKey, list]) => [limitKey, [...list]])),
    completed: new Set(completed),
    waits: new Map([...waits].map(([id, wait]) => [id, { ...wait }])),
    pending: coming && [...coming],
    changes: changes && [...changes],
    firedAt: told && new Map(told),
  };
}

/** The latest moment up to `since` at which nothing was open that begins with a stored event. */
function startOf({ waits, events }: UserHistory, since: Millis): Millis {
  let start = since;
  if (waits.length === 0) return start;
  const stored = new Set(events.map(({ key }) => key));
  for (const { beganAt, endedAt, state } of [...waits].sort((a, b) => b.beganAt - a.beganAt)) {
    const isOpen = beganAt < start && (endedAt === null || endedAt >= start);
    if (isOpen && stored.has(state.trigger.key)) start = beganAt;
  }
  return start;
}

/** Traits older than every stored event. */
function forgotten({ traits, traitTimes }: Profile, events: readonly HistoricalEvent[]): Profile {
  const oldest = events[0]?.time ?? Number.POSITIVE_INFINITY;
  const names = Object.keys(traits).filter((name) => (traitTimes[name] ?? 0) < oldest);
  if (names.length === 0) return { traits: {}, traitTimes: {} };
  return {
    traits: Object.fromEntries(names.map((name) => [name, traits[name] ?? null])),
    traitTimes: Object.fromEntries(names.map((name) => [name, traitTimes[name] ?? 0])),
  };
}

/** Cancelled by an event, its decision stands on the event. */
function isCancelledByHand({ status, decisions }: HistoricalWait): boolean {
  return status === 'cancelled' && decisions.length > 0;
}
