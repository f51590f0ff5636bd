import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { doublePause } from '../../lib/doubling-pause.ts';
import type { Millis } from '../../model/event.ts';
import { isLockFailure } from './errors.ts';
import {
  closeStatement,
  getPartitionKey,
  getPartitionName,
  loadPartitions,
  monthNumber,
  monthRange,
  type PartitionedTable,
  STORAGE,
  type TimeRange,
  toKeyLiteral,
  toRangeCondition,
} from './partition-ranges.ts';
import { selectivityHint } from './selectivity-hint.ts';

export interface RebuildOptions {
  /** Rows before and after these months share a partition by year; see `monthNumber`. */
  readonly firstMonth: number;
  readonly lastMonth: number;
  /** Months that get a partition even if they have no row. */
  readonly months: readonly number[];
  /** Rows of a year that may stay in the default partition. */
  readonly maxLockedRows: number;
  readonly signal: AbortSignal;
}

/** Rows copied in one statement. */
const MAX_PAGE_ROWS = 1000;

/** Partitions made at once: the table is locked while they are attached. A further rebuild makes the others. */
const MAX_NEW_PARTITIONS = 24;

/** Changes that are applied while the table is locked; doubled for each try that finds more, up to the second number. */
const MAX_LOCKED_CHANGES = 500;
const MAX_LOCKED_CHANGES_AT_LAST = 16_000;

/** Time in ms that the swap waits for its lock, while every statement on the table waits behind it. */
const LOCK_TIMEOUT_MS: Millis = 100;
/** Pause before the next try, doubled up to the longest. */
const MIN_RETRY_PAUSE_MS: Millis = 500;
const MAX_RETRY_PAUSE_MS: Millis = 60_000;
/** About a day. */
const MAX_SWAP_TRIES = 1440;

/** Rows of other months stay in the default partition: January 1970 and December 9998. */
const FIRST_MONTH = 1970 * 12;
const LAST_MONTH = 9999 * 12 - 1;

/** Names of what a rebuild makes beside the partitions. */
interface Names {
  readonly current: string;
  /** A partitioned table that has the new partitions until they are attached. */
  readonly shadow: string;
  readonly next: string;
  readonly old: string;
  /** Keys of the rows that were changed since the copy began. */
  readonly changes: string;
  readonly trigger: string;
  /** Columns of the table, in order, and those of its primary key. */
  readonly columns: string;
  readonly key: readonly string[];
}

/**
 * Moves the rows of a default partition to partitions of their months, however many they are, without blocking other sessions in
 * proportion: the rows are copied while the table is in use, a trigger notes what changes meanwhile, and at last the
 * partitions are swapped under a lock, in which at most MAX_LOCKED_CHANGES are repeated. If it is interrupted, nothing has changed,
 * and the next call starts anew. One process at a time; a second call returns at once.
 */
export async function rebuildDefault(pool: pg.Pool, table: PartitionedTable, options: RebuildOptions): Promise<void> {
  const connection = await pool.connect();
  try {
    const { rows } = await connection.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as locked', [
      `${table}_rebuild`,
    ]);
    if (!rows[0]?.locked) return;
    const names = await loadNames(connection, table);
    const { signal } = options;
    await retryLocked(connection, signal, () => dropRemains(connection, names));
    const ranges = await chooseRanges(connection, table, names, options);
    await retryLocked(connection, signal, () => createShadow(connection, table, names, ranges));
    await copyRows(connection, names, signal);
    await retryLocked(connection, signal, async (attempt) => {
      await followChanges(connection, names, signal);
      const maxChanges = Math.min(MAX_LOCKED_CHANGES * 2 ** (attempt - 1), MAX_LOCKED_CHANGES_AT_LAST);
      await swap(connection, table, names, ranges, maxChanges);
    });
    await retryLocked(connection, signal, () => dropRemains(connection, names));
  } finally {
    // Closed, because its lock belongs to the session.
    connection.release(true);
  }
}

async function loadNames(connection: pg.PoolClient, table: PartitionedTable): Promise<Names> {
  const { rows } = await connection.query<{ columns: string; key: string[] }>(
    `select string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
            (select array_agg(quote_ident(k.attname) order by array_position(x.indkey::int2[], k.attnum))
             from pg_index as x join pg_attribute as k on k.attrelid = x.indrelid
             where x.indrelid = $1::regclass and x.indisprimary
               and array_position(x.indkey::int2[], k.attnum) < x.indnkeyatts)::text[] as key
     from pg_attribute as a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`,
    [table],
  );
  const { columns, key } = rows[0] as { columns: string; key: string[] };
  return {
    current: `${table}_default`,
    shadow: `${table}_rebuild`,
    next: `${table}_rebuild_default`,
    old: `${table}_default_old`,
    changes: `${table}_default_changes`,
    trigger: `${table}_default_note_change`,
    columns,
    key,
  };
}

/** Drops what an interrupted rebuild has left. */
async function dropRemains(connection: pg.PoolClient, { shadow, old, changes, trigger }: Names): Promise<void> {
  await connection.query(
    `begin; set local lock_timeout = ${LOCK_TIMEOUT_MS};
     drop table if exists ${shadow}, ${old}, ${changes}; drop function if exists ${trigger}() cascade; commit`,
  );
}

/**
 * Returns the partitions to make: a month for recent rows, a year for earlier ones, so that their number stays small. Years
 * with few rows are left out.
 */
async function chooseRanges(
  connection: pg.PoolClient,
  table: PartitionedTable,
  { current }: Names,
  { firstMonth, lastMonth, months, maxLockedRows }: RebuildOptions,
): Promise<TimeRange[]> {
  const existing: TimeRange[] = await loadPartitions(connection, table);
  const overlaps = (range: TimeRange) => existing.some(({ from, to }) => from < range.to && range.from < to);
  const chosen: TimeRange[] = [];
  const add = (range: TimeRange) => {
    if (overlaps(range) || chosen.length === MAX_NEW_PARTITIONS) return;
    chosen.push(range);
    existing.push(range);
  };
  for (const month of months) add(monthRange(month));
  const counts = await countByMonth(connection, table, current);
  for (const [month, rows] of counts) {
    if (month < FIRST_MONTH || month > LAST_MONTH) continue;
    if (month >= firstMonth && month <= lastMonth) {
      add(monthRange(month));
      continue;
    }
    const january = month - (month % 12);
    const year = { from: monthRange(january).from, to: monthRange(january + 11).to };
    if (overlaps(year)) add(monthRange(month));
    else if (rows > maxLockedRows / 12) add(year);
  }
  return chosen;
}

/** Returns the number of rows in each month, those with most rows first. */
async function countByMonth(
  connection: pg.PoolClient,
  table: PartitionedTable,
  from: string,
): Promise<[month: number, rows: number][]> {
  const time =
    table === 'events'
      ? 'event_time'
      : `to_timestamp(('x' || substr(replace(${getPartitionKey(table)}::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0)`;
  const { rows } = await connection.query<{ month: Millis; rows: number }>(
    `select date_trunc('month', ${time}) as month, count(*) as rows from ${from} group by 1 order by 2 desc`,
  );
  return rows.map(({ month, rows: count }) => [monthNumber(month), count]);
}

/** Creates the new partitions, which no other session sees as such, and begins to note changes of the old one. */
async function createShadow(
  connection: pg.PoolClient,
  table: PartitionedTable,
  names: Names,
  ranges: readonly TimeRange[],
): Promise<void> {
  const { current, shadow, next, changes, trigger, key } = names;
  const like = (name: string) =>
    `create table ${name} (like ${table} including all)${STORAGE[table] ?? ''}; ${closeStatement(name)}`;
  await connection.query(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await connection.query(
    `create table ${shadow} (like ${table}) partition by range (${getPartitionKey(table)});
     ${like(next)}; alter table ${shadow} attach partition ${next} default;
     create table ${changes} as select ${key.join(', ')} from ${table} limit 0;
     create function ${trigger}() returns trigger language plpgsql as $$
     begin
       if tg_op <> 'INSERT' then insert into ${changes} values (${key.map((column) => `old.${column}`).join(', ')}); end if;
       if tg_op <> 'DELETE' then insert into ${changes} values (${key.map((column) => `new.${column}`).join(', ')}); end if;
       return null;
     end $$`,
  );
  for (const range of ranges) {
    const name = getPartitionName(table, range);
    // With the check, the rows are not read again when the partition is attached.
    await connection.query(
      `${like(name)};
       alter table ${name} add constraint ${name}_range check (${toRangeCondition(table, range)});
       alter table ${shadow} attach partition ${name} ${toBounds(table, range)}`,
    );
  }
  // Last, because writers wait from here to the commit. It waits for those that are under way.
  await connection.query(
    `create trigger ${trigger} after insert or update or delete on ${current} for each row execute function ${trigger}(); commit`,
  );
}

function toBounds(table: PartitionedTable, { from, to }: TimeRange): string {
  return `for values from (${toKeyLiteral(table, from)}) to (${toKeyLiteral(table, to)})`;
}

/** Copies all rows in order of their key, in pages. */
async function copyRows(
  connection: pg.PoolClient,
  { current, shadow, columns, key }: Names,
  signal: AbortSignal,
): Promise<void> {
  const order = key.join(', ');
  const last = key.map((column) => `${column}::text`).join(', ');
  let after: string[] | null = null;
  do {
    signal.throwIfAborted();
    const { rows }: pg.QueryResult<{ after: string[] }> = await connection.query(
      `with page as (
         select ${columns} from ${current} ${after ? `where (${order}) > (${key.map((_, index) => `$${index + 1}`).join(', ')})` : ''}
         order by ${order} limit ${MAX_PAGE_ROWS}
       ), copied as (
         insert into ${shadow} (${columns}) select ${columns} from page
       )
       select array[${last}] as after from page order by ${key.map((column) => `${column} desc`).join(', ')} limit 1`,
      after ?? [],
    );
    after = rows[0]?.after ?? null;
  } while (after !== null);
}

/** Repeats changes of the old partition in the new ones until few are left, each page in a transaction of its own. */
async function followChanges(connection: pg.PoolClient, names: Names, signal: AbortSignal): Promise<void> {
  // A page that is not full is all that there was; what came meanwhile takes two more.
  for (let lastPages = 3; lastPages > 0; ) {
    signal.throwIfAborted();
    await connection.query('begin');
    const applied = await applyChanges(connection, names, MAX_PAGE_ROWS);
    await connection.query('commit');
    if (applied < MAX_PAGE_ROWS) lastPages--;
  }
}

/** Repeats changes of the old partition in the new ones, in the open transaction; returns how many, at most `limit`. */
async function applyChanges(
  connection: pg.PoolClient,
  { current, shadow, changes, columns, key }: Names,
  limit: number,
): Promise<number> {
  const list = key.join(', ');
  const isSame = (one: string, other: string) =>
    key.map((column) => `${one}.${column} = ${other}.${column}`).join(' and ');
  await connection.query(
    `create temporary table changed (like ${changes}, n integer not null default 1) on commit drop`,
  );
  const { rows } = await connection.query<{ taken: number }>(
    `with taken as (
       delete from ${changes} where ctid = any (array(select ctid from ${changes} limit ${limit})) returning ${list}
     ), kept as (
       insert into changed (${list}) select distinct ${list} from taken
     )
     select count(*) as taken from taken`,
  );
  const taken = rows[0]?.taken ?? 0;
  if (taken === 0) return 0;
  await connection.query(
    `delete from ${shadow} as s using changed as c where ${isSame('s', 'c')} and ${selectivityHint('c.n')}`,
  );
  const given = columns
    .split(', ')
    .map((column) => `t.${column}`)
    .join(', ');
  await connection.query(
    `insert into ${shadow} (${columns}) select ${given} from changed as c join ${current} as t on ${isSame('t', 'c')}
     where ${selectivityHint('c.n')}`,
  );
  return taken;
}

/** Puts the new partitions in the place of the old one, in one transaction. */
async function swap(
  connection: pg.PoolClient,
  table: PartitionedTable,
  names: Names,
  ranges: readonly TimeRange[],
  maxChanges: number,
): Promise<void> {
  const { current, shadow, next, old, trigger } = names;
  await connection.query(
    `begin; set local lock_timeout = ${LOCK_TIMEOUT_MS};
     lock table only ${table}, only ${current} in access exclusive mode`,
  );
  const { rows } = await connection.query(`select from ${names.changes} offset ${maxChanges} limit 1`);
  if (rows.length > 0) throw new TooManyChanges();
  await applyChanges(connection, names, maxChanges);
  await connection.query(
    `alter table ${table} detach partition ${current}; alter table ${current} rename to ${old};
     drop trigger ${trigger} on ${old}`,
  );
  const moves = ranges.map((range) => {
    const name = getPartitionName(table, range);
    return `alter table ${shadow} detach partition ${name}; alter table ${table} attach partition ${name} ${toBounds(table, range)};`;
  });
  await connection.query(
    `${moves.join('\n')}
     alter table ${shadow} detach partition ${next}; alter table ${next} rename to ${current};
     alter table ${table} attach partition ${current} default;
     drop table ${shadow}; commit`,
  );
}

/** More has changed than can be applied under a lock. */
class TooManyChanges extends Error {}

/** Runs `work`, and again with growing pauses as long as a table is locked by others or changes too fast. */
async function retryLocked(
  connection: pg.PoolClient,
  signal: AbortSignal,
  work: (attempt: number) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await work(attempt);
    } catch (error) {
      await connection.query('rollback');
      const isWorthRetrying = error instanceof TooManyChanges || isLockFailure(error);
      if (!isWorthRetrying || attempt === MAX_SWAP_TRIES) throw error;
      const longest = doublePause(MIN_RETRY_PAUSE_MS, MAX_RETRY_PAUSE_MS, attempt);
      await pause(longest, undefined, { signal });
    }
  }
}
