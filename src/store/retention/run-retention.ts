import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { type Actor, systemActor } from '../../model/principal.ts';
import type { RetentionName, RetentionPeriods } from '../../model/retention-policy.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntryOfAll } from '../audit-log.ts';
import { deleteFact, loadFact, saveFact } from '../metadata.ts';
import type { Connection } from '../pg/pool.ts';
import { dropMonth, findExpiredMonths, toCutoffParam } from './drop-months.ts';
import { alignPeriods, RETENTION_STEPS, type RetentionStep } from './steps.ts';
import { deleteUnusedContents } from './unused-contents.ts';

/** Blocks of 8 KB that one statement looks at. */
const BLOCKS_PER_STATEMENT = 64;
/** Shortest time between two saves of the progress. */
const SAVE_INTERVAL_MS: Millis = 1000;

/** Key of the advisory lock that lets one run take place at a time; any constant. */
const RETENTION_LOCK_KEY = 7_318_226;

/** Names of the facts: the progress of an interrupted run, and the time of the last one that was completed. */
const PROGRESS = 'retention_progress';
const COMPLETED = 'retention_completed_at';

export interface RetentionResult {
  /** Rows removed one by one; of a dry run, those that would be. */
  readonly rows: { readonly [name in RetentionName]?: number };
  /** Months that were dropped as a whole. */
  readonly months: readonly string[];
  /** Months that could not be dropped, because a reader was open; the next run drops them. */
  readonly locked: readonly string[];
}

interface RunOptions {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly actor?: Actor;
  /** Returns whether a run is due. It is asked when no other process can be at one. */
  readonly isDue?: (times: RetentionTimes) => boolean;
}

/** The time of the database, and when the last complete run began. */
export interface RetentionTimes {
  readonly now: Millis;
  readonly completedAt: Millis;
}

/** Position of a run: the step, the table among those of the step, and its next block. */
interface Progress {
  readonly startedAt: Millis;
  readonly step: number;
  readonly table: string | null;
  readonly block: number;
  readonly result: RetentionResult;
}

const EMPTY_RESULT: RetentionResult = { rows: {}, months: [], locked: [] };

/**
 * Removes what is older than its period, by the clock of the database: step by step, a few blocks of a table at a time. A run
 * that was interrupted is continued. Returns null if another process is at it, or none is due. A complete run that removed something
 * is in the audit log of each live tenant.
 *
 * @param options.dryRun counts, and removes nothing
 * @param options.actor who runs it; absent: Tidings itself, once a day
 */
export async function runRetention(
  pool: pg.Pool,
  periods: RetentionPeriods,
  options: RunOptions = {},
): Promise<RetentionResult | null> {
  const connection = await pool.connect();
  try {
    const { rows } = await connection.query<{ locked: boolean; now: Millis }>(
      'select pg_try_advisory_lock($1) as locked, clock_timestamp() as now',
      [RETENTION_LOCK_KEY],
    );
    const [first] = rows;
    if (!first?.locked) return null;
    // Another process may have completed a run since this one looked.
    if (options.isDue && !options.isDue(await loadRetentionTimes(connection))) return null;
    const run = new RetentionRun(connection, alignPeriods(periods), first.now, options);
    const result = await run.run();
    // The server takes a while to notice that a session has ended: the next run would find the lock taken.
    await connection.query('select pg_advisory_unlock($1)', [RETENTION_LOCK_KEY]);
    return result;
  } finally {
    // Closed, because its lock belongs to the session.
    connection.release(true);
  }
}

/**
 * Returns the time of the database, and when the last complete run began; the first call on a database returns its own time.
 */
export async function loadRetentionTimes(pool: Connection): Promise<RetentionTimes> {
  const { rows } = await pool.query<{ now: Millis; completed: string | null }>(
    'select clock_timestamp() as now, (select value from metadata where name = $1) as completed',
    [COMPLETED],
  );
  const { now, completed } = rows[0] as { now: Millis; completed: string | null };
  if (completed !== null) return { now, completedAt: Number(completed) };
  await pool.query('insert into metadata (name, value) values ($1, $2) on conflict (name) do nothing', [
    COMPLETED,
    String(now),
  ]);
  return { now, completedAt: now };
}

class RetentionRun {
  readonly #connection: pg.PoolClient;
  readonly #periods: RetentionPeriods;
  readonly #dryRun: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #actor: Actor;
  #progress: Progress;
  #savedAt: Millis = 0;

  constructor(connection: pg.PoolClient, periods: RetentionPeriods, now: Millis, options: RunOptions) {
    this.#connection = connection;
    this.#periods = periods;
    this.#dryRun = options.dryRun ?? false;
    this.#signal = options.signal;
    this.#actor = options.actor ?? systemActor('retention');
    this.#progress = { startedAt: now, step: 0, table: null, block: 0, result: EMPTY_RESULT };
  }

  async run(): Promise<RetentionResult> {
    if (!this.#dryRun) {
      const stored = await loadFact(this.#connection, PROGRESS);
      if (stored !== undefined) this.#progress = JSON.parse(stored) as Progress;
    }
    for (let step = RETENTION_STEPS[this.#progress.step]; step; step = RETENTION_STEPS[this.#progress.step]) {
      await this.#runStep(step);
      this.#progress = { ...this.#progress, step: this.#progress.step + 1, table: null, block: 0 };
      await this.#save(true);
    }
    if (!this.#dryRun) {
      await deleteUnusedContents(this.#connection);
      await this.#complete();
    }
    return this.#progress.result;
  }

  /** Records the run, in one transaction: if it fails, the connection is closed, and the next run completes this one. */
  async #complete(): Promise<void> {
    const { startedAt, result } = this.#progress;
    await this.#connection.query('begin');
    await saveFact(this.#connection, COMPLETED, String(startedAt));
    await deleteFact(this.#connection, PROGRESS);
    const { rows, months } = result;
    if (months.length > 0 || Object.values(rows).some((count) => count > 0)) {
      const detail = { started_at: isoTime(startedAt), months: [...months] };
      const { rows: clock } = await this.#connection.query<{ now: Millis }>('select clock_timestamp() as now');
      const entry = { actor: this.#actor, action: 'retention.enforced', detail };
      await appendAuditEntryOfAll(this.#connection, entry, clock[0]?.now ?? startedAt);
    }
    await this.#connection.query('commit');
  }

  async #runStep(step: RetentionStep): Promise<void> {
    const period = this.#periods[step.name];
    if (period === null) return;
    const cutoff = this.#progress.startedAt - period;
    if (!step.partitioned) return this.#emptyTable(step, step.table, cutoff);
    const { droppable, blocked } = await findExpiredMonths(this.#connection, step, cutoff);
    for (const month of droppable) {
      this.#signal?.throwIfAborted();
      const isDropped = this.#dryRun || (await dropMonth(this.#connection, month));
      const { result } = this.#progress;
      const list = isDropped ? 'months' : 'locked';
      this.#progress = { ...this.#progress, result: { ...result, [list]: [...result[list], month.name] } };
    }
    const tables = [...blocked.map(({ name }) => name), `${step.table}_default`].sort();
    for (const table of tables) {
      // The tables before it are done.
      if (this.#progress.table === null || table >= this.#progress.table) await this.#emptyTable(step, table, cutoff);
    }
  }

  /** Removes the rows of a table that are older than the cutoff, block by block: each is read once. */
  async #emptyTable(step: RetentionStep, table: string, cutoff: Millis): Promise<void> {
    if (this.#progress.table !== table) this.#progress = { ...this.#progress, table, block: 0 };
    const { rows: sizes } = await this.#connection.query<{ blocks: number }>(
      `select coalesce(pg_relation_size(to_regclass($1)) / current_setting('block_size')::int, 0) as blocks`,
      [table],
    );
    const blocks = sizes[0]?.blocks ?? 0;
    const cutoffParam = toCutoffParam(step, cutoff);
    while (this.#progress.block < blocks) {
      this.#signal?.throwIfAborted();
      const { block, result } = this.#progress;
      const next = block + BLOCKS_PER_STATEMENT;
      const condition = `ctid >= '(${block},0)'::tid and ctid < '(${next},0)'::tid and ${step.where}`;
      const rows = await this.#removeRows(
        `${table}${table === step.table ? '' : ` as ${step.table}`}`,
        condition,
        cutoffParam,
        step.noted,
      );
      const counts = { ...result.rows, [step.name]: (result.rows[step.name] ?? 0) + rows };
      this.#progress = { ...this.#progress, block: next, result: { ...result, rows: counts } };
      await this.#save(false);
    }
  }

  async #removeRows(table: string, condition: string, cutoff: string, noted?: string): Promise<number> {
    if (this.#dryRun) {
      const { rows } = await this.#connection.query<{ count: number }>(
        `select count(*) as count from ${table} where ${condition}`,
        [cutoff],
      );
      return rows[0]?.count ?? 0;
    }
    const removal = `delete from ${table} where ${condition}`;
    if (noted === undefined) return (await this.#connection.query(removal, [cutoff])).rowCount ?? 0;
    const { rows } = await this.#connection.query<{ count: number }>(
      `with gone as (${removal} returning *), noted as (${noted}) select count(*) as count from gone`,
      [cutoff],
    );
    return rows[0]?.count ?? 0;
  }

  async #save(isForced: boolean): Promise<void> {
    const now = performance.now();
    if (this.#dryRun || (!isForced && now - this.#savedAt < SAVE_INTERVAL_MS)) return;
    this.#savedAt = now;
    await saveFact(this.#connection, PROGRESS, JSON.stringify(this.#progress));
  }
}
