import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import type { Connection } from './pool.ts';

/** Tables partitioned by the time inside their UUIDv7 key. */
export const TABLES_BY_ID = ['notifications', 'deliveries', 'attempts', 'messages', 'receipts'] as const;

/** A table that is partitioned by time. */
export type PartitionedTable = 'events' | (typeof TABLES_BY_ID)[number];

/** Storage settings of a partition; why deliveries have some is in sql/000001.sql. */
export const STORAGE: { readonly [table in PartitionedTable]?: string } = { deliveries: ' with (fillfactor = 40)' };

/**
 * Returns the statement that closes a partition to every login but the owner, whatever it was granted: the policies of
 * row-level security are those of the parent.
 */
export function closeStatement(partition: string): string {
  return `alter table ${partition} enable row level security`;
}

/** The rows of a partition: from the first time on, before the second. */
export interface TimeRange {
  readonly from: Millis;
  readonly to: Millis;
}

/** An attached partition other than the default one. */
export interface Partition extends TimeRange {
  readonly name: string;
}

/** Returns the column that a table is partitioned by. */
export function getPartitionKey(table: PartitionedTable): 'event_time' | 'notification_id' {
  return table === 'events' ? 'event_time' : 'notification_id';
}

/** Returns the smallest key of a time as a SQL literal. */
export function toKeyLiteral(table: PartitionedTable, time: Millis): string {
  return `'${table === 'events' ? isoTime(time) : uuidAt(time)}'`;
}

/** Returns a condition of SQL that holds for the rows of a range. */
export function toRangeCondition(table: PartitionedTable, { from, to }: TimeRange): string {
  const key = getPartitionKey(table);
  return `${key} >= ${toKeyLiteral(table, from)} and ${key} < ${toKeyLiteral(table, to)}`;
}

/** Returns the range of a month. */
export function monthRange(month: number): TimeRange {
  return { from: monthStart(month), to: monthStart(month + 1) };
}

/** Returns the name of the partition of a month, `events_2025_11`, or of a year, `events_2011`. */
export function getPartitionName(table: PartitionedTable, { from, to }: TimeRange): string {
  const isYear = monthNumber(to) - monthNumber(from) === 12;
  return `${table}_${isoTime(from)
    .slice(0, isYear ? 4 : 7)
    .replace('-', '_')}`;
}

/** Returns the number of the month of a time, counted from the year 0. */
export function monthNumber(time: Millis): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Returns the number of a month such as `2025-11`. */
export function parseMonth(month: string): number {
  return Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
}

function monthStart(month: number): Millis {
  return Date.UTC(Math.floor(month / 12), month % 12, 1);
}

/** Returns the partitions of a table but the default one, oldest first. */
export async function loadPartitions(connection: Connection, table: PartitionedTable): Promise<Partition[]> {
  const { rows } = await connection.query<{ name: string; bound: string }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
     from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = $1::regclass`,
    [table],
  );
  return rows
    .flatMap(({ name, bound }) => {
      const [, from, to] = /^FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)$/.exec(bound) ?? [];
      return from !== undefined && to !== undefined ? [{ name, from: parseKey(from), to: parseKey(to) }] : [];
    })
    .sort((a, b) => a.from - b.from);
}

/** Returns the time of a key in a bound: `2025-11-01 00:00:00+00`, or a UUIDv7. */
function parseKey(key: string): Millis {
  if (key.includes(':')) return Date.parse(key.replace(' ', 'T').replace(/\+00$/, 'Z'));
  return Number.parseInt(key.replace('-', '').slice(0, 12), 16);
}
