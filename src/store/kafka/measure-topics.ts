import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { SENT_XID } from './outbox.ts';
import type { TopicKey } from './topics.ts';

/** Looks at what waits for topics. */

/** A topic as it was measured. */
export interface MeasuredTopic extends TopicKey {
  /** Messages that wait, or were set aside, and their size. */
  readonly messages: number;
  readonly bytes: number;
  readonly isFull: boolean;
}

/**
 * Measures topics that are due, and stores what waits in each. Without a lock: a topic goes on meanwhile. One of which nothing is
 * left is not measured again before there are messages for it, and is forgotten if the catalog no longer writes it.
 * @param again when they are due again
 * @param old messages that have waited for so long (ms) for a transaction to end are reported
 */
export async function measureTopics(
  pool: pg.Pool,
  now: Millis,
  again: Millis,
  limit: number,
  old: Millis,
): Promise<MeasuredTopic[]> {
  const { rows: due } = await pool.query<{ tenant_id: string; topic: string; fence: number }>({
    name: 'begin-measuring-topics',
    text: `update kafka_topics as k set measured_at = $1, measure_at = $2
           from (select tenant_id, topic from kafka_topics where measure_at <= $1 order by measure_at limit $3
                 for update skip locked) as due
           where k.tenant_id = due.tenant_id and k.topic = due.topic
           returning k.tenant_id, k.topic, k.fence`,
    values: [isoTime(now), isoTime(again), limit],
  });
  const measured: MeasuredTopic[] = [];
  for (const { tenant_id: tenantId, topic, fence } of due) {
    const { rows } = await pool.query({
      name: 'measure-kafka-topic',
      text: MEASURE,
      values: [tenantId, topic, isoTime(now - old)],
    });
    const { waiting, bytes, parked, parked_bytes: parkedBytes, oldest, held } = rows[0]!;
    const kept = { messages: Number(waiting) + Number(parked), bytes: Number(bytes) + Number(parkedBytes) };
    const { rows: stored } = await pool.query<{ is_full: boolean; is_idle: boolean }>({
      name: 'end-measuring-topic',
      text: `update kafka_topics set waiting = $3, waiting_bytes = $4, parked = $5, oldest_at = $6,
                    problem = case when $7 then coalesce(problem, 'open_transaction')
                                   when problem = 'open_transaction' then null else problem end,
                    problem_since = case when $7 then coalesce(problem_since, $8)
                                         when problem = 'open_transaction' then null else problem_since end,
                    measure_at = case when $9 and ready_xid is null and full_since is null and fence = $10 then null else measure_at end
             where tenant_id = $1 and topic = $2
             returning full_since is not null as is_full, measure_at is null as is_idle`,
      values: [
        ...[tenantId, topic, waiting, bytes, parked, isoTimeOrNull(oldest), held, isoTime(now)],
        ...[kept.messages === 0, fence],
      ],
    });
    if (stored[0]?.is_idle) await forgetTopics(pool, tenantId);
    measured.push({ tenantId, topic, ...kept, isFull: stored[0]?.is_full === true });
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

/**
 * Looks at some topics of which nothing was left, and has those measured and sent that have messages all the same: messages that a
 * long transaction holds back are found in no other way. Returns the last topic; undefined: there are no more.
 */
export async function wakeIdleTopics(pool: pg.Pool, after: TopicKey, limit: number): Promise<TopicKey | undefined> {
  const { rows } = await pool.query<{ tenant_id: string; topic: string }>({
    name: 'wake-idle-topics',
    text: `with page as materialized (
             select tenant_id, topic, sent_xid from kafka_topics
             where (tenant_id, topic) > ($1, $2) and measure_at is null order by tenant_id, topic limit $3
           ), woken as (
             update kafka_topics as k set measure_at = '-infinity', ready_xid = coalesce(k.ready_xid, waiting.ready_xid)
             from page cross join lateral (
               select case when xid < pg_snapshot_xmin(pg_current_snapshot()) then xid end as ready_xid from kafka_outbox
               where tenant_id = page.tenant_id and topic = page.topic and parked_at is null and xid >= page.sent_xid
               order by xid, id limit 1
             ) as waiting
             where k.tenant_id = page.tenant_id and k.topic = page.topic
           )
           select tenant_id, topic from page order by tenant_id desc, topic desc limit 1`,
    values: [after.tenantId, after.topic, limit],
  });
  const [last] = rows;
  return last && { tenantId: last.tenant_id, topic: last.topic };
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
