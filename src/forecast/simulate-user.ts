/**
 * The timer's work for one user on a virtual clock: its waits fire and its scheduled rules run through the functions that decide
 * them in production, in a transaction that can write nothing. So what is forecast is decided as it will be.
 */

import type pg from 'pg';
import type { ReceivedEvent } from '../events/envelope.ts';
import { CpuBudget, CpuBudgetError } from '../ingest/bounds/cpu-budget.ts';
import { BatchDecider } from '../ingest/decide-batch.ts';
import { listPlanLookups, loadOpenWaits, loadWaitsWithIds } from '../ingest/load-facts.ts';
import {
  beginReadOnly,
  decideEmitted,
  type LockedTransaction,
  loadWaitCatalogs,
  type TransactionParts,
} from '../ingest/transaction.ts';
import type { Millis } from '../model/event.ts';
import { requiredLimitsOfOccurrence, requiredLimitsOfWait } from '../rules/compile/required-facts.ts';
import type { RuleSet } from '../rules/compile/rule-set.ts';
import type { Wait } from '../rules/facts.ts';
import type { UserState } from '../rules/user-state.ts';
import { toWaitId } from '../rules/waits/wait.ts';
import type { Batch } from '../store/batch.ts';
import { loadScheduleStates } from '../store/waits/schedules.ts';
import { AddressChanges } from '../users/addresses.ts';
import type { ReachedBound } from './entry.ts';
import { LimitUses } from './limit-uses.ts';
import { findZone, type UpcomingOccurrence, UpcomingOccurrences } from './upcoming.ts';

/** Bounds of the work of one forecast; beyond, it ends early, and says where. */
export interface ForecastBounds {
  /** Instants at which waits fire or a scheduled rule runs. */
  readonly instants: number;
  /** Instants at which rules emit events, whose facts have to be looked up. */
  readonly emitting: number;
  /** CPU time in ms. */
  readonly cpu: Millis;
}

/** An instant at which something is decided. */
export interface ForecastInstant {
  readonly at: Millis;
  /** Undefined: waits fire. */
  readonly occurrence: UpcomingOccurrence | undefined;
  /** Everything that would be written. */
  readonly batch: Pick<Batch, 'waits' | 'events' | 'notifications' | 'deliveries'>;
}

export interface SimulatedUser {
  /** Everything before this time is known; after the end of the forecast, if no bound was reached. */
  readonly knownUntil: Millis;
  readonly reached: Extract<ReachedBound, 'waits' | 'work'> | null;
  /** Traits of the user as they are now. */
  readonly traits: UserState['profile']['traits'];
  /** Rules that decide about the user now. */
  readonly rules: RuleSet;
}

/** Occurrences this close (ms) may have run already, by the clock of another zone. */
const RECENT_ZONES_MS: Millis = 27 * 3_600_000;
const MAX_KNOWN_OCCURRENCES = 200;

/**
 * Simulates a user from now to `until`, exclusive, if no event arrives.
 * @param connection outside a transaction; left so
 * @param visit called for each instant, in order; returns whether to go on
 * @returns undefined: the user is not known
 */
export async function simulateUser(
  parts: Omit<TransactionParts, 'announcer'>,
  connection: pg.PoolClient,
  { tenantId, userId, until }: { readonly tenantId: string; readonly userId: string; readonly until: Millis },
  bounds: ForecastBounds,
  visit: (instant: ForecastInstant) => boolean,
): Promise<SimulatedUser | undefined> {
  const budget = new CpuBudget({ perUser: bounds.cpu, total: bounds.cpu });
  const request = { tenantId, userIds: [userId], events: [], checkDuplicates: false };
  const transaction = await beginReadOnly(parts, connection, request, budget);
  if (!transaction.facts.addressHashes.has(userId)) {
    await connection.query('rollback');
    return undefined;
  }
  const run = new UserRun(parts, transaction, userId, budget, bounds);
  const simulated = await run.run(until, visit);
  await connection.query('rollback');
  return simulated;
}

class UserRun {
  readonly #parts: Pick<TransactionParts, 'seal'>;
  readonly #transaction: LockedTransaction;
  readonly #userId: string;
  readonly #budget: CpuBudget;
  readonly #bounds: ForecastBounds;
  readonly #limits: LimitUses;
  readonly #user: UserState;
  /** Keys of the events that rules have emitted so far: none of them is stored. */
  readonly #emitted = new Set<string>();
  #decider: BatchDecider;
  #emitting = 0;

  constructor(
    parts: Pick<TransactionParts, 'seal'>,
    transaction: LockedTransaction,
    userId: string,
    budget: CpuBudget,
    bounds: ForecastBounds,
  ) {
    this.#parts = parts;
    this.#transaction = transaction;
    this.#userId = userId;
    this.#budget = budget;
    this.#bounds = bounds;
    this.#limits = new LimitUses(transaction.connection, transaction.facts);
    this.#user = transaction.facts.users.get(userId) as UserState;
    this.#decider = transaction.decider;
  }

  async run(until: Millis, visit: (instant: ForecastInstant) => boolean): Promise<SimulatedUser> {
    const { connection, cohorts, facts } = this.#transaction;
    const { tenantId } = facts;
    const { now } = this.#decider.batch;
    const { traits } = this.#user.profile;
    const { rules } = cohorts.of(this.#userId).catalog;
    await loadOpenWaits(connection, facts, { tenantId, userIds: [this.#userId], needs: [] });
    const cutFrom = facts.cutWaits.get(this.#userId)?.from ?? Number.POSITIVE_INFINITY;
    await loadWaitCatalogs(this.#transaction);
    const upcoming = await this.#loadUpcoming(rules, now);
    await this.#limits.load([
      ...[...this.#user.waits.values()].flatMap((wait) => requiredLimitsOfWait(this.#decider.getWaitRules(wait), wait)),
      ...rules.scheduled.flatMap((one) =>
        [now, until].flatMap((due) => requiredLimitsOfOccurrence(one, due, this.#userId)),
      ),
      ...listPlanLookups(cohorts, [this.#userId], now),
    ]);
    const end = Math.min(until, cutFrom);
    const known = (knownUntil: Millis, reached: SimulatedUser['reached']) => ({ knownUntil, reached, traits, rules });
    let at = now;
    for (let instants = 0; instants < this.#bounds.instants; instants++) {
      const waits = this.#nextFireTime(at);
      const occurrence = upcoming.next(this.#user.profile.traits, at);
      const next = Math.max(at, Math.min(waits, occurrence?.due ?? Number.POSITIVE_INFINITY));
      if (next >= end) return known(end, end < until ? 'waits' : null);
      if (this.#emitting >= this.#bounds.emitting) return known(next, 'work');
      at = next;
      const batch = await this.#decide(at, waits > at ? occurrence : undefined);
      if (!batch) return known(at, 'work');
      if (waits > at && occurrence) upcoming.complete(occurrence);
      if (!visit({ at, occurrence: waits > at ? occurrence : undefined, batch })) break;
    }
    return known(at, 'work');
  }

  /** Returns what is decided at an instant; undefined: deciding it takes more CPU time than is left. */
  async #decide(at: Millis, occurrence: UpcomingOccurrence | undefined): Promise<ForecastInstant['batch'] | undefined> {
    const { cohorts, facts } = this.#transaction;
    const addresses = new AddressChanges(facts.tenantId, facts.addressHashes, this.#parts.seal);
    const decider = new BatchDecider(at, cohorts, facts, addresses);
    for (const [version, catalog] of this.#decider.versions) decider.versions.set(version, catalog);
    this.#decider = decider;
    try {
      if (occurrence) await this.#runOccurrence(occurrence);
      else await this.#fire(at);
      await this.#budget.pause();
    } catch (error) {
      if (error instanceof CpuBudgetError) return undefined;
      throw error;
    }
    return decider.batch;
  }

  async #fire(at: Millis): Promise<void> {
    let due: readonly Wait[] = [...this.#user.waits.values()].filter((wait) => fireTime(wait) <= at);
    await this.#limits.load(due.flatMap((wait) => requiredLimitsOfWait(this.#decider.getWaitRules(wait), wait)));
    while (due.length > 0) {
      const fired = await this.#decider.fireWaitsWithin(this.#budget, due);
      await this.#decideEmitted(fired.emitted);
      due = fired.left;
    }
  }

  async #runOccurrence({ compiled, due, localTimeKey }: UpcomingOccurrence): Promise<void> {
    await this.#limits.load(requiredLimitsOfOccurrence(compiled, due, this.#userId));
    const cohort = this.#transaction.cohorts.of(this.#userId);
    const audience = [{ rule: compiled, cohort, userIds: [this.#userId] }];
    await this.#decideEmitted(this.#decider.runSchedule(audience, due, localTimeKey, this.#budget));
  }

  async #decideEmitted(emitted: readonly ReceivedEvent[]): Promise<void> {
    if (emitted.length === 0) return;
    this.#emitting++;
    const isNew = ({ key }: ReceivedEvent) => !this.#emitted.has(key) && !!this.#emitted.add(key);
    await decideEmitted({ ...this.#transaction, decider: this.#decider, budget: this.#budget }, emitted, isNew);
  }

  #nextFireTime(now: Millis): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const wait of this.#user.waits.values()) next = Math.min(next, fireTime(wait));
    return Math.max(next, now);
  }

  async #loadUpcoming(rules: RuleSet, now: Millis): Promise<UpcomingOccurrences> {
    const { connection, facts } = this.#transaction;
    const { traits } = this.#user.profile;
    const zones = [...new Set(rules.scheduled.map((one) => findZone(one, traits)))];
    const names = rules.scheduled.map(({ rule }) => rule.name);
    const stored = await loadScheduleStates(connection, facts.tenantId, names, zones);
    const toUpcoming = () => new UpcomingOccurrences(this.#userId, rules.scheduled, stored, now);
    const known: { readonly userId: string; readonly waitId: string }[] = [];
    const ahead = toUpcoming();
    while (known.length < MAX_KNOWN_OCCURRENCES) {
      const next = ahead.next(traits, now);
      if (!next || next.due > now + RECENT_ZONES_MS) break;
      const waitId = toWaitId({ user: this.#user, ids: facts.ids }, next.compiled.rule.name, next.localTimeKey);
      known.push({ userId: this.#userId, waitId });
      ahead.complete(next);
    }
    await loadWaitsWithIds(connection, facts, facts.tenantId, known);
    return toUpcoming();
  }
}

/** When the timer fires a wait: later than it is due, if that failed before. */
function fireTime({ status, dueAt, heldUntil }: Wait): Millis {
  return status === 'waiting' ? Math.max(dueAt, heldUntil ?? 0) : Number.POSITIVE_INFINITY;
}
