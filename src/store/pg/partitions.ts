import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { getSqlState } from './errors.ts';
import type { Connection } from './pool.ts';
import { withTransaction } from './transaction.ts';

type Table = 'events' | (typeof TABLES_BY_ID)[number];

/** Tables partitioned by the time inside their UUIDv7 key. */
const TABLES_BY_ID = ['notifications', 'deliveries', 'attempts', 'messages'] as const;

/** Storage settings of a partition; why deliveries have some is in sql/000001.sql. */
const STORAGE: { readonly [table in Table]?: string } = { deliveries: ' with (fillfactor = 40)' };

/** Events older or newer than this go to the default partition, so that a wrong clock cannot create partitions. */
const MAX_YEARS_BACK = 5;
const MAX_MONTHS_AHEAD = 2;

/** If more rows of a month are in the default partition, they stay there: the table is locked while rows move. */
const MAX_MOVED_ROWS = 100_000;

/**
 * Creating a month needs an exclusive lock on the table, and every statement queues behind that request: it must not wait
 * long, for example for a backtest.
 */
const LOCK_TIMEOUT_MS: Millis = 2000;
const RETRY_PAUSE_MS: Millis = 60_000;

/**
 * Creates missing monthly partitions before the first row of their month is written. Rows that came before their month
 * could be created are in the default partition, and move when it is created. Months that exist are remembered: a batch of
 * known months costs no statement.
 */
export class Partitions {
  readonly #pool: pg.Pool;
  readonly #known = new Set<number>();
  /** No month of events is created before this time: the table was locked. */
  #notBefore: Millis = Number.NEGATIVE_INFINITY;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Creates the months of events at these times. A month that cannot be created now is left out, and tried again later. */
  async ensureEvents(times: readonly Millis[], now: Millis): Promise<void> {
    const thisMonth = monthNumber(now);
    const missing = new Set<number>();
    for (const time of times) {
      const month = monthNumber(time);
      if (this.#known.has(month) || month < thisMonth - MAX_YEARS_BACK * 12 || month > thisMonth + MAX_MONTHS_AHEAD)
        continue;
      missing.add(month);
    }
    if (now < this.#notBefore) return;
    for (const month of [...missing].sort((a, b) => a - b)) {
      const result = await this.#create('events', month);
      if (result === 'locked') this.#notBefore = now + RETRY_PAUSE_MS;
      else this.#known.add(month);
    }
  }

  /**
   * Creates the current and the next months of every table; to be called at start and daily. Returns the names of the
   * partitions that could not be created, whose rows stay in the default partition.
   */
  async ensureAhead(now: Millis): Promise<string[]> {
    const failed: string[] = [];
    const thisMonth = monthNumber(now);
    for (let month = thisMonth; month <= thisMonth + MAX_MONTHS_AHEAD; month++) {
      const tables: Table[] = month <= thisMonth + 1 ? [...TABLES_BY_ID, 'events'] : [...TABLES_BY_ID];
      for (const table of tables) {
        if ((await this.#create(table, month)) !== 'created') failed.push(partitionName(table, month));
      }
    }
    return failed;
  }

  /**
   * Creates these months, such as `2025-11`, by table. A month that cannot be created now is left out: its rows go to the
   * default partition.
   */
  async ensureMonths(months: { readonly [table: string]: readonly string[] }): Promise<void> {
    for (const table of [...TABLES_BY_ID, 'events'] as const) {
      for (const month of months[table] ?? []) await this.#create(table, parseMonth(month));
    }
  }

  async #create(table: Table, month: number): Promise<'created' | 'full' | 'locked'> {
    const name = partitionName(table, month);
    const { rows } = await this.#pool.query('select to_regclass($1) as oid', [name]);
    if (rows[0]?.oid !== null) return 'created';
    const [from, to] = [lowerBound(table, month), lowerBound(table, month + 1)];
    const create = createStatement(table, month);
    try {
      await this.#withLock(name, (connection) => connection.query(create));
      return 'created';
    } catch (error) {
      if (getSqlState(error) === '55P03') return 'locked';
      // 23514: the default partition holds rows of this month.
      if (getSqlState(error) !== '23514') throw error;
    }
    try {
      const isCreated = await this.#withLock(name, (connection) => createAndMove(connection, table, from, to, create));
      return isCreated ? 'created' : 'full';
    } catch (error) {
      if (getSqlState(error) === '55P03') return 'locked';
      throw error;
    }
  }

  /** Runs `work` in a transaction of its own, one process at a time: the second finds the month created. */
  #withLock<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    return withTransaction(this.#pool, async (connection) => {
      await connection.query(
        `set local lock_timeout = ${LOCK_TIMEOUT_MS}; select pg_advisory_xact_lock(hashtextextended('${name}', 0))`,
      );
      return work(connection);
    });
  }
}

/** Creates these months, such as `2025-11`, by table, of tables without rows, in the transaction of the caller. */
export async function createMonths(
  connection: Connection,
  months: { readonly [table: string]: readonly string[] },
): Promise<void> {
  for (const table of [...TABLES_BY_ID, 'events'] as const) {
    for (const month of months[table] ?? []) await connection.query(createStatement(table, parseMonth(month)));
  }
}

function createStatement(table: Table, month: number): string {
  return `create table if not exists ${partitionName(table, month)} partition of ${table}
          for values from (${lowerBound(table, month)}) to (${lowerBound(table, month + 1)})${STORAGE[table] ?? ''}`;
}

/**
 * Creates a month and moves its rows from the default partition. Returns false, and changes nothing, if these are more than
 * MAX_MOVED_ROWS.
 */
async function createAndMove(
  connection: Connection,
  table: Table,
  from: string,
  to: string,
  create: string,
): Promise<boolean> {
  const key = table === 'events' ? 'event_time' : 'notification_id';
  const rowsOfMonth = `${table}_default where ${key} >= ${from} and ${key} < ${to}`;
  const tooMany = `select 1 from ${rowsOfMonth} offset ${MAX_MOVED_ROWS} limit 1`;
  if ((await connection.query(tooMany)).rows.length > 0) return false;
  // No row may be added meanwhile.
  await connection.query(`lock table ${table} in access exclusive mode`);
  await connection.query(`create temporary table moved on commit drop as select * from ${rowsOfMonth}`);
  await connection.query(`delete from ${rowsOfMonth}`);
  await connection.query(create);
  await connection.query(`insert into ${table} select * from moved`);
  return true;
}

/** Returns the first key of a month as a SQL literal. */
function lowerBound(table: Table, month: number): string {
  const start = monthStart(month);
  return `'${table === 'events' ? isoTime(start) : uuidAt(start)}'`;
}

function partitionName(table: Table, month: number): string {
  return `${table}_${isoTime(monthStart(month)).slice(0, 7).replace('-', '_')}`;
}

/** Returns the smallest UUIDv7 of a millisecond (RFC 9562 section 5.7: the first 48 bits are the time). */
export function uuidAt(time: Millis): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

function monthNumber(time: Millis): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Returns the number of a month such as `2025-11`. */
function parseMonth(month: string): number {
  return Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
}

function monthStart(month: number): Millis {
  return Date.UTC(Math.floor(month / 12), month % 12, 1);
}
