import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import { getSqlState } from './pg/errors.ts';
import { runPipelined, type Statement } from './pg/pipeline.ts';
import type { Connection } from './pg/pool.ts';
import { withTransactionRetry } from './pg/transaction.ts';

/** A partition that a tenant's source reads. */
export interface OffsetKey {
  /** The tenant whose catalog has the source. */
  readonly tenantId: string;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
}

/** The position of a partition. */
export interface OpenedOffset {
  /** The first record that is not decided. */
  readonly next: bigint;
  /** Positions of tenants that are ahead of it. */
  readonly ahead: ReadonlyMap<string, bigint>;
  /** Whether it was begun just now. */
  readonly isNew: boolean;
}

/** Begins all partitions of a topic of which none was ever read, each at its end. */
export async function beginTopic(
  pool: pg.Pool,
  { tenantId, topic, topicId }: Omit<OffsetKey, 'partition'>,
  at: readonly { readonly partition: number; readonly end: bigint }[],
  now: Millis,
): Promise<void> {
  await pool.query({
    name: 'begin-kafka-topic',
    text: `insert into kafka_offsets (tenant_id, topic, partition, topic_id, next_offset, end_offset, seen_at)
           select $1, $2, p, $3, e, e, $4 from json_to_recordset($5) as r(p integer, e bigint)
           where not exists (select from kafka_offsets where tenant_id = $1 and topic = $2)
           on conflict do nothing`,
    values: [
      ...[tenantId, topic, topicId, isoTime(now)],
      JSON.stringify(at.map(({ partition, end }) => ({ p: partition, e: String(end) }))),
    ],
  });
}

/**
 * Returns how far a partition is read. One that was never read, or whose topic was created again, is begun at its first record; positions of
 * tenants that are ahead of it end with the topic, or where it has lost records.
 * @param first the first record that the partition has: a position before it is moved there
 * @param end end of the partition: a position after it is moved there
 */
export async function openOffset(
  pool: pg.Pool,
  { tenantId, topic, partition, topicId }: OffsetKey,
  { first, end }: { readonly first: bigint; readonly end: bigint },
  now: Millis,
): Promise<OpenedOffset & { readonly lost: bigint }> {
  const { rows } = await pool.query<{ next_offset: string; old_offset: string | null; old_id: string | null }>({
    name: 'open-kafka-offset',
    text: `with old as (
             select topic_id, next_offset from kafka_offsets
             where tenant_id = $1 and topic = $2 and partition = $3 and for_tenant = ''
           ),
           over as (
             delete from kafka_offsets
             where tenant_id = $1 and topic = $2 and partition = $3 and for_tenant <> '' and (topic_id <> $4 or next_offset > $6)
           )
           insert into kafka_offsets as o (tenant_id, topic, partition, topic_id, next_offset, end_offset, seen_at)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (tenant_id, topic, partition, for_tenant) do update set
             topic_id = $4, end_offset = $6, seen_at = $7,
             next_offset = case when o.topic_id = $4 then greatest($5::bigint, least($6::bigint, o.next_offset)) else $5 end
           returning next_offset::text, (select next_offset from old)::text as old_offset, (select topic_id from old) as old_id`,
    values: [tenantId, topic, partition, topicId, String(first), String(end), isoTime(now)],
  });
  const row = rows[0]!;
  const next = BigInt(row.next_offset);
  const isNew = row.old_id !== topicId;
  const old = isNew || row.old_offset === null ? next : BigInt(row.old_offset);
  return {
    next,
    isNew,
    lost: next - old,
    ahead: isNew ? new Map() : await loadAhead(pool, { tenantId, topic, partition, topicId }),
  };
}

async function loadAhead(
  pool: pg.Pool,
  { tenantId, topic, partition, topicId }: OffsetKey,
): Promise<Map<string, bigint>> {
  const { rows } = await pool.query<{ for_tenant: string; next_offset: string }>({
    name: 'load-kafka-ahead',
    text: `select for_tenant, next_offset::text from kafka_offsets
           where tenant_id = $1 and topic = $2 and partition = $3 and topic_id = $4 and for_tenant <> ''`,
    values: [tenantId, topic, partition, topicId],
  });
  return new Map(rows.map((row) => [row.for_tenant, BigInt(row.next_offset)]));
}

/** A move of a position. */
export interface Move extends OffsetKey {
  /** The tenant of the records, if those of several are in the partition; empty: the position of the partition moves. */
  readonly forTenant: string;
  /** Position of the partition. */
  readonly base: bigint;
  readonly expected: bigint;
  readonly next: bigint;
}

/** Returns the statement that moves a position; it fails if the position is not the expected one: see `isMoved`. */
export function advanceStatement(move: Move): Statement {
  const { tenantId, topic, partition, topicId, forTenant, base, expected, next } = move;
  return {
    name: 'advance-kafka-offset',
    text: 'select advance_kafka_offset($1, $2, $3, $4, $5, $6, $7, $8)',
    values: [tenantId, topic, `${partition}`, topicId, forTenant, `${base}`, `${expected}`, `${next}`],
  };
}

/** Moves the position of a partition after those of all of its tenants, which are deleted. @throws an error as `advanceStatement` */
export async function advancePartition(pool: pg.Pool, move: Omit<Move, 'forTenant' | 'base'>): Promise<void> {
  const { tenantId, topic, partition, next } = move;
  await withTransactionRetry(pool, async (connection) => {
    await runPipelined(connection, [
      { name: 'begin', text: 'begin' },
      advanceStatement({ ...move, forTenant: '', base: move.expected }),
      {
        name: 'delete-kafka-ahead',
        text: `delete from kafka_offsets
               where tenant_id = $1 and topic = $2 and partition = $3 and for_tenant <> '' and next_offset <= $4`,
        values: [tenantId, topic, `${partition}`, `${next}`],
      },
      { name: 'commit', text: 'commit' },
    ]);
  });
}

/** Whether a transaction failed because another process has moved the position that it would have moved. */
export function isMoved(error: unknown): boolean {
  return getSqlState(error) === 'TD001';
}

/** Remembers the ends of partitions. */
export async function saveEnds(
  pool: pg.Pool,
  ends: readonly {
    readonly tenantId: string;
    readonly topic: string;
    readonly partition: number;
    readonly end: bigint;
  }[],
  now: Millis,
): Promise<void> {
  if (ends.length === 0) return;
  await pool.query({
    name: 'save-kafka-ends',
    text: `update kafka_offsets as o set end_offset = r.e, seen_at = $2
           from json_to_recordset($1) as r(t text, n text, p integer, e bigint)
           where o.tenant_id = r.t and o.topic = r.n and o.partition = r.p and o.for_tenant = ''`,
    values: [
      JSON.stringify(
        ends.map(({ tenantId, topic, partition, end }) => ({ t: tenantId, n: topic, p: partition, e: String(end) })),
      ),
      isoTime(now),
    ],
  });
}

/** The position of a partition, as shown. */
export interface OffsetView {
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: number;
  readonly end_offset: number | null;
  /** Records that wait, when the end was last seen. */
  readonly lag: number | null;
  readonly seen_at: string | null;
}

/** Lists the partitions of a tenant's sources, by topic and partition. */
export async function listOffsets(connection: Pick<Connection, 'query'>, tenantId: string): Promise<OffsetView[]> {
  const { rows } = await connection.query(
    `select topic, partition, next_offset, end_offset, seen_at from kafka_offsets
     where tenant_id = $1 and for_tenant = '' order by topic, partition limit ${MAX_LISTED}`,
    [tenantId],
  );
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    next_offset: Number(row.next_offset),
    end_offset: row.end_offset === null ? null : Number(row.end_offset),
    lag: row.end_offset === null ? null : Math.max(0, Number(row.end_offset) - Number(row.next_offset)),
    seen_at: isoTimeOrNull(row.seen_at),
  }));
}

const MAX_LISTED = 10_000;
/** Paused sources of a tenant, at most: those of earlier catalogs count. */
const MAX_PAUSED = 10_000;

/** Returns when each paused source of these tenants was paused, by tenant and source, separated by a line break. */
export async function loadPausedSources(
  connection: Pick<Connection, 'query'>,
  tenantIds: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await connection.query(
    `select p.tenant_id, p.source, p.paused_at from unnest($1::text[]) as q(tenant)
     cross join lateral (select tenant_id, source, paused_at from paused_sources where tenant_id = q.tenant limit ${MAX_PAUSED}) as p`,
    [tenantIds],
  );
  return new Map(rows.map((row) => [`${row.tenant_id}\n${row.source}`, isoTime(row.paused_at)]));
}

/** Pauses a source, or ends its pause, in the transaction of the caller. Returns whether that changed anything. */
export async function setSourcePaused(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  source: string,
  isPaused: boolean,
  now: Millis,
): Promise<boolean> {
  const { rowCount } = isPaused
    ? await connection.query(
        'insert into paused_sources (tenant_id, source, paused_at) values ($1, $2, $3) on conflict do nothing',
        [tenantId, source, isoTime(now)],
      )
    : await connection.query('delete from paused_sources where tenant_id = $1 and source = $2', [tenantId, source]);
  return rowCount !== 0;
}
