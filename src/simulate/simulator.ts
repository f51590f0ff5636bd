import { compareForDecision } from '../events/emitted.ts';
import { PriorityQueue } from '../lib/priority-queue.ts';
import type { Decision } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Send } from '../rules/context.ts';
import { decide, decideDueWait, decideOccurrence } from '../rules/decide.ts';
import { compareByDueTime, type Ids, newUserState, type UserState, type Wait } from '../rules/facts.ts';
import { queuePending } from '../rules/lookahead.ts';
import type { CompiledRule, RuleSets } from '../rules/rule-set.ts';
import { formatLocalTimeKey, nextOccurrence, resolveZone } from '../time/calendar.ts';
import { mergeTraits } from '../users/profile.ts';
import { emittedEvents, type PlayedEvent } from './emitted.ts';
import type { Occurrence } from './occurrences.ts';

export type SimulatedEvent = PlayedEvent;

/** The turn of a recurring rule, and the moment it is for: which may be past when it is taken. */
export type DueTurn = Pick<Occurrence, 'compiled' | 'due'>;

/** Something that was decided on. */
export interface SimulationStep {
  readonly userId: string;
  /** When it was decided. */
  readonly at: Millis;
  readonly cause: Cause;
  readonly decisions: readonly Decision[];
  readonly sends: readonly Send[];
  /** The catalog it was decided with. */
  readonly catalogVersion: number;
}

export type Cause =
  | { readonly kind: 'event'; readonly event: SimulatedEvent }
  | { readonly kind: 'wait'; readonly wait: Wait }
  /** The turn of a rule that acts by itself, at its local time. */
  | { readonly kind: 'turn'; readonly rule: string; readonly due: Millis; readonly label: string };

interface Turns {
  readonly compiled: CompiledRule;
  readonly cron: string;
  readonly zone: string;
}

type Due =
  | { readonly kind: 'wait'; readonly userId: string; readonly wait: Wait }
  | { readonly kind: 'turns'; readonly turns: Turns };

/**
 * People under the rules, in memory and in virtual time. Everything of a person is kept whole, so nothing must be asked
 * for. The same events at the same times have the same outcome, wherever and whenever it is played.
 */
export class Simulator {
  readonly users = new Map<string, UserState>();
  protected readonly rules: RuleSets;
  readonly #ids: Ids;
  readonly #agenda = new PriorityQueue<Due>();
  readonly #known = new Set<string>();
  /** Who lives by which clock, for the turns of recurring rules. */
  readonly #zones = new Map<string, Set<string>>();
  readonly #zoneOfPerson = new Map<string, string>();
  #now: Millis | undefined;

  constructor(rules: RuleSets, ids: Ids) {
    this.rules = rules;
    this.#ids = ids;
  }

  /** A person who is known already, with traits that any event may change. */
  addUser(userId: string, traits: JsonObject, now: Millis): void {
    this.#reach(now);
    this.#personOf(userId).profile = { traits, traitTimes: {} };
    this.#settle(userId);
  }

  /**
   * One batch of events, decided in order of event time; then what rules emit because of them, until no rule makes
   * another. An event that is known already does nothing. Time only goes on: what was due before `now` is still to come
   * (see `advance`), and late.
   */
  ingest(events: readonly SimulatedEvent[], now: Millis): SimulationStep[] {
    const at = this.#reach(now);
    const fresh = events.filter(({ key }) => this.#isNew(key));
    const all: SimulationStep[] = [];
    for (const userId of new Set(fresh.map((event) => event.userId))) {
      this.#personOf(userId);
      const own = fresh.filter((event) => event.userId === userId);
      const user = this.recall(userId, own, at);
      const mine = this.#decideAll(user, own, at);
      this.saveState(user, mine);
      this.#settle(userId);
      all.push(...mine);
    }
    return all;
  }

  /** Lets time pass: waits end and turns are taken, each at its own time, or now where that is past. */
  advance(to: Millis): SimulationStep[] {
    const all: SimulationStep[] = [];
    for (let due = this.nextDue(); due !== null && due <= to; due = this.nextDue()) all.push(...this.#next());
    this.#reach(to);
    return all;
  }

  /** When something is to happen by itself; null: nothing waits, and no rule acts by itself. */
  nextDue(): Millis | null {
    for (let first = this.#agenda.first(); first; first = this.#agenda.first()) {
      const { due, item } = first;
      const isStale = item.kind === 'wait' && (item.wait.status !== 'waiting' || item.wait.dueAt !== due);
      if (!isStale) return due;
      this.#agenda.removeFirst();
    }
    return null;
  }

  /** What is known of the person before these events are decided. */
  protected recall(userId: string, _events: readonly SimulatedEvent[], _now: Millis): UserState {
    return this.users.get(userId)!;
  }

  /** The same, before waits end or a turn is taken. */
  protected recallFor(userId: string, _due: readonly Wait[], _now: Millis, _turn?: DueTurn): UserState {
    return this.users.get(userId)!;
  }

  /** What more must be known before events that rules emitted are decided. */
  protected recallMore(_user: UserState, _events: readonly SimulatedEvent[], _now: Millis): void {}

  /** Keeps what came of it. */
  protected saveState(_user: UserState, _happened: readonly SimulationStep[]): void {}

  #next(): SimulationStep[] {
    const { due, item } = this.#agenda.first()!;
    this.#agenda.removeFirst();
    const now = this.#reach(due);
    if (item.kind === 'wait') return this.#end(item.userId, now);

    const { compiled, cron, zone } = item.turns;
    // Of several turns that were missed the latest is taken.
    let turn = due;
    let next = nextOccurrence(cron, zone, turn);
    for (; next !== null && next <= now; next = nextOccurrence(cron, zone, next)) turn = next;
    if (next !== null) this.#agenda.add(next, item);
    const users = compiled.rule.zone === 'user' ? (this.#zones.get(zone) ?? []) : this.users.keys();
    return [...users].flatMap((userId) => this.#takeTurn(userId, compiled, turn, formatLocalTimeKey(turn, zone), now));
  }

  /** All that is due of one person, as one transaction ends it. */
  #end(userId: string, now: Millis): SimulationStep[] {
    const due = [...this.users.get(userId)!.waits.values()]
      .filter((wait) => wait.status === 'waiting' && wait.dueAt <= now)
      .sort(compareByDueTime);
    const user = this.recallFor(userId, due, now);
    const all: SimulationStep[] = [];
    for (const { waitId } of due) {
      const wait = user.waits.get(waitId)!;
      // An earlier one may have cancelled it.
      if (wait.status !== 'waiting') continue;
      const verdicts = decideDueWait(this.rules, user, waitId, now, this.#ids);
      const { decisions, sends } = verdicts;
      const cause: Cause = { kind: 'wait', wait };
      if (decisions.length > 0)
        all.push({ userId, at: now, cause, decisions, sends, catalogVersion: wait.catalogVersion });
      // What one makes when it ends is known before the next one ends.
      all.push(...this.#decideEmitted(user, emittedEvents(user.userId, verdicts), now));
    }
    return this.#finish(user, all, [], now);
  }

  #takeTurn(userId: string, compiled: CompiledRule, due: Millis, label: string, now: Millis): SimulationStep[] {
    const user = this.recallFor(userId, [], now, { compiled, due });
    const verdicts = decideOccurrence(this.rules, compiled, user, due, label, now, this.#ids);
    const { decisions, sends } = verdicts;
    // Not in the audience: there is nothing to tell.
    if (decisions.length === 0) return [];
    const cause: Cause = { kind: 'turn', rule: compiled.rule.name, due, label };
    const { version } = this.rules.active;
    return this.#finish(
      user,
      [{ userId, at: now, cause, decisions, sends, catalogVersion: version }],
      emittedEvents(user.userId, verdicts),
      now,
    );
  }

  #finish(
    user: UserState,
    happened: readonly SimulationStep[],
    emits: readonly SimulatedEvent[],
    now: Millis,
  ): SimulationStep[] {
    const all = [...happened, ...this.#decideEmitted(user, emits, now)];
    this.saveState(user, all);
    this.#settle(user.userId);
    return all;
  }

  #decideAll(user: UserState, events: readonly SimulatedEvent[], now: Millis): SimulationStep[] {
    const emitted: SimulatedEvent[] = [];
    const inOrder = [...events].sort(compareForDecision);
    queuePending(inOrder, () => user);
    const all = inOrder.map((event): SimulationStep => {
      const before = user.profile;
      user.profile = mergeTraits(before, event.traits, event.time);
      const verdicts = decide(this.rules, user, event, before, now, this.#ids);
      const { decisions, sends } = verdicts;
      emitted.push(...emittedEvents(user.userId, verdicts));
      const cause: Cause = { kind: 'event', event };
      const { version } = this.rules.active;
      return { userId: user.userId, at: now, cause, decisions, sends, catalogVersion: version };
    });
    return [...all, ...this.#decideEmitted(user, emitted, now)];
  }

  #decideEmitted(user: UserState, emits: readonly SimulatedEvent[], now: Millis): SimulationStep[] {
    const events = emits.filter(({ key }) => this.#isNew(key));
    if (events.length === 0) return [];
    this.recallMore(user, events, now);
    return this.#decideAll(user, events, now);
  }

  #isNew(key: string): boolean {
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    return true;
  }

  #personOf(userId: string): UserState {
    const known = this.users.get(userId);
    if (known) return known;
    const user = newUserState(userId);
    this.users.set(userId, user);
    return user;
  }

  /** What the person waits for now goes on the agenda, and the clock they live by. */
  #settle(userId: string): void {
    const user = this.#personOf(userId);
    for (const wait of user.waits.values()) {
      if (wait.stored === 'same') continue;
      wait.stored = 'same';
      if (wait.status === 'waiting') this.#agenda.add(wait.dueAt, { kind: 'wait', userId, wait });
    }
    if (this.rules.active.recurring.length === 0) return;
    const zone = resolveZone('user', user.profile.traits);
    const before = this.#zoneOfPerson.get(userId);
    if (zone === before) return;
    this.#zoneOfPerson.set(userId, zone);
    if (before !== undefined) this.#zones.get(before)?.delete(userId);
    const users = this.#zones.get(zone);
    if (users) users.add(userId);
    else {
      this.#zones.set(zone, new Set([userId]));
      this.#planTurns(zone, ({ rule }) => rule.zone === 'user');
    }
  }

  #planTurns(zone: string, which: (one: CompiledRule) => boolean): void {
    for (const compiled of this.rules.active.recurring) {
      const cron = compiled.rule.every?.cron;
      if (cron === undefined || !which(compiled)) continue;
      const due = nextOccurrence(cron, zone, this.#now ?? 0);
      if (due !== null) this.#agenda.add(due, { kind: 'turns', turns: { compiled, cron, zone } });
    }
  }

  /** The clock never goes back. */
  #reach(time: Millis): Millis {
    const isFirst = this.#now === undefined;
    this.#now = Math.max(this.#now ?? time, time);
    if (isFirst) {
      const fixed = new Set(this.rules.active.recurring.map(({ rule }) => rule.zone));
      for (const zone of fixed) if (zone !== 'user') this.#planTurns(zone, ({ rule }) => rule.zone === zone);
    }
    return this.#now;
  }
}
