import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { GAP_SLACK_MS, gapData, NOTE_GAP } from './gaps.ts';
import type { TopicKey } from './topics.ts';

/** Topics that messages are recorded for: those of catalogs, as far as they are allowed and have room. */

/** A tenant whose catalog writes topics, or did until lately. */
export interface WritingTenant {
  readonly tenantId: string;
  readonly written: readonly string[];
  readonly open: readonly string[];
  /** Topics for which too much waits. */
  readonly full: readonly string[];
  /** Whether `open` holds for long enough. */
  readonly isFresh: boolean;
  /** Another one: something has changed since it was listed. */
  readonly rowVersion: string;
}

/** Time (ms) for which topics are open after a process has looked at them. */
const OPEN_MS: Millis = 24 * 3_600_000;
const RENEW_MS: Millis = 23 * 3_600_000;

const TENANT_COLUMNS = `
  tenant_id, written_topics, open_topics, coalesce(open_until > $1, false) as is_fresh, a.xmin::text as row_version,
  array(select topic from kafka_topics as k where k.tenant_id = a.tenant_id and full_since is not null) as full_topics`;

/** Lists tenants whose catalogs write topics, in order of their ids, after `after`. */
export async function listWritingTenants(
  pool: pg.Pool,
  after: string,
  limit: number,
  now: Millis,
): Promise<WritingTenant[]> {
  const { rows } = await pool.query({
    name: 'list-writing-tenants',
    text: `select ${TENANT_COLUMNS} from active_catalogs as a
           where written_topics is not null and tenant_id > $2 order by tenant_id limit $3`,
    values: [isoTime(now + RENEW_MS), after, limit],
  });
  return rows.map(toWritingTenant);
}

/** Lists tenants whose topics are to be looked at: their catalog has changed, or the last look was long ago. */
export async function listDueTenants(pool: pg.Pool, limit: number, now: Millis): Promise<WritingTenant[]> {
  const { rows } = await pool.query({
    name: 'list-due-writing-tenants',
    text: `select ${TENANT_COLUMNS} from active_catalogs as a where topics_due_at <= $2 order by topics_due_at limit $3`,
    values: [isoTime(now + RENEW_MS), isoTime(now), limit],
  });
  return rows.map(toWritingTenant);
}

function toWritingTenant(row: {
  readonly tenant_id: string;
  readonly written_topics: string[] | null;
  readonly open_topics: string[] | null;
  readonly full_topics: string[];
  readonly is_fresh: boolean;
  readonly row_version: string;
}): WritingTenant {
  return {
    tenantId: row.tenant_id,
    written: row.written_topics ?? [],
    open: row.open_topics ?? [],
    full: row.full_topics,
    isFresh: row.is_fresh,
    rowVersion: row.row_version,
  };
}

/**
 * Opens these topics of a tenant, and closes its others. What is recorded from then on is for these. If no process has looked at
 * them for so long that they were closed, a message in each says what time it lacks. Without effect if something about the tenant
 * has changed since it was listed: it is still due then.
 */
export async function openTopics(
  pool: pg.Pool,
  { tenantId, rowVersion }: Pick<WritingTenant, 'tenantId' | 'rowVersion'>,
  topics: readonly string[],
  gapType: string,
  now: Millis,
): Promise<void> {
  await pool.query({
    name: 'open-kafka-topics',
    text: `with known as (
             insert into kafka_topics (tenant_id, topic) select $1, t from unnest($2::text[]) as t on conflict do nothing
           ), lapsed as materialized (
             select open_until, open_topics from active_catalogs
             where tenant_id = $1 and open_until <= $4 and xmin::text = $7 for update
           ), noted as (
             ${NOTE_GAP}
             select $1, m, t, 'gap', '', $5, m::text, $4, ${gapData('t', 'open_until', '$6::timestamptz')}, 200, $4
             from lapsed cross join lateral (
               select t, gen_random_uuid() as m from unnest(open_topics) as t where t = any ($2)
             ) as missed
           )
           update active_catalogs
           set open_topics = nullif($2::text[], '{}'), open_until = $3, topics_due_at = case when written_topics is not null then $8::timestamptz end
           where tenant_id = $1 and xmin::text = $7
             -- Read before the row is updated, by which it would be out of reach.
             and (select count(*) from lapsed) >= 0`,
    values: [
      tenantId,
      topics,
      isoTime(now + OPEN_MS),
      isoTime(now),
      gapType,
      isoTime(now + GAP_SLACK_MS),
      rowVersion,
      isoTime(now + OPEN_MS - RENEW_MS),
    ],
  });
}

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
             from was where exists (select from active_catalogs where tenant_id = $1 and $2 = any (written_topics))
           )
           update active_catalogs set open_topics = array_append(array_remove(open_topics, $2), $2), topics_due_at = '-infinity'
           where tenant_id = $1 and exists (select from was) and $2 = any (written_topics)`,
    values: [tenantId, topic, messageId, type, isoTime(now), isoTime(now + GAP_SLACK_MS)],
  });
  return rowCount !== 0;
}

/** Returns the topics of a tenant that messages are recorded for. */
export async function loadOpenTopics(connection: Pick<Connection, 'query'>, tenantId: string): Promise<string[]> {
  const { rows } = await connection.query(
    'select open_topics from active_catalogs where tenant_id = $1 and open_until > now()',
    [tenantId],
  );
  return rows[0]?.open_topics ?? [];
}
