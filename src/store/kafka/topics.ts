import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { TopicProblem } from '../../model/sink.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Topics that Tidings writes, as an operator sees them. */

export interface TopicKey {
  readonly tenantId: string;
  readonly topic: string;
}

/** A topic that is written, as shown. */
export interface TopicView {
  readonly topic: string;
  readonly problem: TopicProblem | null;
  readonly problem_since: string | null;
  readonly paused_at: string | null;
  readonly full_since: string | null;
  readonly published: number;
  readonly waiting: number;
  readonly waiting_bytes: number;
  readonly oldest_at: string | null;
  readonly parked: number;
  /** Null: not yet. */
  readonly measured_at: string | null;
}

/** Topics of a tenant that are listed, at most. */
const MAX_LISTED = 1000;

/** Lists the topics of a tenant that were ever written, by name. */
export async function listTopics(connection: Pick<Connection, 'query'>, tenantId: string): Promise<TopicView[]> {
  const { rows } = await connection.query(
    `select topic, case when not is_over then problem end as problem, case when not is_over then problem_since end as problem_since,
            paused_at, full_since, published, waiting, waiting_bytes, oldest_at, parked,
            nullif(measured_at, '-infinity') as measured_at
     from kafka_topics
     -- Nothing has waited since the last problem: what waited was set aside and discarded.
     cross join lateral (select waiting = 0 and coalesce(measured_at > problem_since, false) as is_over) as o
     where tenant_id = $1 order by topic limit ${MAX_LISTED}`,
    [tenantId],
  );
  return rows.map((row) => ({
    topic: row.topic,
    problem: row.problem,
    problem_since: isoTimeOrNull(row.problem_since),
    paused_at: isoTimeOrNull(row.paused_at),
    full_since: isoTimeOrNull(row.full_since),
    published: Number(row.published),
    waiting: Number(row.waiting),
    waiting_bytes: Number(row.waiting_bytes),
    oldest_at: isoTimeOrNull(row.oldest_at),
    parked: row.parked,
    measured_at: isoTimeOrNull(row.measured_at),
  }));
}

/** Pauses a topic, or ends its pause, in the transaction of the caller. Returns whether that changed anything. */
export async function setTopicPaused(
  connection: Pick<Connection, 'query'>,
  { tenantId, topic }: TopicKey,
  isPaused: boolean,
  now: Millis,
): Promise<boolean> {
  const { rowCount } = isPaused
    ? await connection.query(
        `insert into kafka_topics as k (tenant_id, topic, paused_at) values ($1, $2, $3)
         on conflict (tenant_id, topic) do update set paused_at = $3 where k.paused_at is null`,
        [tenantId, topic, isoTime(now)],
      )
    : await connection.query(
        `update kafka_topics set paused_at = null, retry_at = '-infinity'
         where tenant_id = $1 and topic = $2 and paused_at is not null`,
        [tenantId, topic],
      );
  return rowCount !== 0;
}

/** Topics of all tenants that need attention, for a health report. */
export interface TopicTrouble {
  readonly problems: { readonly [problem in TopicProblem]?: number };
  /** Topics for which messages wait, though they are not paused. */
  readonly waiting: number;
  readonly full: number;
  readonly parked: number;
  /** Topics whose first message has waited too long, though they are not paused. */
  readonly late: number;
}

/** Counts topics of active tenants that need attention: those of others wait by command. @param late since when a message waits too long */
export async function findTopicTrouble(pool: pg.Pool, late: Millis): Promise<TopicTrouble> {
  const { rows } = await pool.query<{
    problem: TopicProblem | null;
    n: number;
    waiting: number;
    full: number;
    parked: number;
    late: number;
  }>({
    name: 'find-topic-trouble',
    text: `select case when waiting > 0 and paused_at is null then problem end as problem, count(*)::int as n,
                  count(*) filter (where waiting > 0 and paused_at is null)::int as waiting,
                  count(full_since)::int as full, sum(parked)::int as parked,
                  count(*) filter (where oldest_at < $1 and paused_at is null)::int as late
           from kafka_topics join tenants using (tenant_id)
           where tenants.status = 'active' and measure_at is not null group by 1`,
    values: [isoTime(late)],
  });
  const sum = (name: 'waiting' | 'full' | 'parked' | 'late') => rows.reduce((total, row) => total + row[name], 0);
  return {
    problems: Object.fromEntries(rows.flatMap(({ problem, n }) => (problem === null ? [] : [[problem, n]]))),
    waiting: sum('waiting'),
    full: sum('full'),
    parked: sum('parked'),
    late: sum('late'),
  };
}
