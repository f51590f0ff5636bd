import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import type { ActiveVersion } from '../model/release.ts';
import { isPermanentError } from '../store/pg/errors.ts';
import {
  ClaimLost,
  claimSchedule,
  createScheduleLanes,
  type DueSchedule,
  loadActiveVersions,
  loadNextScheduleDue,
  loadUsersInZone,
  type ScheduleProgress,
  saveSchedule,
} from '../store/waits/schedules.ts';
import { latestMissed, type NextOccurrence } from './latest-missed.ts';
import { MAX_BATCH_USERS, type Pace } from './pace.ts';
import type { PollSource } from './poll-loop.ts';
import { isSameSchedules, type ScheduledRule, SYNC_INTERVAL_MS, syncSchedules } from './sync-schedules.ts';

/** One occurrence of a scheduled rule. */
export interface Occurrence {
  readonly tenantId: string;
  readonly rule: string;
  readonly cron: string;
  /** The zone that it is of. */
  readonly zone: string;
  readonly due: Millis;
  /** The due time as local time, or in UTC for an interval. The rule fires once for a user and label, in whatever zone. */
  readonly label: string;
}

export interface ScheduleTimerOptions {
  readonly pool: pg.Pool;
  readonly pipeline: {
    /** Returns the scheduled rules of the active catalogs, and their versions. */
    listSchedules(
      tenantId: string,
    ): Promise<{ readonly active: ActiveVersion; readonly rules: readonly ScheduledRule[] }>;

    /**
     * Fires one occurrence for these users, in one transaction. Users that it was fired for before are left out. If the
     * active catalog no longer has the rule, only `save` is called.
     * @param save called in the transaction, to store the progress. Throws if the claim was lost
     * @returns how many of the users are in the audience of the rule
     */
    runSchedule(
      occurrence: Occurrence,
      userIds: readonly string[],
      save: (connection: pg.PoolClient) => Promise<void>,
    ): Promise<number>;
  };
  readonly calendar: {
    readonly next: NextOccurrence;
    readonly label: (time: Millis, zone: string, cron: string) => string;
  };
  readonly pace: Pace;
  readonly clock: () => Millis;
  /** A monotonic clock in ms. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
  /** Duration of a claim in ms. */
  readonly lease: Millis;
  /** Interval in ms at which the active catalogs are looked up. */
  readonly poll: Millis;
}

/** Stands for "never" in the time column of a schedule. */
const NEVER = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Fires the scheduled rules that are due, for their users in order of id, MAX_BATCH_USERS in one transaction. The progress
 * is saved with each, so that any worker can continue. Tenants that have several rules due take turns.
 *
 * After downtime a rule fires once, for the latest occurrence that was missed. `expires` of the rule counts from that one.
 */
export class ScheduleTimer implements PollSource {
  readonly floor = createScheduleLanes();
  readonly #options: ScheduleTimerOptions;
  /** Catalog versions, by tenant, that the stored schedules are in line with. */
  readonly #synced = new Map<string, ActiveVersion>();
  #checkedAt: Millis = Number.NEGATIVE_INFINITY;
  #syncedAllAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: ScheduleTimerOptions) {
    this.#options = options;
  }

  async runDue(): Promise<boolean> {
    await this.#sync();
    const { pool, pipeline, calendar, pace, clock, lease } = this.#options;
    if (pace.delay() > 0) return false;
    const now = clock();
    const claimed = await claimSchedule(pool, now, now + lease, this.floor);
    if (!claimed) return false;
    const { rules } = await pipeline.listSchedules(claimed.tenantId);
    const found = rules.filter(({ name, cron }) => name === claimed.rule && cron === claimed.cron);
    if (found.length === 0) {
      // The catalog has changed. The next sync deletes or replaces the schedule.
      this.#checkedAt = Number.NEGATIVE_INFINITY;
      return false;
    }
    // An occurrence that was started is finished first.
    const due = claimed.cursor === null ? latestMissed(calendar.next, claimed, now) : claimed.nextAt;
    // During a release, the rule of one version may be in the zone of its users, and that of the other in one for all of them.
    const zone = found.every((rule) => rule.zone === 'user') ? claimed.zone : null;
    const userIds = await loadUsersInZone(pool, claimed.tenantId, zone, claimed.cursor ?? '', MAX_BATCH_USERS);
    try {
      await this.#fire(claimed, due, userIds);
    } catch (error) {
      if (!(error instanceof ClaimLost)) throw error;
    }
    return true;
  }

  loadNextDue(): Promise<Millis | null> {
    return loadNextScheduleDue(this.#options.pool, this.floor);
  }

  /** Syncs the schedules at start, when another catalog is active, and every minute: users may have moved to new zones. */
  async #sync(): Promise<void> {
    const { pool, pipeline, calendar, clock, elapsed, poll } = this.#options;
    const now = elapsed();
    if (now - this.#checkedAt < Math.min(poll, SYNC_INTERVAL_MS)) return;
    const isFull = now - this.#syncedAllAt >= SYNC_INTERVAL_MS;
    for (const [tenantId, activeVersion] of await loadActiveVersions(pool)) {
      const synced = this.#synced.get(tenantId);
      if (!isFull && synced && isSameSchedules(synced, activeVersion)) continue;
      const { active, rules } = await pipeline.listSchedules(tenantId);
      if (await syncSchedules(pool, tenantId, active, rules, calendar.next, clock())) {
        this.#synced.set(tenantId, active);
        // A schedule that is new starts in the past.
        this.floor.reset();
      }
    }
    this.#checkedAt = now;
    if (isFull) this.#syncedAllAt = now;
  }

  /** Fires one occurrence for these users, and saves the progress. */
  async #fire(claimed: DueSchedule, due: Millis, userIds: readonly string[]): Promise<void> {
    const { pool } = this.#options;
    const isLastBatch = userIds.length < MAX_BATCH_USERS;
    const after: ScheduleProgress = {
      nextAt: isLastBatch ? this.#nextOccurrence(claimed, due) : due,
      cursor: isLastBatch ? null : (userIds.at(-1) as string),
      claimedUntil: null,
    };
    if (userIds.length === 0) {
      await saveSchedule(pool, claimed, after);
      return;
    }
    try {
      await this.#fireBatch(claimed, due, userIds, after);
    } catch (error) {
      // A user is skipped for good, so only after an error that would recur. After any other the claim expires, and the
      // batch is repeated.
      if (!isPermanentError(error) || error instanceof ClaimLost) throw error;
      await this.#fireOneByOne(claimed, due, userIds, after);
    }
  }

  /** Fires the occurrence for each user alone, and skips a user if that fails. */
  async #fireOneByOne(
    claimed: DueSchedule,
    due: Millis,
    userIds: readonly string[],
    after: ScheduleProgress,
  ): Promise<void> {
    const { pool, log } = this.#options;
    let from = claimed;
    for (const [index, userId] of userIds.entries()) {
      const isLast = index === userIds.length - 1;
      const to = isLast ? after : { nextAt: due, cursor: userId, claimedUntil: claimed.claimedUntil };
      try {
        await this.#fireBatch(from, due, [userId], to);
      } catch (error) {
        if (!isPermanentError(error) || error instanceof ClaimLost) throw error;
        const line = { err: error, tenant_id: claimed.tenantId, rule: claimed.rule };
        log.error(line, 'skipped a user in a scheduled rule run');
        await saveSchedule(pool, from, to);
      }
      from = { ...claimed, nextAt: due, cursor: userId };
    }
  }

  async #fireBatch(from: DueSchedule, due: Millis, userIds: readonly string[], to: ScheduleProgress): Promise<void> {
    const { pipeline, calendar, pace } = this.#options;
    const occurrence = {
      tenantId: from.tenantId,
      rule: from.rule,
      cron: from.cron,
      zone: from.zone,
      due,
      label: calendar.label(due, from.zone, from.cron),
    };
    pace.spend(await pipeline.runSchedule(occurrence, userIds, (connection) => saveSchedule(connection, from, to)));
  }

  #nextOccurrence({ cron, zone }: DueSchedule, due: Millis): Millis {
    return this.#options.calendar.next(cron, zone, due) ?? NEVER;
  }
}
