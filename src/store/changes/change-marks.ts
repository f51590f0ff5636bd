import type pg from 'pg';
import type { ChangeTopic } from '../../model/change-topic.ts';

/** A topic whose marks the database has. */
export type MarkedTopic = Exclude<ChangeTopic, 'problems'>;

/** Deltas that are counted, at most: a tenant with more of them has traffic all the time. */
const MAX_COUNTED_DELTAS = 1000;
/** Jobs, batches and releases that are looked at: the latest, and the first of those that are not ended. */
const LATEST = 20;

/**
 * Transactions that counted something: those whose deltas were folded, and those whose deltas were not. Entries below the last fold are
 * not looked at, but for those of transactions that were open then: while one stays open for long, dead entries stay in the index.
 */
const TRAFFIC = `select concat_ws('.', coalesce(f.deltas, 0) + n, case when n = ${MAX_COUNTED_DELTAS} then latest end) as mark, f.deltas
  from (select 1) as one
  left join metric_folds as f on f.tenant_id = t.id
  cross join lateral (select count(*) as n, max(delta_id) as latest from (
    select delta_id from metric_deltas
    where tenant_id = t.id and delta_id > coalesce(f.last_delta - ${MAX_COUNTED_DELTAS}, 0)
    order by delta_id desc limit ${MAX_COUNTED_DELTAS}) as d) as c
  offset 0`;
const TRAFFIC_MARK = 'traffic.mark';

/** The latest command of an operator. */
const COMMAND = `(select entry_id::text from audit_log where tenant_id = t.id order by entry_id desc limit 1)`;

/** Returns what says whether the latest rows of a table have changed, and those that are not ended. */
const latest = (table: string, id: string, columns: string) =>
  `(select string_agg(concat_ws('.', ${id}, ${columns}), ' ') from (
     (select * from ${table} where tenant_id = t.id order by ${id} desc limit ${LATEST})
     union all
     (select * from ${table} where tenant_id = t.id and ended_at is null order by ${id} limit ${LATEST})) as l)`;

/**
 * A text for each topic that changes when something of a tenant changes, and hardly otherwise. Each is read from the end of an index,
 * whatever the traffic. Nothing is written for it: a tenant that none asks about costs nothing.
 */
const MARKS: { readonly [topic in MarkedTopic]: string } = {
  events: TRAFFIC_MARK,
  notifications: TRAFFIC_MARK,
  deliveries: TRAFFIC_MARK,
  dead_letters: TRAFFIC_MARK,
  metrics: 'traffic.deltas::text',
  waits: `concat_ws(' ', ${TRAFFIC_MARK}, ${COMMAND},
    (select concat_ws('.', began_at, wait_id) from waits where tenant_id = t.id and began_at > '-infinity'
     order by began_at desc, wait_id desc limit 1),
    (select concat_ws('.', due_at, wait_id) from waits
     where tenant_id = t.id and status = 'waiting' and trigger_time > '-infinity' and set_aside_at is null order by due_at limit 1))`,
  rejected: `concat_ws(' ', ${COMMAND}, (select concat_ws('.', last_at, rejected_id, times) from rejected_events where tenant_id = t.id
     order by last_at desc, rejected_id desc limit 1))`,
  jobs: latest('jobs', 'job_id', 'status, done, skipped, failed'),
  batches: latest('batches', 'batch_id', 'state, lines, next_line, per_second, counts'),
  catalog: `concat_ws(' ', ${COMMAND}, (select concat_ws('.', version, release) from active_catalogs as a where a.tenant_id = t.id))`,
  releases: latest('releases', 'release_id', 'state, share'),
  suppressions: `concat_ws(' ', ${COMMAND}, (select suppression_id from suppressions where tenant_id = t.id
     order by suppression_id desc limit 1))`,
  settings: COMMAND,
  audit_log: COMMAND,
};

/** Tenants of one statement. */
export const MAX_MARKED_TENANTS = 100;

/** Returns the marks of topics by tenant. @param tenantIds at most MAX_MARKED_TENANTS */
export async function readChangeMarks(
  pool: pg.Pool,
  tenantIds: readonly string[],
  topics: readonly MarkedTopic[],
): Promise<Map<string, ReadonlyMap<MarkedTopic, string>>> {
  const columns = topics.map((topic) => `${MARKS[topic]} as ${topic}`);
  const { rows } = await pool.query<{ id: string } & { [topic in MarkedTopic]?: string | null }>(
    `select t.id, ${columns.join(', ')} from unnest($1::text[]) as t(id)
     cross join lateral (${TRAFFIC}) as traffic`,
    [tenantIds],
  );
  return new Map(rows.map((row) => [row.id, new Map(topics.map((topic) => [topic, row[topic] ?? '']))]));
}
