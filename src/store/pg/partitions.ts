import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { getSqlState } from './errors.ts';
import {
  closeStatement,
  getPartitionName,
  loadPartitions,
  monthNumber,
  monthRange,
  type PartitionedTable,
  parseMonth,
  STORAGE,
  TABLES_BY_ID,
  type TimeRange,
  toKeyLiteral,
  toRangeCondition,
} from './partition-ranges.ts';
import type { Connection } from './pool.ts';
import { type RebuildOptions, rebuildDefault } from './rebuild-default.ts';
import { withTransaction } from './transaction.ts';

/** Events older or newer than this go to the default partition, so that a wrong clock cannot create partitions. */
const MAX_YEARS_BACK = 5;
const MAX_MONTHS_AHEAD = 2;

/**
 * A month is created under a lock as long as the default partition has at most this many rows: all are read, and those of the
 * month move. If it has more, it is rebuilt without such a lock.
 */
const MAX_LOCKED_ROWS = 2000;

/**
 * Creating a month needs an exclusive lock on the table, and every statement queues behind that request: it must not wait
 * long for a reader, such as a backtest or a dump.
 */
const LOCK_TIMEOUT_MS: Millis = 100;
/** Pause before the next try, doubled up to the longest. */
const MIN_RETRY_PAUSE_MS: Millis = 1000;
const MAX_RETRY_PAUSE_MS: Millis = 60_000;

/** Retries in all, when months are created ahead of time: a start must not take long while a reader is open. */
const MAX_RETRIES_AHEAD = 5;
const RETRY_PAUSE_AHEAD_MS: Millis = 300;

/** Time in ms that a process waits for another one that creates the same month; no other statement waits for it. */
const TURN_TIMEOUT_MS: Millis = 2000;

export interface PartitionsOptions {
  /** Called when a default partition was rebuilt, or that failed and will be tried again. */
  readonly onRebuilt?: (table: string, error: unknown) => void;
  readonly maxLockedRows?: number;
}

/**
 * Creates missing monthly partitions before the first row of their month is written. Rows that came before their month
 * could be created are in the default partition, and move when it is created. Months that exist are remembered: a batch of
 * known months costs no statement.
 */
export class Partitions {
  readonly #pool: pg.Pool;
  readonly #options: PartitionsOptions;
  readonly #known = new Set<number>();
  readonly #rebuilds = new Map<PartitionedTable, Promise<void>>();
  readonly #stopping = new AbortController();
  /** No month of events is created before this time: the table was locked. */
  #notBefore: Millis = Number.NEGATIVE_INFINITY;
  #pause: Millis = MIN_RETRY_PAUSE_MS;

  constructor(pool: pg.Pool, options: PartitionsOptions = {}) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Creates the months of events at these times. A month that cannot be created now is left out, and tried again later. */
  async ensureEvents(times: readonly Millis[], now: Millis): Promise<void> {
    const thisMonth = monthNumber(now);
    const missing = new Set<number>();
    for (const time of times) {
      const month = monthNumber(time);
      if (this.#known.has(month) || month < getFirstMonth(thisMonth) || month > thisMonth + MAX_MONTHS_AHEAD) continue;
      missing.add(month);
    }
    if (missing.size === 0 || now < this.#notBefore) return;
    for (const month of [...missing].sort((a, b) => a - b)) {
      if ((await this.#create('events', month, thisMonth)) === 'created') {
        this.#known.add(month);
        this.#pause = MIN_RETRY_PAUSE_MS;
      } else {
        this.#notBefore = now + this.#pause;
        this.#pause = Math.min(2 * this.#pause, MAX_RETRY_PAUSE_MS);
      }
    }
  }

  /**
   * Creates the current and the next months of every table; to be called at start and from time to time. Returns the names
   * of the partitions that could not be created yet, whose rows are in the default partition.
   */
  async ensureAhead(now: Millis): Promise<string[]> {
    const failed: string[] = [];
    const thisMonth = monthNumber(now);
    let retries = MAX_RETRIES_AHEAD;
    for (let month = thisMonth; month <= thisMonth + MAX_MONTHS_AHEAD; month++) {
      const tables: PartitionedTable[] = month <= thisMonth + 1 ? [...TABLES_BY_ID, 'events'] : [...TABLES_BY_ID];
      for (const table of tables) {
        let result = await this.#create(table, month, thisMonth);
        for (; result === 'locked' && retries > 0; retries--) {
          await setTimeout(RETRY_PAUSE_AHEAD_MS);
          result = await this.#create(table, month, thisMonth);
        }
        if (result !== 'created') failed.push(getPartitionName(table, monthRange(month)));
      }
    }
    return failed;
  }

  /**
   * Creates these months, such as `2025-11`, by table. A month that cannot be created now is left out: its rows go to the
   * default partition.
   */
  async ensureMonths(months: MonthsByTable): Promise<void> {
    for (const [table, month] of listMonths(months)) {
      try {
        if (!isCovered(await loadPartitions(this.#pool, table), month)) {
          await createMonth(this.#pool, table, month, MAX_LOCKED_ROWS);
        }
      } catch (error) {
        if (!BUSY_SQLSTATES.includes(getSqlState(error))) throw error;
      }
    }
  }

  /** Resolves when no default partition is being rebuilt. */
  async settle(): Promise<void> {
    await Promise.all(this.#rebuilds.values());
  }

  /** Interrupts the rebuilding of default partitions; it starts anew with the next process. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.settle();
  }

  async #create(
    table: PartitionedTable,
    month: number,
    thisMonth: number,
  ): Promise<'created' | 'rebuilding' | 'locked'> {
    if (isCovered(await loadPartitions(this.#pool, table), month)) return 'created';
    const { maxLockedRows = MAX_LOCKED_ROWS } = this.#options;
    try {
      const isCreated = await createMonth(this.#pool, table, month, maxLockedRows);
      if (isCreated) return 'created';
    } catch (error) {
      if (BUSY_SQLSTATES.includes(getSqlState(error))) return 'locked';
      throw error;
    }
    const [firstMonth, lastMonth] = [getFirstMonth(thisMonth), thisMonth + MAX_MONTHS_AHEAD];
    this.#rebuild(table, { firstMonth, lastMonth, months: [month], maxLockedRows });
    return 'rebuilding';
  }

  /** Starts to rebuild a default partition, unless this process is at it. */
  #rebuild(table: PartitionedTable, options: Omit<RebuildOptions, 'signal'>): void {
    if (this.#rebuilds.has(table) || this.#stopping.signal.aborted) return;
    const rebuilt = rebuildDefault(this.#pool, table, { ...options, signal: this.#stopping.signal }).then(
      () => {
        this.#notBefore = Number.NEGATIVE_INFINITY;
        this.#options.onRebuilt?.(table, null);
      },
      (error) => {
        if (!this.#stopping.signal.aborted) this.#options.onRebuilt?.(table, error);
      },
    );
    this.#rebuilds.set(
      table,
      rebuilt.finally(() => this.#rebuilds.delete(table)),
    );
  }
}

/**
 * SQLSTATEs of a month that cannot be created now: the table is locked, or another process is rebuilding the default partition
 * and has a table of that name already.
 */
const BUSY_SQLSTATES = ['55P03', '42P07'];

/** Months such as `2025-11`, by table. */
type MonthsByTable = { readonly [table: string]: readonly string[] };

function listMonths(months: MonthsByTable): [table: PartitionedTable, month: number][] {
  return ([...TABLES_BY_ID, 'events'] as const).flatMap((table) =>
    (months[table] ?? []).map((month): [PartitionedTable, number] => [table, parseMonth(month)]),
  );
}

/** Creates these months, such as `2025-11`, by table, of tables without rows, in the transaction of the caller. */
export async function createMonths(connection: Connection, months: MonthsByTable): Promise<void> {
  for (const [table, month] of listMonths(months)) {
    if (!isCovered(await loadPartitions(connection, table), month)) {
      await connection.query(createStatement(table, month));
    }
  }
}

function isCovered(partitions: readonly TimeRange[], month: number): boolean {
  const range = monthRange(month);
  return partitions.some(({ from, to }) => from <= range.from && range.to <= to);
}

/** Returns statements that create a month. */
function createStatement(table: PartitionedTable, month: number): string {
  const range = monthRange(month);
  return `create table ${getPartitionName(table, range)} partition of ${table}
          for values from (${toKeyLiteral(table, range.from)}) to (${toKeyLiteral(table, range.to)})${STORAGE[table] ?? ''};
          ${closeStatement(getPartitionName(table, range))}`;
}

function getFirstMonth(thisMonth: number): number {
  return thisMonth - MAX_YEARS_BACK * 12;
}

/**
 * Creates a month and moves its rows from the default partition. Returns false, and changes nothing, if that has more than
 * `maxRows` rows. One month of a table at a time: a second process finds it created.
 * @throws an error with SQLSTATE 55P03 if the table is locked
 */
async function createMonth(pool: pg.Pool, table: PartitionedTable, month: number, maxRows: number): Promise<boolean> {
  const range = monthRange(month);
  const name = getPartitionName(table, range);
  const rowsOfMonth = `${table}_default where ${toRangeCondition(table, range)}`;
  const isLarge = `select from ${table}_default offset ${maxRows} limit 1`;
  // Before the transaction, because this locks the default partition for as long as the transaction lasts.
  if ((await pool.query(isLarge)).rows.length > 0) return false;
  return withTransaction(pool, async (connection) => {
    await connection.query(
      `set local lock_timeout = ${TURN_TIMEOUT_MS}; select pg_advisory_xact_lock(hashtextextended('${table}_months', 0));
       set local lock_timeout = ${LOCK_TIMEOUT_MS}`,
    );
    const { rows: created } = await connection.query(
      'select from pg_inherits where inhparent = to_regclass($1) and inhrelid = to_regclass($2)',
      [table, name],
    );
    if (created.length > 0) return true;
    // No row may be added meanwhile.
    await connection.query(`lock table only ${table}, only ${table}_default in access exclusive mode`);
    if ((await connection.query(isLarge)).rows.length > 0) return false;
    const { rows } = await connection.query(`select from ${rowsOfMonth} limit 1`);
    if (rows.length > 0) {
      await connection.query(`create temporary table moved on commit drop as select * from ${rowsOfMonth}`);
      await connection.query(`delete from ${rowsOfMonth}`);
    }
    await connection.query(createStatement(table, month));
    if (rows.length > 0) await connection.query(`insert into ${table} select * from moved`);
    return true;
  });
}
