import { PriorityQueue } from '../lib/concurrency/priority-queue.ts';
import type { Decision } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { planOnTerms } from '../plan/plan-on-terms.ts';
import type { CompiledRule, RuleSets } from '../rules/compile/rule-set.ts';
import type { Send, Verdicts } from '../rules/context.ts';
import { type DecidableEvent, type EventStep, runOccurrences, type WaitStep } from '../rules/decide-in-order.ts';
import type { Ids, Wait } from '../rules/facts.ts';
import { newUserState, type UserState } from '../rules/user-state.ts';
import { mergeVisibleTraits } from '../rules/visible-traits.ts';
import { formatLocalTimeKey, nextOccurrence, resolveZone } from '../time/calendar.ts';
import { mergeAddressIds } from '../users/address-ids.ts';
import { decideAll, fireAll, type InMemory } from './decide-in-memory.ts';

/** An occurrence of a scheduled rule; `due` may be before the time at which it is run. */
export interface DueOccurrence {
  readonly compiled: CompiledRule;
  readonly due: Millis;
}

/** One event, wait or occurrence, and what was decided about it. */
export interface SimulationStep {
  readonly userId: string;
  /** Time of the decision. */
  readonly at: Millis;
  readonly cause: Cause;
  readonly decisions: readonly Decision[];
  readonly sends: readonly Send[];
  /** The catalog version that decided. */
  readonly catalogVersion: number;
}

export type Cause =
  | { readonly kind: 'event'; readonly event: DecidableEvent }
  | { readonly kind: 'wait'; readonly wait: Wait }
  /** An occurrence of a scheduled rule. */
  | { readonly kind: 'schedule'; readonly rule: string; readonly due: Millis; readonly localTimeKey: string };

/** A scheduled rule in one time zone. */
interface Schedule {
  readonly compiled: CompiledRule;
  readonly cron: string;
  readonly zone: string;
}

type Due =
  | { readonly kind: 'wait'; readonly userId: string; readonly wait: Wait }
  | { readonly kind: 'schedule'; readonly schedule: Schedule };

/**
 * Users under the rules, in memory and in virtual time. All facts of a user are kept, so nothing is looked up. The same
 * events at the same times have the same result on every machine and in every run.
 *
 * Subclasses may load and save the state of users differently (`loadState…`, `saveState`).
 */
export class Simulator {
  readonly users = new Map<string, UserState>();
  protected readonly rules: RuleSets;
  readonly #ids: Ids;
  readonly #queue = new PriorityQueue<Due>();
  readonly #knownKeys = new Set<string>();
  /** User ids by time zone, for scheduled rules with `zone: user`. */
  readonly #usersInZone = new Map<string, Set<string>>();
  readonly #zoneOfUser = new Map<string, string>();
  #now: Millis | undefined;

  constructor(rules: RuleSets, ids: Ids) {
    this.rules = rules;
    this.#ids = ids;
  }

  /** Adds a user with traits that any event may change. */
  addUser(userId: string, traits: JsonObject, now: Millis): void {
    this.#moveClock(now);
    const user = this.#user(userId);
    // Merged into nothing, so that the profile has masks for addresses, as in production.
    const { profile, addresses } = mergeVisibleTraits(user, traits, now);
    if (user.addressIds) {
      const keyed = (text: string) => this.#ids.keyed(text);
      user.addressIds = mergeAddressIds(user.addressIds, user.profile, profile, { traits, time: now }, keyed);
    }
    user.profile = { traits: profile.traits, traitTimes: {} };
    user.addresses = addresses;
    this.#schedule(userId);
  }

  /**
   * Decides one batch of events, then those that rules emit because of them. An event whose key is known has no effect.
   *
   * @param now time of arrival; the clock never goes back, so an earlier time than before counts as the latest one
   * @returns the steps, user by user in order of first appearance
   */
  ingest(events: readonly DecidableEvent[], now: Millis): SimulationStep[] {
    const at = this.#moveClock(now);
    const fresh = events.filter(({ key }) => this.#isNew(key));
    const all: SimulationStep[] = [];
    for (const userId of new Set(fresh.map((event) => event.userId))) {
      this.#user(userId);
      const own = fresh.filter((event) => event.userId === userId);
      const user = this.loadState(userId, own, at);
      const steps = decideAll(this.#inMemory(user, at), own).map((step) => this.#toStep(step, at));
      all.push(...this.#save(user, steps));
    }
    return all;
  }

  /** Lets time pass up to `to`, inclusive: waits fire and occurrences run at their due times, overdue ones now. */
  advance(to: Millis): SimulationStep[] {
    const all: SimulationStep[] = [];
    for (let due = this.nextDue(); due !== null && due <= to; due = this.nextDue()) all.push(...this.#runNext());
    this.#moveClock(to);
    return all;
  }

  /** Returns when the next wait or occurrence is due; null when no wait is open and no rule is scheduled. */
  nextDue(): Millis | null {
    for (let first = this.#queue.first(); first; first = this.#queue.first()) {
      const { due, item } = first;
      const isStale = item.kind === 'wait' && (item.wait.status !== 'waiting' || item.wait.dueAt !== due);
      if (!isStale) return due;
      this.#queue.removeFirst();
    }
    return null;
  }

  /** Returns what is known of the user before these events are decided. */
  protected loadState(userId: string, _events: readonly DecidableEvent[], _now: Millis): UserState {
    return this.users.get(userId)!;
  }

  /** Returns what is known of the user before these waits fire, or before the occurrence runs. */
  protected loadStateForDue(
    userId: string,
    _due: readonly Wait[],
    _now: Millis,
    _occurrence?: DueOccurrence,
  ): UserState {
    return this.users.get(userId)!;
  }

  /** Adds to `user` what must be known before these emitted events are decided. */
  protected loadStateForEmitted(_user: UserState, _events: readonly DecidableEvent[], _now: Millis): void {}

  /** Stores what the steps changed. */
  protected saveState(_user: UserState, _steps: readonly SimulationStep[]): void {}

  #runNext(): SimulationStep[] {
    const { due, item } = this.#queue.first()!;
    this.#queue.removeFirst();
    const now = this.#moveClock(due);
    if (item.kind === 'wait') return this.#fireDueWaits(item.userId, now);

    const { compiled, cron, zone } = item.schedule;
    // Only the latest of several missed occurrences runs.
    let latest = due;
    let next = nextOccurrence(cron, zone, latest);
    for (; next !== null && next <= now; next = nextOccurrence(cron, zone, next)) latest = next;
    if (next !== null) this.#queue.add(next, item);
    const users = compiled.rule.zone === 'user' ? (this.#usersInZone.get(zone) ?? []) : this.users.keys();
    const localTimeKey = formatLocalTimeKey(latest, zone, cron);
    return [...users].flatMap((userId) => this.#runOccurrence(userId, { compiled, due: latest }, localTimeKey, now));
  }

  /** Fires all due waits of one user, as one transaction does. */
  #fireDueWaits(userId: string, now: Millis): SimulationStep[] {
    const due = [...this.users.get(userId)!.waits.values()].filter(
      ({ status, dueAt }) => status === 'waiting' && dueAt <= now,
    );
    const user = this.loadStateForDue(userId, due, now);
    const loaded = due.map(({ waitId }) => user.waits.get(waitId)!);
    const steps = fireAll(this.#inMemory(user, now), loaded)
      // A wait whose rule is gone, or an empty digest, ends without a decision.
      .filter((step) => 'event' in step || step.verdicts.decisions.length > 0)
      .map((step) => this.#toStep(step, now));
    return this.#save(user, steps);
  }

  #runOccurrence(userId: string, occurrence: DueOccurrence, localTimeKey: string, now: Millis): SimulationStep[] {
    const { compiled, due } = occurrence;
    const user = this.loadStateForDue(userId, [], now, occurrence);
    const memory = this.#inMemory(user, now);
    const { steps, emitted } = runOccurrences(memory, compiled, [userId], due, localTimeKey);
    const [step] = steps;
    if (!step?.wait) return [];
    const cause: Cause = { kind: 'schedule', rule: compiled.rule.name, due, localTimeKey };
    return this.#save(user, [
      // A rule that is gone decides nothing.
      ...(step.verdicts.decisions.length > 0
        ? [this.#newStep(userId, now, cause, step.verdicts, this.rules.active.version)]
        : []),
      ...decideAll(memory, memory.admit(emitted)).map((one) => this.#toStep(one, now)),
    ]);
  }

  #inMemory(user: UserState, now: Millis): InMemory {
    return {
      tenantId: '',
      rules: this.rules,
      now,
      ids: this.#ids,
      getUser: () => user,
      plan: planOnTerms,
      admit: (emitted) => {
        const fresh = emitted.filter(({ key }) => this.#isNew(key));
        if (fresh.length > 0) this.loadStateForEmitted(user, fresh, now);
        return fresh;
      },
    };
  }

  #toStep(step: WaitStep | EventStep<DecidableEvent>, at: Millis): SimulationStep {
    const { user, verdicts } = step;
    return 'event' in step
      ? this.#newStep(user.userId, at, { kind: 'event', event: step.event }, verdicts, this.rules.active.version)
      : this.#newStep(user.userId, at, { kind: 'wait', wait: step.wait }, verdicts, step.wait.catalogVersion);
  }

  #newStep(
    userId: string,
    at: Millis,
    cause: Cause,
    { decisions, sends }: Verdicts,
    catalogVersion: number,
  ): SimulationStep {
    return { userId, at, cause, decisions, sends, catalogVersion };
  }

  #save(user: UserState, steps: SimulationStep[]): SimulationStep[] {
    this.saveState(user, steps);
    this.#schedule(user.userId);
    return steps;
  }

  #isNew(key: string): boolean {
    if (this.#knownKeys.has(key)) return false;
    this.#knownKeys.add(key);
    return true;
  }

  #user(userId: string): UserState {
    const known = this.users.get(userId);
    if (known) return known;
    const user = newUserState(userId);
    if (this.rules.active.readsUserAddresses) user.addresses = {};
    if (this.rules.active.comparesAddresses) user.addressIds = { byKind: {} };
    this.users.set(userId, user);
    return user;
  }

  /** Puts the user's new and moved waits into the queue, and the scheduled rules of a new time zone. */
  #schedule(userId: string): void {
    const user = this.#user(userId);
    for (const wait of user.waits.values()) {
      if (wait.stored === 'same') continue;
      wait.stored = 'same';
      if (wait.status === 'waiting') this.#queue.add(wait.dueAt, { kind: 'wait', userId, wait });
    }
    if (this.rules.active.scheduled.length === 0) return;
    const zone = resolveZone('user', user.profile.traits);
    const before = this.#zoneOfUser.get(userId);
    if (zone === before) return;
    this.#zoneOfUser.set(userId, zone);
    if (before !== undefined) this.#usersInZone.get(before)?.delete(userId);
    const users = this.#usersInZone.get(zone);
    if (users) users.add(userId);
    else {
      this.#usersInZone.set(zone, new Set([userId]));
      this.#addSchedules('user', zone);
    }
  }

  /** Puts the scheduled rules with this `zone` into the queue. @param zone the name of the time zone it stands for */
  #addSchedules(ruleZone: string, zone: string): void {
    for (const compiled of this.rules.active.scheduled) {
      const cron = compiled.rule.every?.cron;
      if (cron === undefined || compiled.rule.zone !== ruleZone) continue;
      const due = nextOccurrence(cron, zone, this.#now ?? 0);
      if (due !== null) this.#queue.add(due, { kind: 'schedule', schedule: { compiled, cron, zone } });
    }
  }

  /** Moves the clock to `time`, never back. Returns the time that it shows. */
  #moveClock(time: Millis): Millis {
    const isFirst = this.#now === undefined;
    this.#now = Math.max(this.#now ?? time, time);
    if (isFirst) {
      const zones = new Set(this.rules.active.scheduled.map(({ rule }) => rule.zone));
      for (const zone of zones) if (zone !== 'user') this.#addSchedules(zone, zone);
    }
    return this.#now;
  }
}
