import { DEFAULT_VARIANT } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

export const TEST_METRICS = ['delivered', 'opened', 'clicked', 'goal'] as const;
export type TestMetric = (typeof TEST_METRICS)[number];

/** An event of a user after the message that counts for its variant. */
export interface TestGoal {
  readonly event: string;
  /** Time (ms) after the message. */
  readonly within: Millis;
}

/** A test of variants. */
export interface TestRow {
  readonly id: string;
  readonly notificationType: string;
  readonly channel: Channel;
  readonly shares: { readonly [variant: string]: number };
  /** By which a winner is found. */
  readonly metric: TestMetric;
  readonly goal: TestGoal | null;
  /** Users of all variants together before which there is no winner. */
  readonly plannedUsers: number;
  readonly startedAt: Millis;
  /** Null: it is under way. */
  readonly endedAt: Millis | null;
}

const COLUMNS = `test_id as id, notification_type as "notificationType", channel, shares, metric,
  case when goal_event is null then null else json_build_object('event', goal_event, 'within', goal_within_ms) end as goal,
  planned_users as "plannedUsers", started_at as "startedAt", ended_at as "endedAt"`;

/** Returns the latest test of a notification type and channel; undefined: it never had one. */
export async function loadLatestTest(
  connection: Connection,
  tenantId: string,
  notificationType: string,
  channel: Channel,
): Promise<TestRow | undefined> {
  const { rows } = await connection.query<TestRow>(
    `select ${COLUMNS} from template_tests where tenant_id = $1 and notification_type = $2 and channel = $3
     order by started_at desc, test_id desc limit 1`,
    [tenantId, notificationType, channel],
  );
  return rows[0];
}

/** Stores a test that begins. The one before must have ended. */
export async function insertTest(connection: Connection, tenantId: string, test: TestRow): Promise<void> {
  const { id, notificationType, channel, shares, metric, goal, plannedUsers, startedAt } = test;
  await connection.query(
    `insert into template_tests (tenant_id, test_id, notification_type, channel, shares, metric, goal_event, goal_within_ms,
                                 planned_users, started_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      tenantId,
      id,
      notificationType,
      channel,
      JSON.stringify(shares),
      metric,
      goal?.event ?? null,
      goal?.within ?? null,
      plannedUsers,
      isoTime(startedAt),
    ],
  );
}

/** Ends the test of a notification type and channel. Returns its id; undefined: none was under way. */
export async function endTest(
  connection: Connection,
  tenantId: string,
  notificationType: string,
  channel: Channel,
  now: Millis,
): Promise<string | undefined> {
  const { rows } = await connection.query<{ id: string }>(
    `update template_tests set ended_at = greatest($4, started_at)
     where tenant_id = $1 and notification_type = $2 and channel = $3 and ended_at is null returning test_id as id`,
    [tenantId, notificationType, channel, isoTime(now)],
  );
  return rows[0]?.id;
}

/** Numbers of the users who were shown a variant. Each user counts once, by the first message. */
export interface VariantCounts {
  readonly variant: string;
  readonly users: number;
  readonly delivered: number;
  readonly opened: number;
  readonly clicked: number;
  readonly goal: number;
}

/** Messages of a test that are counted, at most: the first ones by id. */
const MAX_MESSAGES = 1_000_000;

/**
 * Counts the users of a test by variant. What a machine opened or clicked does not count.
 * @returns `isCut`: there are more messages than are counted
 */
export async function countVariants(
  connection: Connection,
  tenantId: string,
  { id, goal, startedAt }: TestRow,
): Promise<{ readonly counts: readonly VariantCounts[]; readonly isCut: boolean }> {
  const { rows } = await connection.query<VariantCounts & { readonly messages: number }>(
    `with shown as (
       select m.notification_id, m.channel, m.target, m.variant, m.rendered_at
       from messages as m where m.tenant_id = $1 and m.test_id = $2
       order by m.notification_id limit ${MAX_MESSAGES + 1}),
     first as (
       select distinct on (d.user_id) d.user_id, shown.variant, shown.rendered_at, d.receipt_state, d.receipt_flags
       from shown join deliveries as d
         on d.tenant_id = $1 and d.notification_id = shown.notification_id and d.channel = shown.channel and d.target = shown.target
       where d.status in ('sent', 'sandboxed')
       order by d.user_id, shown.rendered_at, shown.notification_id)
     select variant, count(*)::int as users,
            count(*) filter (where receipt_state in ('delivered', 'partly_delivered', 'complained'))::int as delivered,
            count(*) filter (where 'opened' = any(receipt_flags) or 'clicked' = any(receipt_flags))::int as opened,
            count(*) filter (where 'clicked' = any(receipt_flags))::int as clicked,
            count(*) filter (where $3::text is not null and exists (
              select from events as e
              where e.tenant_id = $1 and e.user_id = first.user_id and e.event_type = $3
                and e.event_time >= $5 and e.event_time >= first.rendered_at
                and e.event_time <= first.rendered_at + $4 * interval '1 millisecond'))::int as goal,
            (select count(*)::int from shown) as messages
     from first group by variant order by variant`,
    [tenantId, id, goal?.event ?? null, goal?.within ?? 0, isoTime(startedAt)],
  );
  return {
    counts: rows.map(({ messages: _, ...counts }) => counts),
    isCut: (rows[0]?.messages ?? 0) > MAX_MESSAGES,
  };
}

/** Returns the variants of a test in the order of its results: that without a name is first. */
export function listVariants({ shares }: Pick<TestRow, 'shares'>): string[] {
  const rank = (variant: string) => (variant === DEFAULT_VARIANT ? `0${variant}` : `1${variant}`);
  return Object.keys(shares).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
