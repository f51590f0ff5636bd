import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { TopicProblem } from '../../model/sink.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { SENT_XID } from './outbox.ts';

/** Topics that Tidings writes: a lane each, of which one process at a time sends the messages. */

export interface TopicKey {
  readonly tenantId: string;
  readonly topic: string;
}

/** A topic that this process sends the messages of. */
export interface ClaimedTopic extends TopicKey {
  readonly fence: number;
  /** Failures in a row before this claim. */
  readonly failures: number;
}

/**
 * Claims topics of active tenants for `until - now` ms that have messages to send, those first that had their turn longest ago.
 * @param failing how many of them may have failed before: they take long
 */
export async function claimTopics(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  limit: number,
  failing: number,
): Promise<ClaimedTopic[]> {
  const { rows } = await pool.query<{ tenant_id: string; topic: string; fence: number; failures: number }>({
    name: 'claim-kafka-topics',
    text: CLAIM,
    values: [isoTime(now), isoTime(until), limit, failing],
  });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    topic: row.topic,
    fence: row.fence,
    failures: row.failures,
  }));
}

/** Condition for a topic with a message that may be sent. */
const HAS_WORK = `exists (
  select from kafka_outbox as o
  where o.tenant_id = k.tenant_id and o.topic = k.topic and o.parked_at is null
    and o.xid >= k.sent_xid and o.xid < pg_snapshot_xmin(pg_current_snapshot()))`;

const CLAIM = `
with ready as materialized (
  select k.tenant_id, k.topic, k.served_at, k.failures > 0 as is_failing,
         row_number() over (partition by k.failures > 0 order by k.served_at) as n
  from kafka_topics as k join tenants as t on t.tenant_id = k.tenant_id and t.status = 'active'
  where k.paused_at is null and k.retry_at <= $1 and (k.claimed_until is null or k.claimed_until < $1) and ${HAS_WORK}
), chosen as materialized (
  select k.tenant_id, k.topic from ready
  join kafka_topics as k using (tenant_id, topic)
  where (not is_failing or n <= $4) and k.retry_at <= $1 and (k.claimed_until is null or k.claimed_until < $1)
  order by ready.served_at limit $3 for update of k skip locked
)
update kafka_topics as k set fence = fence + 1, claimed_until = $2, served_at = $1
from chosen where k.tenant_id = chosen.tenant_id and k.topic = chosen.topic
returning k.tenant_id, k.topic, k.fence, k.failures`;

/** Whether messages wait that only transactions which are still open hold back. */
export async function hasHeldBack(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ held: boolean }>({
    name: 'find-held-back-topics',
    text: `select exists (
             select from kafka_topics as k
             where k.paused_at is null and k.failures = 0 and exists (
               select from kafka_outbox as o where o.tenant_id = k.tenant_id and o.topic = k.topic and o.parked_at is null
                 and o.xid >= pg_snapshot_xmin(pg_current_snapshot()))) as held`,
  });
  return rows[0]?.held === true;
}

/** Ends a claim, unless another process has claimed the topic since. */
export async function releaseTopic(pool: pg.Pool, { tenantId, topic, fence }: ClaimedTopic): Promise<void> {
  await pool.query({
    name: 'release-kafka-topic',
    text: 'update kafka_topics set claimed_until = null where tenant_id = $1 and topic = $2 and fence = $3',
    values: [tenantId, topic, fence],
  });
}

/** Ends a claim after a failure: the topic is tried again from `retryAt` on. */
export async function failTopic(
  pool: pg.Pool,
  { tenantId, topic, fence }: ClaimedTopic,
  problem: TopicProblem,
  now: Millis,
  retryAt: Millis,
): Promise<void> {
  await pool.query({
    name: 'fail-kafka-topic',
    text: `update kafka_topics set claimed_until = null, failures = failures + 1, retry_at = $5, problem = $4,
                  problem_since = case when problem is null then $6 else problem_since end
           where tenant_id = $1 and topic = $2 and fence = $3`,
    values: [tenantId, topic, fence, problem, isoTime(retryAt), isoTime(now)],
  });
}

/** Has topics that failed tried again now, because the brokers answer again. */
export async function retryTopics(pool: pg.Pool): Promise<void> {
  await pool.query({
    name: 'retry-kafka-topics',
    text: `update kafka_topics set retry_at = '-infinity', failures = 0, problem = null, problem_since = null
           where problem = 'brokers_away'`,
  });
}

/** A tenant whose catalog writes topics. */
export interface WritingTenant {
  readonly tenantId: string;
  readonly written: readonly string[];
  readonly open: readonly string[];
  /** Topics for which too much waits. */
  readonly full: readonly string[];
  /** Whether `open` holds for long enough. */
  readonly isFresh: boolean;
}

/** Time (ms) for which topics are open after a process has looked at them. */
const OPEN_MS: Millis = 24 * 3_600_000;
const RENEW_MS: Millis = 23 * 3_600_000;

/** Time (ms) that transactions which began before a topic was opened may take: they may lack it. */
const GAP_SLACK_MS: Millis = 60_000;

/** Beginning of a statement that writes messages which say what time their topics lack; and their data. */
const NOTE_GAP =
  'insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, type, event_id, at, data, bytes, created_at)';
const gapTime = (at: string) => `to_char(${at} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const gapData = (topic: string, since: string, until: string) =>
  `json_build_object('topic', ${topic}, 'since', ${gapTime(since)}, 'until', ${gapTime(until)})`;

/** Lists tenants whose catalogs write topics, in order of their ids, after `after`. */
export async function listWritingTenants(
  pool: pg.Pool,
  after: string,
  limit: number,
  now: Millis,
): Promise<WritingTenant[]> {
  const { rows } = await pool.query({
    name: 'list-writing-tenants',
    text: `select tenant_id, written_topics, open_topics, coalesce(open_until > $3, false) as is_fresh,
                  array(select topic from kafka_topics as k where k.tenant_id = a.tenant_id and full_since is not null) as full_topics
           from active_catalogs as a
           where written_topics is not null and tenant_id > $1 order by tenant_id limit $2`,
    values: [after, limit, isoTime(now + RENEW_MS)],
  });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    written: row.written_topics,
    open: row.open_topics ?? [],
    full: row.full_topics,
    isFresh: row.is_fresh,
  }));
}

/**
 * Opens these topics of a tenant, and closes its others. What is recorded from then on is for these. If no process has looked at
 * them for so long that they were closed, a message in each says what time it lacks.
 */
export async function openTopics(
  pool: pg.Pool,
  tenantId: string,
  topics: readonly string[],
  gapType: string,
  now: Millis,
): Promise<void> {
  await pool.query({
    name: 'open-kafka-topics',
    text: `with known as (
             insert into kafka_topics (tenant_id, topic) select $1, t from unnest($2::text[]) as t on conflict do nothing
           ), lapsed as materialized (
             select open_until, open_topics from active_catalogs where tenant_id = $1 and open_until <= $4 for update
           ), noted as (
             ${NOTE_GAP}
             select $1, m, t, 'gap', '', $5, m::text, $4, ${gapData('t', 'open_until', '$6::timestamptz')}, 200, $4
             from lapsed cross join lateral (
               select t, gen_random_uuid() as m from unnest(open_topics) as t where t = any ($2)
             ) as missed
           )
           update active_catalogs set open_topics = nullif($2::text[], '{}'), open_until = $3
           where tenant_id = $1 and written_topics is not null
             -- Read before the row is updated, by which it would be out of reach.
             and (select count(*) from lapsed) >= 0`,
    values: [tenantId, topics, isoTime(now + OPEN_MS), isoTime(now), gapType, isoTime(now + GAP_SLACK_MS)],
  });
}

/** Forgets topics of a tenant that its catalog no longer writes, once nothing of them waits. */
export async function forgetTopics(pool: pg.Pool, tenantId: string): Promise<void> {
  await pool.query({
    name: 'forget-kafka-topics',
    text: `delete from kafka_topics as k where tenant_id = $1
             and not exists (select from active_catalogs as a where a.tenant_id = $1 and k.topic = any (a.written_topics))
             and not exists (select from kafka_outbox as o where o.tenant_id = $1 and o.topic = k.topic and o.parked_at is null)
             and not exists (select from kafka_outbox as o where o.tenant_id = $1 and o.topic = k.topic and o.parked_at > '-infinity')`,
    values: [tenantId],
  });
}

/** A topic as it was measured. */
export interface MeasuredTopic extends TopicKey {
  /** Messages that wait, or were set aside, and their size. */
  readonly messages: number;
  readonly bytes: number;
  readonly isFull: boolean;
}

/**
 * Measures topics that were not measured since `before`, and stores what waits in each. Without a lock: a topic goes on meanwhile.
 * @param old messages that have waited for so long (ms) for a transaction to end are reported
 */
export async function measureTopics(
  pool: pg.Pool,
  now: Millis,
  before: Millis,
  limit: number,
  old: Millis,
): Promise<MeasuredTopic[]> {
  const { rows: due } = await pool.query<{ tenant_id: string; topic: string }>({
    name: 'begin-measuring-topics',
    text: `update kafka_topics as k set measured_at = $1
           from (select tenant_id, topic from kafka_topics where measured_at < $2 order by measured_at limit $3
                 for update skip locked) as due
           where k.tenant_id = due.tenant_id and k.topic = due.topic
           returning k.tenant_id, k.topic`,
    values: [isoTime(now), isoTime(before), limit],
  });
  const measured: MeasuredTopic[] = [];
  for (const { tenant_id: tenantId, topic } of due) {
    const { rows } = await pool.query({
      name: 'measure-kafka-topic',
      text: MEASURE,
      values: [tenantId, topic, isoTime(now - old)],
    });
    const { waiting, bytes, parked, parked_bytes: parkedBytes, oldest, held } = rows[0]!;
    const { rows: stored } = await pool.query<{ is_full: boolean }>({
      name: 'end-measuring-topic',
      text: `update kafka_topics set waiting = $3, waiting_bytes = $4, parked = $5, oldest_at = $6,
                    problem = case when $7 then coalesce(problem, 'open_transaction')
                                   when problem = 'open_transaction' then null else problem end,
                    problem_since = case when $7 then coalesce(problem_since, $8)
                                         when problem = 'open_transaction' then null else problem_since end
             where tenant_id = $1 and topic = $2
             returning full_since is not null as is_full`,
      values: [tenantId, topic, waiting, bytes, parked, isoTimeOrNull(oldest), held, isoTime(now)],
    });
    const isFull = stored[0]?.is_full === true;
    const kept = { messages: Number(waiting) + Number(parked), bytes: Number(bytes) + Number(parkedBytes) };
    measured.push({ tenantId, topic, ...kept, isFull });
  }
  return measured;
}

const MEASURE = `
select w.waiting, w.bytes, p.parked, p.bytes as parked_bytes, f.created_at as oldest,
       coalesce(f.is_held and f.created_at < $3, false) as held
from (
  select count(*) as waiting, coalesce(sum(bytes), 0) as bytes from kafka_outbox
  where tenant_id = $1 and topic = $2 and parked_at is null and xid >= ${SENT_XID}
) as w
cross join (
  select count(*) as parked, coalesce(sum(bytes), 0) as bytes from kafka_outbox
  where tenant_id = $1 and topic = $2 and parked_at > '-infinity'
) as p
left join lateral (
  select created_at, xid >= pg_snapshot_xmin(pg_current_snapshot()) as is_held from kafka_outbox
  where tenant_id = $1 and topic = $2 and parked_at is null and xid >= ${SENT_XID} order by xid, id limit 1
) as f on true`;

/** Closes a topic for which too much waits. */
export async function closeFull(pool: pg.Pool, { tenantId, topic }: TopicKey, now: Millis): Promise<void> {
  await pool.query({
    name: 'close-full-topic',
    text: `with closed as (
             update kafka_topics set full_since = $3 where tenant_id = $1 and topic = $2 and full_since is null
           )
           update active_catalogs set open_topics = nullif(array_remove(open_topics, $2), '{}') where tenant_id = $1`,
    values: [tenantId, topic, isoTime(now)],
  });
}

/**
 * Opens a topic again that was full, and writes a message which says what time it lacks. Returns false if another process did.
 * @param type of the message
 */
export async function endFull(
  pool: pg.Pool,
  { tenantId, topic }: TopicKey,
  messageId: string,
  type: string,
  now: Millis,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'end-full-topic',
    text: `with was as (
             select full_since from kafka_topics where tenant_id = $1 and topic = $2 and full_since is not null for update
           ), opened as (
             update kafka_topics set full_since = null where tenant_id = $1 and topic = $2 and full_since is not null
           ), noted as (
             ${NOTE_GAP}
             select $1, $3::uuid, $2, 'gap', '', $4, $3::uuid::text, $5, ${gapData('$2::text', 'full_since', '$6::timestamptz')}, 200, $5
             from was
           )
           update active_catalogs set open_topics = array_append(array_remove(open_topics, $2), $2)
           where tenant_id = $1 and exists (select from was) and $2 = any (written_topics)`,
    values: [tenantId, topic, messageId, type, isoTime(now), isoTime(now + GAP_SLACK_MS)],
  });
  return rowCount !== 0;
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
    `select topic, problem, problem_since, paused_at, full_since, published, waiting, waiting_bytes, oldest_at, parked,
            nullif(measured_at, '-infinity') as measured_at
     from kafka_topics where tenant_id = $1 order by topic limit ${MAX_LISTED}`,
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

/** Returns the topics of a tenant that messages are recorded for. */
export async function loadOpenTopics(connection: Pick<Connection, 'query'>, tenantId: string): Promise<string[]> {
  const { rows } = await connection.query(
    'select open_topics from active_catalogs where tenant_id = $1 and open_until > now()',
    [tenantId],
  );
  return rows[0]?.open_topics ?? [];
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
    full: number;
    parked: number;
    late: number;
  }>({
    name: 'find-topic-trouble',
    text: `select case when waiting > 0 and paused_at is null then problem end as problem, count(*)::int as n,
                  count(full_since)::int as full, sum(parked)::int as parked,
                  count(*) filter (where oldest_at < $1 and paused_at is null)::int as late
           from kafka_topics join tenants using (tenant_id) where tenants.status = 'active' group by 1`,
    values: [isoTime(late)],
  });
  const sum = (name: 'full' | 'parked' | 'late') => rows.reduce((total, row) => total + row[name], 0);
  return {
    problems: Object.fromEntries(rows.flatMap(({ problem, n }) => (problem === null ? [] : [[problem, n]]))),
    full: sum('full'),
    parked: sum('parked'),
    late: sum('late'),
  };
}
