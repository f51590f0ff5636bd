import { compareForDecision } from '../../events/emitted.ts';
import type { Decision } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { planOnTerms } from '../../plan/plan-on-terms.ts';
import type { RuleSet } from '../../rules/compile/rule-set.ts';
import type { Verdicts } from '../../rules/context.ts';
import { type DecidableEvent, type EmittedEvent, migrateInOrder, runOccurrences } from '../../rules/decide-in-order.ts';
import { addTraitChanges } from '../../rules/evaluate/trait-changes.ts';
import type { Ids, Wait } from '../../rules/facts.ts';
import { CountedUses } from '../../rules/known/counted-uses.ts';
import { copyEvents } from '../../rules/known/known-events.ts';
import { addUse, newUserState, recordFired, type UserState } from '../../rules/user-state.ts';
import { mergeVisibleTraits } from '../../rules/visible-traits.ts';
import { migrationsOf } from '../../rules/waits/migrate-wait.ts';
import { toWaitId } from '../../rules/waits/wait.ts';
import type { StoredEvent, StoredHistory, StoredWait } from '../../store/replay.ts';
import { mergeTerms, termsBefore } from '../../users/terms.ts';
import { countingIds } from '../counting-ids.ts';
import { decideAll, fireAll, type InMemory } from '../decide-in-memory.ts';
import { decisionsEqual } from './decisions-equal.ts';
import { type BacktestPlan, pastDecisions, type Verdict } from './history.ts';
import { type Occurrence, Occurrences } from './occurrences.ts';
import { ReplayWindow } from './replay-window.ts';
import { restoreAddressIds, traitsBeforeHistory } from './restore-start.ts';

/**
 * Replays a user's history, one time at which something happens after the other, so that others can work in between: every event
 * arrives when it arrived, and every wait fires when it is due; one that the past has, too, and that was due at the same time
 * fires when it really did.
 *
 * Only the latest state of a wait is stored, and the replay needs those that were open at `since` as they were then. So it
 * starts earlier, under the catalog versions of that time, at a time at which the user had no open wait.
 *
 * @returns steps, the last with the verdicts from `since` on, in the order of the decisions
 */
export function replaySteps(history: StoredHistory, plan: BacktestPlan): Generator<void, Verdict[]> {
  return new Replay(history, plan).run();
}

class Replay implements InMemory {
  readonly tenantId = '';
  readonly ids: Ids;
  readonly plan = planOnTerms;
  /** `active` changes with the catalog version. */
  readonly rules: { active: RuleSet; at(version: number): RuleSet };
  now: Millis;
  readonly #history: StoredHistory;
  readonly #backtest: BacktestPlan;
  readonly #start: Millis;
  /** Posted events from the start on, in the order in which they were decided. */
  readonly #arrivals: readonly StoredEvent[];
  readonly #pastWaits: ReadonlyMap<string, StoredWait>;
  /** Waits that an operator moved to other catalog versions, in order of time. */
  readonly #migrations: readonly { readonly at: Millis; readonly version: number; readonly waitId: string }[];
  /** Index of the next one. */
  #nextMigration = 0;
  /** Built when a rule first emits. */
  #eventsByKey: ReadonlyMap<string, StoredEvent> | undefined;
  /** Undefined when no rule is scheduled. */
  readonly #occurrences: Occurrences | undefined;
  readonly #window: ReplayWindow;
  #user: UserState;
  /** Index of the next arrival. */
  #next = 0;
  #verdicts: Verdict[] = [];
  /** Verdicts from this time on are recorded. */
  #recordsFrom: Millis;

  constructor(history: StoredHistory, plan: BacktestPlan) {
    const start = findStart(history, plan.since);
    this.ids = countingIds(plan.keyed);
    this.#history = history;
    this.#backtest = plan;
    this.#start = start;
    this.#recordsFrom = plan.since;
    this.now = start;
    this.#user = newUserState(history.userId);
    if (plan.readsAddresses) this.#user.addresses = {};
    if (plan.comparesAddresses) this.#user.addressIds = restoreAddressIds(history, start, this.ids);
    this.#pastWaits = new Map(history.waits.map((wait) => [wait.waitId, wait]));
    this.#migrations = history.waits
      .flatMap((wait) => migrationsOf(wait).map((one) => ({ ...one, waitId: wait.waitId })))
      .filter(({ at }) => at >= start)
      .sort((a, b) => a.at - b.at);
    this.#arrivals = history.events
      .filter(({ receivedAt, emittedBy }) => receivedAt >= start && emittedBy === null)
      .sort((a, b) => a.receivedAt - b.receivedAt || compareForDecision(a, b));
    this.rules = {
      active: plan.version(this.#arrivals[0]?.catalogVersion ?? history.events.at(-1)?.catalogVersion ?? 0),
      at: (version) => (plan.candidate?.version === version ? plan.candidate : plan.version(version)),
    };
    const isScheduled =
      (plan.candidate?.scheduled.length ?? 0) > 0 || history.waits.some(({ kind }) => kind === 'every');
    this.#occurrences = isScheduled ? new Occurrences(history, plan, start, this.ids) : undefined;
    this.#window = new ReplayWindow(this.#arrivals, plan);
    this.#restoreStart();
    if (start >= plan.since && plan.candidate) this.rules.active = plan.candidate;
    this.#window.activate(this.#user, this.rules.active);
  }

  *run(): Generator<void, Verdict[]> {
    const { since, until, candidate } = this.#backtest;
    for (;;) {
      const arrival = this.#arrivals[this.#next]?.receivedAt ?? Number.POSITIVE_INFINITY;
      const due = this.#user.waits.size === 0 ? Number.POSITIVE_INFINITY : this.#nextFireTime();
      const occurrence = this.#occurrences?.next(this.#user, this.now);
      const migration = this.#migrations[this.#nextMigration]?.at ?? Number.POSITIVE_INFINITY;
      const now = Math.min(arrival, due, occurrence?.at ?? Number.POSITIVE_INFINITY, migration);
      if (now >= until) return this.#verdicts;
      this.now = now;
      if (candidate && now >= since) this.#activate(candidate);
      if (migration === now) this.#migrate();
      else if (due === now && arrival === now) this.#fireAndIngest();
      else if (due === now) this.#fire();
      else if (arrival === now) this.#ingest();
      else if (occurrence) this.#runOccurrence(occurrence);
      yield;
    }
  }

  /** Decides everything that arrived at this instant, as one batch. */
  #ingest(): void {
    let end = this.#next + 1;
    while (this.#arrivals[end]?.receivedAt === this.now) end++;
    const batch = this.#arrivals.slice(this.#next, end);
    this.#next = end;
    this.#addVerdicts(decideAll(this, batch));
    this.#window.prune(this.#user, this.#next, this.now);
  }

  /** Fires all waits whose time has come, as one transaction does. */
  #fire(): void {
    const due = [...this.#user.waits.values()].filter((wait) => this.#fireTime(wait) === this.now);
    for (const wait of due) this.#applyOperatorCommand(wait);
    const open = due.flatMap(({ waitId }) => this.#user.waits.get(waitId) ?? []);
    this.#activateAtEnd(due);
    this.#addVerdicts(fireAll(this, open));
  }

  /** Activates the version that decided about the user when these waits were due: its policy, and its limits of repetitions, held. */
  #activateAtEnd(due: readonly Wait[]): void {
    if (this.#isCandidateActive()) return;
    for (const { waitId } of due) {
      const past = this.#pastWaits.get(waitId);
      if (past?.status !== 'fired') continue;
      this.#activate(this.#backtest.version(past.endedVersion ?? past.catalogVersion));
      return;
    }
  }

  /** Moves the waits that an operator moved at this instant to another catalog version. */
  #migrate(): void {
    let [due, version]: [Wait[], number] = [[], 0];
    for (let next = this.#migrations[this.#nextMigration]; next?.at === this.now; ) {
      const wait = this.#user.waits.get(next.waitId);
      // A wait that was restored as it is stored was moved already.
      if (wait && !migrationsOf(wait).some(({ at }) => at === this.now)) due = [...due, wait];
      version = next.version;
      next = this.#migrations[++this.#nextMigration];
    }
    if (this.#isCandidateActive()) return;
    this.#activate(this.#backtest.version(version));
    this.#addVerdicts(migrateInOrder(this, due));
  }

  /** An operator may have cancelled the wait. */
  #applyOperatorCommand(wait: Wait): void {
    const past = this.#pastWaits.get(wait.waitId);
    if (!past || !isCancelledByOperator(past)) return;
    wait.status = 'cancelled';
    wait.endedAt = this.now;
    this.#addVerdict(wait.waitId, past.decisions);
  }

  #runOccurrence(occurrence: Occurrence): void {
    const { compiled, version, due, localTimeKey } = occurrence;
    this.#occurrences?.complete(occurrence, this.#user);
    if (!this.#isCandidateActive()) this.#activate(this.#backtest.version(version));
    const past = this.#pastWaits.get(toWaitId({ user: this.#user, ids: this.ids }, compiled.rule.name, localTimeKey));
    if (past && isCancelledByOperator(past) && !this.#isCandidateActive()) {
      // It was set aside.
      this.#addVerdict(past.waitId, past.decisions);
      return;
    }
    const { steps, emitted } = runOccurrences(this, compiled, [this.#user.userId], due, localTimeKey);
    this.#addVerdicts(steps);
    this.#addVerdicts(decideAll(this, this.admit(emitted)));
  }

  /**
   * A wait fired in the millisecond in which an event arrived, and their order is not stored. Tries both orders and keeps
   * the one that gives the stored decisions.
   */
  #fireAndIngest(): void {
    const { now } = this;
    const before = { user: this.#user, next: this.#next, count: this.#verdicts.length };
    const expected = pastDecisions(this.#history, { since: now, until: now + 1 });
    // The orders are compared before the backtest starts as well: what it starts with depends on them.
    this.#recordsFrom = Math.min(now, this.#backtest.since);
    const run = (order: readonly (() => void)[]) => {
      this.#user = copyState(before.user);
      this.#next = before.next;
      this.#verdicts.length = before.count;
      for (const step of order) step();
    };
    /** Number of verdicts that are as stored; -1 when one is not. */
    const agreement = () => {
      const made = this.#verdicts.slice(before.count);
      return made.every(({ source, decisions }) => decisionsEqual(expected.get(source)?.decisions ?? [], decisions))
        ? made.length
        : -1;
    };
    const fireFirst = [() => this.#fire(), () => this.#ingest()];
    const ingestFirst = [...fireFirst].reverse();
    run(ingestFirst);
    const ingesting = agreement();
    run(fireFirst);
    if (agreement() < ingesting) run(ingestFirst);
    this.#recordsFrom = this.#backtest.since;
    if (now < this.#backtest.since) this.#verdicts.length = before.count;
  }

  /** Returns the only user there is. */
  getUser(): UserState {
    return this.#user;
  }

  /** Returns the emitted events that are not known yet. */
  admit(emitted: readonly EmittedEvent[]): readonly EmittedEvent[] {
    return emitted.length === 0 ? emitted : emitted.filter(({ key }) => !this.#isKnown(key));
  }

  /** Activates the version that decided this event in the past: it may differ between two events of one instant. */
  beforeEvent(event: DecidableEvent): void {
    if (this.#isCandidateActive()) return;
    const version = 'catalogVersion' in event ? (event as StoredEvent).catalogVersion : undefined;
    const past = version ?? this.#storedEvent(event.key)?.catalogVersion;
    if (past !== undefined) this.#activate(this.#backtest.version(past));
  }

  /** An event with this key came before: it was posted, or a rule emitted it before the replay starts. */
  #isKnown(key: string): boolean {
    const past = this.#storedEvent(key);
    if (!past) return false;
    return past.emittedBy === null ? past.receivedAt <= this.now : past.receivedAt < this.#start;
  }

  #storedEvent(key: string): StoredEvent | undefined {
    this.#eventsByKey ??= new Map(this.#history.events.map((event) => [event.key, event]));
    return this.#eventsByKey.get(key);
  }

  #addVerdicts(steps: readonly { readonly verdicts: Verdicts }[]): void {
    for (const { verdicts } of steps) this.#addVerdict(verdicts.source, verdicts.decisions);
  }

  #addVerdict(source: string, decisions: readonly Decision[]): void {
    if (decisions.length > 0 && this.now >= this.#recordsFrom) {
      this.#verdicts.push({ source, at: this.now, decisions });
    }
  }

  #activate(set: RuleSet): void {
    if (this.rules.active === set) return;
    this.rules.active = set;
    this.#window.activate(this.#user, set);
  }

  #isCandidateActive(): boolean {
    return this.#backtest.candidate !== null && this.now >= this.#backtest.since;
  }

  #nextFireTime(): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const wait of this.#user.waits.values()) next = Math.min(next, this.#fireTime(wait));
    return next;
  }

  /** When a wait fires: when it really did, if the past has the same wait, due at the same time. */
  #fireTime({ status, waitId, dueAt }: Wait): Millis {
    if (status !== 'waiting') return Number.POSITIVE_INFINITY;
    const past = this.#pastWaits.get(waitId);
    if (!past || (this.#isCandidateActive() && past.dueAt !== dueAt)) return Math.max(dueAt, this.now);
    if (past.endedAt === null) return Number.POSITIVE_INFINITY;
    if (past.status === 'fired' || isCancelledByOperator(past)) return Math.max(past.endedAt, this.now);
    // An event cancelled it, or a move, and is replayed as well. Until then it had not fired, whatever the clock said.
    return this.#isCandidateActive() ? Math.max(dueAt, past.endedAt + 1) : Number.POSITIVE_INFINITY;
  }

  /** Builds the user state at the start of the replay. */
  #restoreStart(): void {
    const { events, uses, waits, profile, terms, userId } = this.#history;
    const user = this.#user;
    const start = this.#start;
    user.profile = traitsBeforeHistory(profile, events);
    user.terms = termsBefore(terms, events[0]?.time ?? Number.POSITIVE_INFINITY);
    const before = events.filter(({ receivedAt }) => receivedAt < start);
    const mayReevaluate = this.#mayReevaluate();
    for (const event of before) {
      Object.assign(user, mergeVisibleTraits(user, event.traits, event.time));
      user.terms = mergeTerms(user.terms, event);
      this.#window.remember(user, event);
      addTraitChanges(user, event.openChanges());
      if (mayReevaluate) recordFired(user, event.time, event.decisions());
    }
    const later = uses.length > 0 ? this.#usesFrom(start) : undefined;
    for (const { limitKey, ...use } of uses) {
      if (later?.has(use.notificationId)) continue;
      addUse(user, limitKey, use);
    }
    for (const wait of waits) {
      if (wait.beganAt >= start || wait.kind === 'every') continue;
      const isOver = wait.endedAt !== null && wait.endedAt < start;
      // A wait that is open although the replay starts after it has a trigger that is no longer stored: its stored state
      // is used as it is.
      const { waitId, rule, key, kind, catalogVersion, beganAt, dueAt, triggerTime, state } = wait;
      const status = isOver ? wait.status : 'waiting';
      const endedAt = isOver ? wait.endedAt : null;
      const same = { waitId, userId, rule, key, kind, catalogVersion, beganAt, dueAt, triggerTime, state };
      user.waits.set(waitId, { ...same, status, endedAt, stored: 'same' });
    }
  }

  /** Whether a late event may let a rule evaluate a trigger again: only then are the earlier decisions worth reading. */
  #mayReevaluate(): boolean {
    const { candidate } = this.#backtest;
    const later = this.#history.events.filter(({ receivedAt }) => receivedAt >= this.#start);
    const sets = [...new Set(later.map(({ catalogVersion }) => catalogVersion))].map((version) =>
      this.#backtest.version(version),
    );
    return [candidate, ...sets].some((set) => set && set.byPatternEvent.size > 0);
  }

  /** Names of the limit uses from `start` on: the notification id, or the id of an action without a notification. */
  #usesFrom(start: Millis): Set<string> {
    const names = new Set<string>();
    for (const event of this.#history.events) {
      if (event.hasFired && event.receivedAt >= start) this.#addUsesOf(event.key, event.decisions(), names);
    }
    for (const { waitId, endedAt, decisions } of this.#history.waits) {
      if (endedAt !== null && endedAt >= start) this.#addUsesOf(waitId, decisions, names);
    }
    return names;
  }

  #addUsesOf(source: string, decisions: readonly Decision[], names: Set<string>): void {
    for (const { outcome, reason_code: code, notification_id: id, rule } of decisions) {
      if (outcome === 'send' && id !== null) names.add(id);
      else if (outcome === 'acted' || code === 'collected') names.add(this.ids.fromText(`${source} ${rule}`));
    }
  }
}

/** Returns a copy that can be decided on without changing the original; shares what the rules replace and never change. */
function copyState(user: UserState): UserState {
  const { events, uses, completed, waits, pending, openTraitChanges: changes, firedAt } = user;
  return {
    ...user,
    events: copyEvents(events),
    uses: new Map([...uses].map(([limitKey, list]) => [limitKey, new CountedUses(list)])),
    completed: new Set(completed),
    waits: new Map([...waits].map(([id, wait]) => [id, { ...wait }])),
    pending: pending && [...pending],
    lookedAhead: undefined,
    openTraitChanges: changes && [...changes],
    firedAt: firedAt && new Map(firedAt),
  };
}

/** Returns the latest time up to `since` at which no wait was open whose trigger is stored. */
function findStart({ waits, events }: StoredHistory, since: Millis): Millis {
  let start = since;
  if (waits.length === 0) return start;
  const stored = new Set(events.map(({ key }) => key));
  for (const { beganAt, endedAt, state } of [...waits].sort((a, b) => b.beganAt - a.beganAt)) {
    const isOpen = beganAt < start && (endedAt === null || endedAt >= start);
    if (isOpen && stored.has(state.trigger.key)) start = beganAt;
  }
  return start;
}

/**
 * Whether an operator cancelled the wait, or it was too costly and set aside. A wait that an event cancelled has no decisions of
 * its own: they stand on the event. One that ended because an operator moved it was decided then, and the replay decides it again.
 */
function isCancelledByOperator(wait: StoredWait): boolean {
  const { status, decisions, endedAt } = wait;
  return status === 'cancelled' && decisions.length > 0 && migrationsOf(wait).at(-1)?.at !== endedAt;
}
