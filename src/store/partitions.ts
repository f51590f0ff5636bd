import type pg from 'pg';
import type { Millis } from '../model.ts';

/** Partitioned by the time inside their UUIDv7 key. */
const BY_ID = ['notifications', 'deliveries', 'attempts', 'messages'] as const;

/** Deliveries are updated in place; see sql/000002.sql. */
const STORAGE: { readonly [table: string]: string } = { deliveries: ' with (fillfactor = 40)' };

/** Events older or newer than this, seen from now, share the default partition: a hostile clock cannot make partitions. */
const YEARS_BACK = 5;
const MONTHS_AHEAD = 2;

/**
 * Makes the monthly partitions that are missing, before the first row that belongs into them is written (a default
 * partition that already holds such a row would refuse). Remembers what it made: a batch of known months costs nothing.
 */
export class Partitions {
  readonly #pool: pg.Pool;
  readonly #known = new Set<number>();

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
    for (const month of [...missing].sort((a, b) => a - b)) {
      await this.#create('events', month, (time) => `'${new Date(time).toISOString()}'`);
      this.#known.add(month);
    }
  }

  /** For what is made from `now` on; called at start and daily. */
  async ensureAhead(now: Millis): Promise<void> {
    const thisMonth = monthNumber(now);
    for (let month = thisMonth; month <= thisMonth + MONTHS_AHEAD; month++) {
      for (const table of BY_ID) await this.#create(table, month, (time) => `'${uuidAt(time)}'`);
    }
    await this.ensureEvents([now, monthStart(thisMonth + 1)], now);
  }

  async #create(table: string, month: number, bound: (time: Millis) => string): Promise<void> {
    const start = monthStart(month);
    const name = `${table}_${new Date(start).toISOString().slice(0, 7).replace('-', '_')}`;
    const connection = await this.#pool.connect();
    try {
      const { rows } = await connection.query('select to_regclass($1) as made', [name]);
      if (rows[0]?.made !== null) return;
      await connection.query('begin');
      // Two processes may want the same month at once; the second finds it made.
      await connection.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
      await connection.query(
        `create table if not exists ${name} partition of ${table} for values from (${bound(start)}) to (${bound(monthStart(month + 1))})${STORAGE[table] ?? ''}`,
      );
      await connection.query('commit');
    } catch (error) {
      await connection.query('rollback').catch(() => {});
      // 23514: the default partition holds a row of this month already (it came when the month was too far away).
      if ((error as { code?: string }).code !== '23514') throw error;
    } finally {
      connection.release();
    }
  }
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
