import type pg from 'pg';
import { CONNECTOR_KINDS } from '../model/connector.ts';
import { CHANNELS, PRIORITIES } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { countOurDeadLetters } from './deliveries/dead-letters.ts';
import { ANOMALY_KINDS, countAnomalies } from './metrics/find-anomalies.ts';
import { TABLES_BY_ID } from './pg/partition-ranges.ts';
import type { Connection } from './pg/pool.ts';
import { countSetAside } from './waits/failed-waits.ts';

/**
 * Work and state of the whole installation, read with bounds: one process at a time does it for all (src/telemetry/metrics/collector.ts).
 * Counts end at MAX_COUNTED, and every statement after MAX_STATEMENT_MS.
 */

const MAX_COUNTED = 10_000;
const MAX_LETTERS = 1000;
const MAX_TOPICS = 100;
const MAX_ROWS = 100_000;
const MAX_STATEMENT_MS: Millis = 3000;
/** Positions in topics that were not looked at for so long are those of sources that are no more. */
const MAX_UNSEEN_MS: Millis = 900_000;
const COLLECTOR = 'metrics_collector';

/**
 * Makes a process the one that measures, or renews that, for `lease` ms. Returns false if another process is.
 * @param name of the process, without spaces
 */
export async function becomeCollector(connection: Connection, name: string, lease: Millis): Promise<boolean> {
  const { rowCount } = await connection.query({
    name: 'become-collector',
    text: `insert into metadata as m (name, value)
           values ('${COLLECTOR}', $1 || ' ' || (extract(epoch from clock_timestamp()) * 1000 + $2::float8)::bigint)
           on conflict (name) do update set value = excluded.value
           where split_part(m.value, ' ', 1) = $1
              or split_part(m.value, ' ', 2)::bigint < extract(epoch from clock_timestamp()) * 1000`,
    values: [name, lease],
  });
  return rowCount === 1;
}

/** Lets another process measure. */
export async function resignCollector(connection: Connection, name: string): Promise<void> {
  await connection.query(`delete from metadata where name = '${COLLECTOR}' and split_part(value, ' ', 1) = $1`, [name]);
}

/** A value, of the metric with this key in src/telemetry/metrics/definitions.ts. */
export interface Sample {
  readonly metric: string;
  readonly value: number;
  readonly labels?: { readonly [label: string]: string };
}

/** Parts of the measurement. What fails in one leaves the others as they are. */
export const MEASUREMENTS = {
  deliveries: measureDeliveries,
  work: measureWork,
  trouble: measureTrouble,
  partitions: measurePartitions,
  database: measureDatabase,
  volumes: measureVolumes,
} as const;

/** Makes one measurement, within its time. */
export async function measure(pool: pg.Pool, part: keyof typeof MEASUREMENTS, now: Millis): Promise<Sample[]> {
  const connection = await pool.connect();
  let failure: unknown = true;
  try {
    await connection.query('begin read only');
    await connection.query(`set local statement_timeout = ${MAX_STATEMENT_MS}`);
    const samples = await MEASUREMENTS[part](connection, now);
    await connection.query('commit');
    failure = undefined;
    return samples;
  } finally {
    if (failure) await connection.query('rollback').catch(() => {});
    connection.release();
  }
}

/** One probe of an index for each channel and priority, and the front of each channel for the exact age of its oldest. */
const DELIVERIES = `
select c.channel, p.priority, q.due, q.later,
       extract(epoch from $2::timestamptz - least(q.oldest, case when f.priority = p.priority then f.due_at end)) as age
from unnest($1::text[]) as c(channel)
cross join generate_series(0, ${PRIORITIES.length - 1}) as p(priority)
cross join lateral (
  select count(*) filter (where due_at <= $2)::int as due, count(*) filter (where due_at > $2)::int as later,
         min(due_at) filter (where due_at <= $2) as oldest
  from (
    select due_at from deliveries
    where finished_at is null and status = 'queued' and deliveries.channel = c.channel and deliveries.priority = p.priority
    limit ${MAX_COUNTED}
  ) as counted
) as q
left join lateral (
  select deliveries.priority, due_at from deliveries
  where finished_at is null and status = 'queued' and deliveries.channel = c.channel and due_at <= $2
  order by due_at limit 1
) as f on true`;

async function measureDeliveries(connection: Connection, now: Millis): Promise<Sample[]> {
  const { rows } = await connection.query<{
    channel: string;
    priority: number;
    due: number;
    later: number;
    age: string | null;
  }>(DELIVERIES, [CHANNELS, isoTime(now)]);
  return rows.flatMap(({ channel, priority: number, due, later, age }) => {
    const labels = { channel, priority: PRIORITIES[number] ?? 'LOW' };
    return [
      { metric: 'queueDepth', value: due, labels: { ...labels, state: 'due' } },
      { metric: 'queueDepth', value: later, labels: { ...labels, state: 'later' } },
      { metric: 'queueAge', value: Math.max(0, Number(age ?? 0)), labels },
    ];
  });
}

const countFront = (queue: string, table: string, dueAt: string, where: string) => `
select '${queue}' as queue, count(*)::int as due, extract(epoch from $1::timestamptz - min(at)) as age from (
  select ${dueAt} as at from ${table}
  where ${where} and ${dueAt} <= $1 and (claimed_until is null or claimed_until < $1) order by ${dueAt} limit ${MAX_COUNTED}
) as front`;

const WORK = [
  countFront('waits', 'waits', 'due_at', "status = 'waiting' and due_at > '-infinity' and set_aside_at is null"),
  countFront('schedules', 'schedules', 'next_at', 'true'),
  countFront('outbox', 'outbox_events', 'due_at', 'true'),
  countFront('webhook_facts', 'webhook_facts', 'due_at', 'true'),
  countFront('jobs', 'jobs', 'due_at', 'ended_at is null'),
  countFront('batches', 'batches', 'due_at', "ended_at is null and state <> 'draft' and state <> 'paused'"),
  countFront('connector_tasks', 'connector_tasks', 'due_at', 'ended_at is null'),
].join('\nunion all');

const countBy = (column: string, table: string) =>
  `select ${column} as label, count(*)::int as count
   from (select ${column} from ${table} where ended_at is null limit ${MAX_COUNTED}) as open group by 1`;

async function measureWork(connection: Connection, now: Millis): Promise<Sample[]> {
  const work = await connection.query<{ queue: string; due: number; age: string | null }>(WORK, [isoTime(now)]);
  const batches = await connection.query<{ label: string; count: number }>(countBy('state', 'batches'));
  const jobs = await connection.query<{ label: string; count: number }>(countBy('status', 'jobs'));
  const setAside = await countSetAside(connection, MAX_LETTERS);
  const tasks = await connection.query<{ kind: string; state: string; count: number }>(
    ['ended_at is null', `state = 'dead'`]
      .map((where) => `(select kind, state from connector_tasks where ${where} limit ${MAX_COUNTED})`)
      .reduce(
        (open, dead) =>
          `select kind, state, count(*)::int as count from (${open} union all ${dead}) as tasks group by 1, 2`,
      ),
  );
  const sources = await connection.query<{ topic: string; lag: number }>(
    `select topic, sum(greatest(0, end_offset - next_offset))::float8 as lag from kafka_offsets
     where for_tenant = '' and end_offset is not null and seen_at > $1 group by topic order by lag desc, topic limit ${MAX_TOPICS}`,
    [isoTime(now - MAX_UNSEEN_MS)],
  );
  const sinks = await connection.query<{ topic: string; lag: number; age: number }>(
    `select topic, sum(waiting)::float8 as lag,
            greatest(0, coalesce(max(extract(epoch from $1::timestamptz - oldest_at)), 0))::float8 as age
     from kafka_topics join tenants using (tenant_id) where tenants.status = 'active'
     group by topic order by lag desc, topic limit ${MAX_TOPICS}`,
    [isoTime(now)],
  );
  const trouble = await connection.query<{ parked: number; full: number }>(
    'select coalesce(sum(parked), 0)::int as parked, count(full_since)::int as full from kafka_topics',
  );
  const fill = (states: readonly string[], rows: readonly { label: string; count: number }[]) =>
    states.map((state) => ({ state, count: rows.find(({ label }) => label === state)?.count ?? 0 }));
  return [
    ...work.rows.flatMap(({ queue, due, age }) => [
      { metric: 'workDue', value: due, labels: { queue } },
      { metric: 'workAge', value: Math.max(0, Number(age ?? 0)), labels: { queue } },
    ]),
    ...fill(['draft', 'running', 'paused'], batches.rows).map(({ state, count }) => {
      return { metric: 'batches', value: count, labels: { state } };
    }),
    ...fill(['pending', 'running'], jobs.rows).map(({ state, count }) => {
      return { metric: 'jobs', value: count, labels: { status: state } };
    }),
    ...CONNECTOR_KINDS.flatMap((kind) =>
      ['open', 'dead'].map((state) => {
        const value = tasks.rows.find((row) => row.kind === kind && row.state === state)?.count ?? 0;
        return { metric: 'connectorTasks', value, labels: { kind, state } };
      }),
    ),
    ...sources.rows.map(({ topic, lag }) => ({ metric: 'sourceLag', value: lag, labels: { topic } })),
    ...sinks.rows.flatMap(({ topic, lag, age }) => [
      { metric: 'outboxLag', value: lag, labels: { topic } },
      { metric: 'outboxAge', value: age, labels: { topic } },
    ]),
    { metric: 'outboxParked', value: trouble.rows[0]?.parked ?? 0 },
    { metric: 'outboxFull', value: trouble.rows[0]?.full ?? 0 },
    { metric: 'waitsSetAside', value: setAside?.count ?? 0 },
  ];
}

async function measureTrouble(connection: Connection): Promise<Sample[]> {
  const circuits = await connection.query<{ provider: string; of: string; count: number }>(
    `select provider, case when domain is not null then 'domain' when account is null then 'installation' else 'account' end as of,
            count(*)::int as count
     from (select provider, domain, account from circuits limit ${MAX_ROWS}) as open group by 1, 2`,
  );
  const endpoints = await connection.query<{ state: string; count: number }>(
    `select case when state = 'disabled' then 'disabled' when failing_since is not null then 'failing' else 'active' end as state,
            count(*)::int as count
     from (select state, failing_since from webhook_endpoints limit ${MAX_ROWS}) as listed group by 1`,
  );
  const ours = await countOurDeadLetters(connection, MAX_LETTERS);
  return [
    ...circuits.rows.map(({ provider, of, count }) => ({ metric: 'circuits', value: count, labels: { provider, of } })),
    ...['active', 'failing', 'disabled'].map((state) => {
      const value = endpoints.rows.find((row) => row.state === state)?.count ?? 0;
      return { metric: 'endpoints', value, labels: { state } };
    }),
    { metric: 'ourDeadLetters', value: ours?.count ?? 0 },
  ];
}

const HOUR_MS: Millis = 3_600_000;
/** Time after which everything of an hour is counted. */
const FOLDED_AFTER_MS: Millis = 60_000;

/** Returns the end of the last hour whose volumes can be compared. */
export function toComparedHour(now: Millis): Millis {
  return Math.floor((now - FOLDED_AFTER_MS) / HOUR_MS) * HOUR_MS;
}

async function measureVolumes(connection: Connection, now: Millis): Promise<Sample[]> {
  const counts = await countAnomalies(connection, toComparedHour(now));
  return ANOMALY_KINDS.map((kind) => ({ metric: 'anomalies', value: counts[kind], labels: { kind } }));
}

const TABLES = ['events', ...TABLES_BY_ID] as const;

async function measurePartitions(connection: Connection, now: Millis): Promise<Sample[]> {
  const { rows } = await connection.query<{ table: string; count: number; ends: string | null }>(
    `select p.relname as table, count(*)::int as count,
            max(to_date(substring(c.relname from '_(\\d{4}_\\d\\d)$'), 'YYYY_MM') + interval '1 month')::text as ends
     from pg_inherits as i join pg_class as p on p.oid = i.inhparent join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = any ($1::text[]::regclass[]) group by 1`,
    [TABLES],
  );
  const samples: Sample[] = rows.flatMap(({ table, count, ends }) => {
    const ahead = ends === null ? 0 : (Date.parse(`${ends.slice(0, 10)}T00:00:00Z`) - now) / 1000;
    return [
      { metric: 'partitions', value: count, labels: { table } },
      { metric: 'partitionsAhead', value: ahead, labels: { table } },
    ];
  });
  for (const table of TABLES) {
    const found = await connection.query<{ used: boolean }>(
      `select exists (select from ${table}_default limit 1) as used`,
    );
    samples.push({ metric: 'defaultPartition', value: found.rows[0]?.used ? 1 : 0, labels: { table } });
  }
  return samples;
}

async function measureDatabase(connection: Connection): Promise<Sample[]> {
  const { rows } = await connection.query<{ [metric: string]: string | number | null }>(
    `select pg_database_size(current_database()) as "databaseSize",
            (select age(datfrozenxid) from pg_database where datname = current_database()) as "transactionIds",
            (select extract(epoch from clock_timestamp() - min(xact_start)) from pg_stat_activity
             where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()) as "oldestTransaction",
            (select count(*) from pg_stat_activity where backend_type = 'client backend') as "serverConnections",
            current_setting('max_connections')::int as "serverConnectionsMax"`,
  );
  return Object.entries(rows[0] ?? {}).map(([metric, value]) => ({ metric, value: Math.max(0, Number(value ?? 0)) }));
}
