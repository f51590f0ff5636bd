import type pg from 'pg';
import { afterEach } from 'vitest';
import { EMPTY_CATALOG } from '../../src/model/catalog.ts';
import type { Millis } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { lockUsers } from '../../src/store/facts/facts.ts';
import { withTransaction } from '../../src/store/pg/transaction.ts';
import { type ScheduledRule, syncSchedules } from '../../src/timers/sync-schedules.ts';
import { type TimedPipeline, TimerWorker, type TimerWorkerOptions } from '../../src/timers/worker.ts';
import type { TestDatabase } from './database.ts';
import { silent, TENANT } from './tidings.ts';
import { decisionOf, HOUR, NOW, WaitStore } from './waits.ts';

/** The worker of waits and schedules alone, with a pipeline that does without rules. */

/** Does in the database what the pipeline does, without the rules. Remembers its calls, and fails if a test says so. */
export class FakePipeline implements TimedPipeline {
  /** Users whose waits fired, in order. */
  readonly fired: string[] = [];
  readonly occurrences: { userId: string; rule: string; due: Millis; label: string }[] = [];
  /** Events of the outbox. */
  readonly ingested: unknown[] = [];
  rules: ScheduledRule[] = [];
  fails: (userId: string) => boolean = () => false;
  /** Nothing fires before it resolves. */
  hold: Promise<void> = Promise.resolve();
  onHold: () => void = () => {};
  isBusy = false;
  timesRejected = 0;
  readonly #pool: pg.Pool;
  readonly #clock: { now: Millis };
  #looked = 0;
  #listeners = new Set<() => void>();

  constructor(pool: pg.Pool, clock: { now: Millis }) {
    this.#pool = pool;
    this.#clock = clock;
  }

  async fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number> {
    this.onHold();
    await this.hold;
    const store = new WaitStore(() => this.#pool);
    const fired = await withTransaction(this.#pool, async (connection) => {
      await lockUsers(connection, tenantId, userIds);
      const waits = await store.load([...userIds], [], connection);
      if (userIds.some(this.fails)) throw new Error('a bug');
      const now = this.#clock.now;
      const due = waits.filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt);
      for (const one of due) Object.assign(one, { status: 'fired', endedAt: now, stored: 'changed' });
      await store.write(
        due.map((one) => ({ wait: one, decisions: [decisionOf(one)] })),
        connection,
      );
      return due;
    });
    this.fired.push(...fired.map(({ userId }) => userId));
    this.#notify();
    return fired.length;
  }

  async listSchedules(tenantId: string) {
    const { rows } = await this.#pool.query('select version from active_catalogs where tenant_id = $1', [tenantId]);
    return { active: { version: rows[0]?.version ?? 0, release: null }, rules: this.rules };
  }

  async runSchedule(
    occurrence: Parameters<TimedPipeline['runSchedule']>[0],
    userIds: readonly string[],
    save: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number> {
    await withTransaction(this.#pool, async (connection) => {
      await save(connection);
      if (userIds.some(this.fails)) throw new Error('a bug');
    });
    const { rule, due, label } = occurrence;
    this.occurrences.push(...userIds.map((userId) => ({ userId, rule, due, label })));
    this.#notify();
    return userIds.length;
  }

  async ingest(_tenantId: string, items: readonly unknown[]) {
    if (this.isBusy) {
      this.timesRejected++;
      this.#notify();
      throw new Error('overloaded');
    }
    this.ingested.push(...items);
    this.#notify();
    return items.map(() => ({ status: 'accepted' }));
  }

  /** The clock of the worker, which reads it in each round. */
  readClock(): Millis {
    this.#looked++;
    this.#notify();
    return this.#clock.now;
  }

  /** Waits until the worker has polled this often. */
  async polls(times: number): Promise<void> {
    const enough = this.#looked + times * 5;
    await this.until(() => this.#looked >= enough);
  }

  /** Waits until `isDone`, which is called again whenever something happens. */
  async until(isDone: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isDone())) {
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export interface TimerSetup {
  readonly clock: { now: Millis };
  readonly pipeline: FakePipeline;
  /** Starts a worker; each call starts another one. */
  run(): Promise<TimerWorker>;
  stop(): Promise<void>;
}

/** Prepares the tests of a file: call it once, at its top. The workers of a test are stopped after it. */
export function useTimerWorkers(database: () => TestDatabase): (options?: Partial<TimerWorkerOptions>) => TimerSetup {
  const workers: TimerWorker[] = [];
  const stop = async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  };
  afterEach(stop);
  return (options = {}) => {
    const { pool, url } = database();
    const clock = { now: NOW };
    const pipeline = new FakePipeline(pool, clock);
    const run = async () => {
      const worker = new TimerWorker({
        pool,
        databaseUrl: url,
        pipeline,
        calendar: { next: nextFullHour, label: (time, zone) => `${time} ${zone}` },
        clock: () => pipeline.readClock(),
        elapsed: () => performance.now(),
        log: silent,
        rate: 100_000,
        poll: 20,
        ...options,
      });
      workers.push(worker);
      await worker.start();
      return worker;
    };
    return { clock, pipeline, run, stop };
  };
}

/** A calendar for tests: every hour at the minute that the pattern begins with, in any zone. */
export function nextFullHour(cron: string, _zone: string, after: Millis): Millis {
  const minute = Number.parseInt(cron, 10) * 60_000;
  return Math.floor((after - minute) / HOUR) * HOUR + HOUR + minute;
}

/** Brings the stored schedules in line with these rules of a catalog version, by the calendar for tests. */
export function syncTestSchedules(
  pool: pg.Pool,
  rules: readonly ScheduledRule[],
  { version = 1, now = NOW, next = nextFullHour as Parameters<typeof syncSchedules>[4] } = {},
): ReturnType<typeof syncSchedules> {
  return syncSchedules(pool, TENANT, { version, release: null }, [...rules], next, now);
}

/** The schedules that are stored, in order of rule and zone. */
export async function listSchedules(pool: pg.Pool): Promise<[rule: string, zone: string, next: Millis][]> {
  const { rows } = await pool.query('select rule, zone, next_at from schedules order by rule, zone');
  return rows.map((row) => [row.rule, row.zone, row.next_at]);
}

/** Stores users with their time zones; null: not known. */
export async function addUsers(pool: pg.Pool, ...users: [userId: string, zone: string | null][]): Promise<void> {
  await pool.query(
    `insert into users (tenant_id, user_id, traits, trait_times, address_hashes, first_seen_at, updated_at, zone)
     select $1, u, '{}', '{}', '{}', $4, $4, z from unnest($2::text[], $3::text[]) as p(u, z)`,
    [TENANT, users.map(([userId]) => userId), users.map(([, zone]) => zone), new Date(NOW)],
  );
}

/** Makes version 1 of a catalog the active one. What it has does not matter. */
export async function applyFirstCatalog(pool: pg.Pool): Promise<void> {
  const { version } = await applyCatalog(pool, TENANT, EMPTY_CATALOG, systemActor('test'), NOW);
  if (version !== 1) throw new Error(`there is a catalog already: this is version ${version}`);
}
