import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { TopicProblem } from '../../model/sink.ts';
import { isoTime } from '../../time/iso-time.ts';
import { FOUND } from './outbox.ts';
import type { TopicKey } from './topics.ts';

/** Turns of topics: each is a lane, of which one process at a time sends the messages. */

/** A topic that this process sends the messages of. */
export interface ClaimedTopic extends TopicKey {
  readonly fence: number;
  /** Failures in a row before this claim. */
  readonly failures: number;
  /** The last transaction whose messages were found to wait, at the claim. */
  readonly readyXid: string;
}

/** Topics with new messages that one statement finds. */
const MAX_FOUND = 1000;

/** Marks topics that have messages which no process has looked at. Costs what these topics are, however many others there are. */
export async function findReadyTopics(pool: pg.Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ found: number }>({
      name: 'find-ready-topics',
      text: FIND,
      values: [FOUND, MAX_FOUND],
    });
    if ((rows[0]?.found ?? 0) < MAX_FOUND) return;
  }
}

/** Each step goes to the next transaction and topic: a transaction with many messages for a topic is one step. */
const FIND = `
with recursive last as materialized (
  select coalesce((at ->> 0)::xid8, '0') as xid, coalesce(at ->> 1, '') collate "C" as tenant_id,
         coalesce(at ->> 2, '') collate "C" as topic
  from (select (select value::json from metadata where name = $1) as at) as stored
), found (xid, tenant_id, topic, n) as (
  select xid, tenant_id, topic, 0 from last
  union all
  select next.xid, next.tenant_id, next.topic, found.n + 1
  from found cross join lateral (
    select o.xid, o.tenant_id, o.topic from kafka_outbox as o
    where o.parked_at is null and (o.xid, o.tenant_id, o.topic) > (found.xid, found.tenant_id, found.topic)
      and o.xid < pg_snapshot_xmin(pg_current_snapshot())
    order by o.xid, o.tenant_id, o.topic limit 1
  ) as next
  where found.n < $2
), flagged as (
  insert into kafka_topics (tenant_id, topic, ready_xid)
  select distinct on (f.tenant_id, f.topic) f.tenant_id, f.topic, f.xid
  from found as f join tenants as t on t.tenant_id = f.tenant_id and t.status <> 'deleting'
  where f.n > 0 order by f.tenant_id, f.topic, f.xid desc
  on conflict (tenant_id, topic) do update
  set ready_xid = greatest(kafka_topics.ready_xid, excluded.ready_xid), measure_at = coalesce(kafka_topics.measure_at, '-infinity')
), noted as (
  insert into metadata (name, value)
  select $1, json_build_array(xid::text, tenant_id, topic)::text from found where n > 0 order by n desc limit 1
  on conflict (name) do update set value = excluded.value
)
select max(n) as found from found`;

/**
 * Claims topics of active tenants for `until - now` ms that have messages to send: those of tenants that have the fewest places,
 * then those that had their turn longest ago.
 * @param failing how many of them may have failed before: they take long
 */
export async function claimTopics(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  limit: number,
  failing: number,
): Promise<ClaimedTopic[]> {
  const { rows } = await pool.query<{
    tenant_id: string;
    topic: string;
    fence: number;
    failures: number;
    ready_xid: string;
  }>({
    name: 'claim-kafka-topics',
    text: CLAIM,
    values: [isoTime(now), isoTime(until), limit, failing],
  });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    topic: row.topic,
    fence: row.fence,
    failures: row.failures,
    readyXid: row.ready_xid,
  }));
}

/** Topics that a claim looks at: more than a tenant may have. */
const MAX_CANDIDATES = 200;

/** Returns the query of topics that may be claimed, those first that had their turn longest ago. */
const findDue = (failures: string, limit: string) => `
  select k.tenant_id, k.topic, k.served_at from kafka_topics as k join tenants as t on t.tenant_id = k.tenant_id and t.status = 'active'
  where k.failures ${failures} and k.ready_xid is not null and k.paused_at is null and k.retry_at <= $1
    and (k.claimed_until is null or k.claimed_until < $1)
  order by k.served_at limit ${limit}`;

const CLAIM = `
with due as materialized (
  (${findDue('= 0', String(MAX_CANDIDATES))})
  union all
  (${findDue('> 0', '$4')})
), busy as materialized (
  select tenant_id, count(*) as places from kafka_topics where claimed_until is not null and claimed_until >= $1 group by tenant_id
), ranked as materialized (
  select due.*, coalesce(busy.places, 0) + row_number() over (partition by due.tenant_id order by due.served_at) as place
  from due left join busy on busy.tenant_id = due.tenant_id
), chosen as materialized (
  select k.tenant_id, k.topic from ranked
  join kafka_topics as k on k.tenant_id = ranked.tenant_id and k.topic = ranked.topic
  where k.retry_at <= $1 and (k.claimed_until is null or k.claimed_until < $1)
  order by ranked.place, ranked.served_at limit $3 for update of k skip locked
)
update kafka_topics as k set fence = fence + 1, claimed_until = $2, served_at = $1
from chosen where k.tenant_id = chosen.tenant_id and k.topic = chosen.topic
returning k.tenant_id, k.topic, k.fence, k.failures, k.ready_xid`;

/** Whether messages wait that only transactions which are still open hold back. */
export async function hasHeldBack(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ held: boolean }>({
    name: 'find-held-back-messages',
    text: `select exists (
             select from kafka_outbox where parked_at is null and xid >= pg_snapshot_xmin(pg_current_snapshot())) as held`,
  });
  return rows[0]?.held === true;
}

/**
 * Ends a claim, unless another process has claimed the topic since.
 * @param isEmpty whether nothing waited at the end: then the topic is not claimed before new messages are found
 */
export async function releaseTopic(
  pool: pg.Pool,
  { tenantId, topic, fence, readyXid }: ClaimedTopic,
  isEmpty: boolean,
): Promise<void> {
  await pool.query({
    name: 'release-kafka-topic',
    text: `update kafka_topics set claimed_until = null, ready_xid = case when $4 then nullif(ready_xid, $5::xid8) else ready_xid end
           where tenant_id = $1 and topic = $2 and fence = $3`,
    values: [tenantId, topic, fence, isEmpty, readyXid],
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
