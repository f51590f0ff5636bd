import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { getSqlState } from './errors.ts';
import type { Connection } from './pool.ts';
import { withTransaction } from './transaction.ts';

type Table = 'events' | (typeof BY_ID)[number];

/** Partitioned by the time inside their UUIDv7 key. */
const BY_ID = ['notifications', 'deliveries', 'attempts', 'messages'] as const;

/** Storage settings of a partition; why deliveries have some is in sql/000001.sql. */
const STORAGE: { readonly [table in Table]?: string } = { deliveries: ' with (fillfactor = 40)' };

/** Events older or newer than this, seen from now, share the default partition: a hostile clock cannot make partitions. */
const YEARS_BACK = 5;
const MONTHS_AHEAD = 2;

/** More rows than this stay in the default partition when their month is made: nothing comes in while they move. */
const MOST_MOVED = 100_000;

/** A month is made when nobody reads its table, and everybody waits behind it: not for long, not behind a backtest. */
const LOCK_PATIENCE: Millis = 2000;
const TRY_AGAIN: Millis = 60_000;

/**
 * Makes the monthly partitions that are missing, before the first row that belongs into them is written. What came too early,
 * or when its month could not be made, lies in the default partition, and moves when it is made. Remembers what it made: a
 * batch of known months costs nothing.
 */
export class Partitions {
  readonly #pool: pg.Pool;
  readonly #known = new Set<number>();
  #notBefore: Millis = Number.NEGATIVE_INFINITY;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** For events at these times, decided at `now`. */
  async ensureEvents(times: readonly Millis[], now: Millis): Promise<void> {
    const thisMonth = monthNumber(now);
    const missing = new Set<number>();
    for (const time of times) {
      const month = monthNumber(time);
      if (this.#known.has(month) || month < thisMonth - YEARS_BACK * 12 || month > thisMonth + MONTHS_AHEAD) continue;
      missing.add(month);
    }
    if (now < this.#notBefore) return;
    for (const month of [...missing].sort((a, b) => a - b)) {
      const became = await this.#create('events', month);
      if (became === 'locked') this.#notBefore = now + TRY_AGAIN;
      else this.#known.add(month);
    }
  }

  /** For what is made from `now` on; called at start and daily. Returns partitions whose rows stay in the default one. */
  async ensureAhead(now: Millis): Promise<string[]> {
    const left: string[] = [];
    const thisMonth = monthNumber(now);
    for (let month = thisMonth; month <= thisMonth + MONTHS_AHEAD; month++) {
      const tables: Table[] = month <= thisMonth + 1 ? [...BY_ID, 'events'] : [...BY_ID];
      for (const table of tables) if ((await this.#create(table, month)) !== 'made') left.push(nameOf(table, month));
    }
    return left;
  }

  async #create(table: Table, month: number): Promise<'made' | 'full' | 'locked'> {
    const name = nameOf(table, month);
    const { rows } = await this.#pool.query('select to_regclass($1) as made', [name]);
    if (rows[0]?.made !== null) return 'made';
    const [from, to] = [bound(table, month), bound(table, month + 1)];
    const create = `create table if not exists ${name} partition of ${table}
                    for values from (${from}) to (${to})${STORAGE[table] ?? ''}`;
    try {
      await this.#inTurn(name, (connection) => connection.query(create));
      return 'made';
    } catch (error) {
      if (getSqlState(error) === '55P03') return 'locked';
      // 23514: the default partition holds rows of this month.
      if (getSqlState(error) !== '23514') throw error;
    }
    try {
      const isMade = await this.#inTurn(name, (connection) => createAndMove(connection, table, from, to, create));
      return isMade ? 'made' : 'full';
    } catch (error) {
      if (getSqlState(error) === '55P03') return 'locked';
      throw error;
    }
  }

  /** Two processes may want the same month at once; the second finds it made. */
  #inTurn<T>(name: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    return withTransaction(this.#pool, async (connection) => {
      await connection.query(
        `set local lock_timeout = ${LOCK_PATIENCE}; select pg_advisory_xact_lock(hashtextextended('${name}', 0))`,
      );
      return work(connection);
    });
  }
}

/** With the rows of it that lie in the default partition. False: they are too many, and stay. */
async function createAndMove(
  connection: Connection,
  table: Table,
  from: string,
  to: string,
  create: string,
): Promise<boolean> {
  const key = table === 'events' ? 'event_time' : 'notification_id';
  const early = `${table}_default where ${key} >= ${from} and ${key} < ${to}`;
  const many = `select 1 from ${early} offset ${MOST_MOVED} limit 1`;
  if ((await connection.query(many)).rows.length > 0) return false;
  // Nobody adds another one meanwhile.
  await connection.query(`lock table ${table} in access exclusive mode`);
  await connection.query(`create temporary table moved on commit drop as select * from ${early}`);
  await connection.query(`delete from ${early}`);
  await connection.query(create);
  await connection.query(`insert into ${table} select * from moved`);
  return true;
}

/** The first key of a month, as SQL. */
function bound(table: Table, month: number): string {
  const start = monthStart(month);
  return `'${table === 'events' ? isoTime(start) : uuidAt(start)}'`;
}

function nameOf(table: Table, month: number): string {
  return `${table}_${isoTime(monthStart(month)).slice(0, 7).replace('-', '_')}`;
}

/** The smallest UUIDv7 of a millisecond (RFC 9562 section 5.7: the first 48 bits are the time). */
export function uuidAt(time: Millis): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

function monthNumber(time: Millis): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function monthStart(month: number): Millis {
  return Date.UTC(Math.floor(month / 12), month % 12, 1);
}
