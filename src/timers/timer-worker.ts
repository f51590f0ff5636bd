import type pg from 'pg';
import type { Logger } from 'pino';
import { bisect } from '../lib/bisect.ts';
import { Signal } from '../lib/signal.ts';
import { TokenBucket } from '../lib/token-bucket.ts';
import type { Millis } from '../model/event.ts';
import { claimOutbox, deleteOutbox, type OutboxEvent } from '../store/outbox.ts';
import { isPermanentError, isTransient } from '../store/pg/database.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import {
  activeCatalogs,
  ClaimLost,
  claimSchedule,
  type DueSchedule,
  loadNextScheduleDue,
  type NextOccurrence,
  type ScheduledRule,
  SYNC_INTERVAL_MS,
  saveSchedule,
  syncSchedules,
  usersInZone,
} from '../store/schedules.ts';
import { claimDueWaits, loadNextWaitDue, TIMERS_CHANNEL } from '../store/waits.ts';

/** What the worker has the pipeline do. Each call is one transaction, and a repeated one does nothing. */
export interface TimedPipeline {
  /** Locks the people, ends what is due of theirs in order of due time, writes and commits. Returns how many were ended. */
  fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number>;

  /** The recurring rules of the catalog in force. */
  listSchedules(tenantId: string): Promise<{ readonly version: number; readonly rules: readonly ScheduledRule[] }>;

  /**
   * One occurrence of a recurring rule for these people, each of whom has it once. A rule that is not in the catalog in
   * force any more has no turns, and is saved all the same.
   * @param save called in the transaction: how far the rule has come. Throws when that is no longer ours
   * @returns how many had their turn: those in its audience
   */
  runSchedule(
    turn: Turn,
    userIds: readonly string[],
    save: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number>;

  /** As over HTTP; a result for each, in order. */
  ingest(
    tenantId: string,
    items: readonly unknown[],
  ): Promise<readonly { readonly status: string; readonly code?: string }[]>;
}

export interface Turn {
  readonly tenantId: string;
  readonly rule: string;
  /** The moment it is for. */
  readonly due: Millis;
  /** The same as local time: nobody has the same one twice. */
  readonly label: string;
}

export interface TimerWorkerParts {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly pipeline: TimedPipeline;
  readonly calendar: { readonly next: NextOccurrence; readonly label: (time: Millis, zone: string) => string };
  readonly clock: () => Millis;
  /** A clock that is not set, for the pace: real milliseconds from any moment on. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
  /** People a second whose time has come: after an hour of downtime what is due goes out at this pace, the oldest first. */
  readonly rate?: number;
  /** How long a claim holds. */
  readonly lease?: Millis;
  /** The slow look behind the wake-up. */
  readonly poll?: Millis;
}

/** Waits ended in one transaction, at most. */
const WAITS_AT_ONCE = 500;
/** People who have their turn in one transaction. */
const TURNS_AT_ONCE = 500;
const EVENTS_AT_ONCE = 200;
/** What is due later than ANNOUNCED_AHEAD of store/waits.ts is not announced: never sleep so long. */
const LONGEST_SLEEP = 30_000;
/** Being late by more than this is worth a line in the log. */
const LATE = 60_000;

/**
 * Everything that happens because time passes: waits end, recurring rules act, and what became of notifications is taken
 * in as events. Claimed in the way of deliveries; several workers share the work. What a worker leaves behind in a crash
 * is claimed again when its lease has run out, and the transaction of each step sees to it that nothing happens twice.
 *
 * After downtime a recurring rule acts once, for the latest occurrence that was missed: nobody wants four Monday
 * summaries in a row. `expires` of the rule is counted from that occurrence.
 */
export class TimerWorker {
  readonly #parts: Required<TimerWorkerParts>;
  readonly #alarm = new Signal();
  readonly #bucket: TokenBucket;
  /** Worth a transaction: a tenth of a second's worth, rather than one by one as they trickle in. */
  readonly #enough: number;
  readonly #wakeUp: NotifyListener;
  /** Catalog versions whose recurring rules stand in the table. */
  readonly #synced = new Map<string, number>();
  #lookedAt: Millis = Number.NEGATIVE_INFINITY;
  #syncedAt: Millis = Number.NEGATIVE_INFINITY;
  #behind: Millis = 0;
  #saidLate = false;
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(parts: TimerWorkerParts) {
    this.#parts = { rate: 500, lease: 60_000, poll: 1000, ...parts };
    this.#bucket = new TokenBucket(this.#parts.rate, parts.elapsed());
    this.#enough = Math.max(1, Math.min(WAITS_AT_ONCE, Math.floor(this.#parts.rate / 10)));
    this.#wakeUp = new NotifyListener(parts.databaseUrl, TIMERS_CHANNEL, () => this.#alarm.set());
  }

  async start(): Promise<void> {
    await this.#wakeUp.start();
    this.#loop = this.#run();
  }

  /** Claims nothing more; what is claimed is finished. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#alarm.set();
    await this.#wakeUp.stop();
    await this.#loop;
  }

  /** How late the oldest wait of the last batch was; for health. */
  get behind(): Millis {
    return this.#behind;
  }

  async #run(): Promise<void> {
    const { poll, log } = this.#parts;
    while (!this.#stopping) {
      try {
        const began = this.#parts.clock();
        await this.#sync();
        // Each kind has its turn: none keeps the others waiting.
        const events = await this.#takeEvents();
        const waits = await this.#endWaits();
        const turns = await this.#takeTurns();
        if (!(events || waits || turns)) await this.#alarm.sleep(await this.#untilNextDue(began));
      } catch (error) {
        log.warn({ err: error }, 'the timers could not be read; trying again');
        if (!this.#stopping) await this.#alarm.sleep(poll);
      }
    }
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Waits

  /** True when there is likely more. */
  async #endWaits(): Promise<boolean> {
    const { pool, clock, elapsed, lease } = this.#parts;
    if (this.#pace() > 0 || this.#stopping) return false;
    const now = clock();
    const room = Math.min(WAITS_AT_ONCE, this.#bucket.level(elapsed()));
    const users = await claimDueWaits(pool, now, now + lease, room);
    this.#bucket.take(users.length, elapsed());
    this.#note(users[0] ? now - users[0].dueAt : 0);
    for (const [tenantId, userIds] of byTenant(users, ({ userId }) => userId)) await this.#endAll(tenantId, userIds);
    return users.length > 0;
  }

  async #endAll(tenantId: string, userIds: readonly string[]): Promise<void> {
    const { pipeline, log } = this.#parts;
    await bisect(
      userIds,
      async (some) => {
        await pipeline.fireDueWaits(tenantId, some);
        return [];
      },
      // What is transient is nobody's fault: their claims run out, and they are taken again.
      (error) => !isTransient(error),
      (_userId, error) => {
        // Its claim keeps it out of the way until the lease has run out; then it is tried again.
        log.error({ err: error, tenant_id: tenantId }, 'a wait could not be ended; it is tried again later');
        return [];
      },
    );
  }

  #note(behind: Millis): void {
    this.#behind = behind;
    const late = behind > LATE;
    if (late && !this.#saidLate) {
      this.#parts.log.warn(
        { behind_ms: behind, rate: this.#parts.rate },
        'timers are late: catching up, the oldest first',
      );
    }
    if (!late && this.#saidLate) this.#parts.log.info('timers are on time again');
    this.#saidLate = late;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Recurring rules

  /** At start, when another catalog is in force, and every minute: people may live in new zones. */
  async #sync(): Promise<void> {
    const { pool, pipeline, calendar, clock, elapsed, poll } = this.#parts;
    const now = elapsed();
    if (now - this.#lookedAt < Math.min(poll, SYNC_INTERVAL_MS)) return;
    const all = now - this.#syncedAt >= SYNC_INTERVAL_MS;
    for (const [tenantId, version] of await activeCatalogs(pool)) {
      if (!all && this.#synced.get(tenantId) === version) continue;
      const recurring = await pipeline.listSchedules(tenantId);
      const done = await syncSchedules(pool, tenantId, recurring.version, recurring.rules, calendar.next, clock());
      if (done) this.#synced.set(tenantId, recurring.version);
    }
    this.#lookedAt = now;
    if (all) this.#syncedAt = now;
  }

  /** The next people of the recurrence that has been due longest. True when there is likely more. */
  async #takeTurns(): Promise<boolean> {
    const { pool, pipeline, calendar, clock, lease } = this.#parts;
    if (this.#pace() > 0 || this.#stopping) return false;
    const now = clock();
    const held = await claimSchedule(pool, now, now + lease);
    if (!held) return false;
    const { rules } = await pipeline.listSchedules(held.tenantId);
    const rule = rules.find(({ name, cron }) => name === held.rule && cron === held.cron);
    if (!rule) {
      // Another catalog is in force; the row goes when it is brought in line.
      this.#lookedAt = Number.NEGATIVE_INFINITY;
      return false;
    }
    const due = held.cursor === null ? latestMissed(calendar.next, held, now) : held.nextAt;
    const zone = rule.zone === 'user' ? held.zone : null;
    const userIds = await usersInZone(pool, held.tenantId, zone, held.cursor ?? '', TURNS_AT_ONCE);
    try {
      await this.#takeTurnsOf(held, due, userIds);
    } catch (error) {
      if (!(error instanceof ClaimLost)) throw error;
    }
    return true;
  }

  async #takeTurnsOf(held: DueSchedule, due: Millis, userIds: readonly string[]): Promise<void> {
    const { pool, pipeline, calendar, elapsed, log } = this.#parts;
    const after = userIds.length < TURNS_AT_ONCE ? this.#afterwards(held, due) : this.#soFar(due, userIds);
    if (userIds.length === 0) {
      await saveSchedule(pool, held, after);
      return;
    }
    const turn = { tenantId: held.tenantId, rule: held.rule, due, label: calendar.label(due, held.zone) };
    const take = async (who: readonly string[], from: DueSchedule, to: Progress) => {
      const told = await pipeline.runSchedule(turn, who, (connection) => saveSchedule(connection, from, to));
      this.#bucket.take(told, elapsed());
    };
    try {
      await take(userIds, held, after);
    } catch (error) {
      // A turn is passed over for good: only where it could never be taken. Else the claim runs out, and all are tried again.
      if (!isPermanentError(error) || error instanceof ClaimLost) throw error;
      // Somebody's turn cannot be taken: one by one, and that one is passed over.
      let from = held;
      for (const [place, userId] of userIds.entries()) {
        const isLast = place === userIds.length - 1;
        const to = isLast ? after : { nextAt: due, cursor: userId, claimedUntil: held.claimedUntil };
        try {
          await take([userId], from, to);
        } catch (failed) {
          if (!isPermanentError(failed) || failed instanceof ClaimLost) throw failed;
          log.error(
            { err: failed, tenant_id: held.tenantId, rule: held.rule },
            'a turn of a recurring rule was passed over',
          );
          await saveSchedule(pool, from, to);
        }
        from = { ...held, nextAt: due, cursor: userId };
      }
    }
  }

  /** There are more people: anybody may go on. */
  #soFar(due: Millis, userIds: readonly string[]): Progress {
    return { nextAt: due, cursor: userIds.at(-1) as string, claimedUntil: null };
  }

  #afterwards({ cron, zone }: DueSchedule, due: Millis): Progress {
    // A recurrence that never comes again: so far away that nobody waits for it.
    return { nextAt: this.#parts.calendar.next(cron, zone, due) ?? NEVER, cursor: null, claimedUntil: null };
  }

  // -------------------------------------------------------------------------------------------------------------------
  // What became of notifications

  /** True when there is likely more. */
  async #takeEvents(): Promise<boolean> {
    const { pool, clock, lease } = this.#parts;
    if (this.#stopping) return false;
    const now = clock();
    const claimed = await claimOutbox(pool, now, now + lease, EVENTS_AT_ONCE);
    for (const [tenantId, events] of byTenant(claimed, (one) => one)) await this.#takeIn(tenantId, events);
    return claimed.length === EVENTS_AT_ONCE;
  }

  async #takeIn(tenantId: string, events: readonly OutboxEvent[]): Promise<void> {
    const { pool, pipeline, log } = this.#parts;
    try {
      const results = await pipeline.ingest(
        tenantId,
        events.map(({ event }) => event),
      );
      const refused = results.filter(({ status }) => status === 'rejected' || status === 'conflict');
      if (refused.length > 0) {
        const codes = [...new Set(refused.map(({ code }) => code))];
        log.warn(
          { tenant_id: tenantId, codes },
          'what became of a notification was refused as an event; it is in quarantine',
        );
      }
      await deleteOutbox(
        pool,
        tenantId,
        events.map(({ eventId }) => eventId),
      );
    } catch (error) {
      // Too busy, or no database: their claim runs out, and they are taken again.
      log.warn({ err: error, tenant_id: tenantId }, 'events about notifications were not taken in; tried again later');
    }
  }

  // -------------------------------------------------------------------------------------------------------------------

  /** How long nobody more has their time, to keep the pace. */
  #pace(): Millis {
    return this.#bucket.wait(this.#enough, this.#parts.elapsed());
  }

  /** @param began when the last look began: what was due then and is still there is in other hands */
  async #untilNextDue(began: Millis): Promise<Millis> {
    const { pool, clock, poll } = this.#parts;
    const longest = Math.min(poll, LONGEST_SLEEP);
    const due = Math.min((await loadNextWaitDue(pool)) ?? NEVER, (await loadNextScheduleDue(pool)) ?? NEVER);
    const pace = this.#pace();
    if (pace > 0 && due <= clock()) return Math.min(pace, longest);
    return due <= began ? longest : Math.min(longest, Math.max(0, due - clock()));
  }
}

type Progress = Parameters<typeof saveSchedule>[2];

const NEVER = Date.parse('9999-12-31T23:59:59.999Z');
const HOUR = 3_600_000;

/** The latest occurrence up to now; looked for from near to far, so that a long absence costs no more than a short one. */
export function latestMissed(
  next: NextOccurrence,
  { cron, zone, nextAt }: Pick<DueSchedule, 'cron' | 'zone' | 'nextAt'>,
  now: Millis,
): Millis {
  for (let back = HOUR; now - back > nextAt; back *= 24) {
    const latest = lastUpTo(next, cron, zone, now - back, now);
    if (latest !== null) return latest;
  }
  return lastUpTo(next, cron, zone, nextAt, now) ?? nextAt;
}

function lastUpTo(next: NextOccurrence, cron: string, zone: string, after: Millis, now: Millis): Millis | null {
  let latest: Millis | null = null;
  for (let one = next(cron, zone, after); one !== null && one <= now; one = next(cron, zone, one)) latest = one;
  return latest;
}

function byTenant<T extends { readonly tenantId: string }, U>(
  all: readonly T[],
  what: (one: T) => U,
): Map<string, U[]> {
  const groups = new Map<string, U[]>();
  for (const one of all) {
    const group = groups.get(one.tenantId);
    if (group) group.push(what(one));
    else groups.set(one.tenantId, [what(one)]);
  }
  return groups;
}
