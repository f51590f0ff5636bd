import type pg from 'pg';
import { type DeadLetterGroup, parseStoredGroup, toStoredGroup } from '../../model/dead-letter.ts';
import type { DeliveryStatus, Fault } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { type DeliveryView, SELECT_DELIVERY, toDeliveryView } from './delivery-views.ts';

/**
 * Dead letters by group, read from one index, whose rows are dead letters only: groups are found one after the other without
 * reading their rows, and counted up to a bound. What a page costs does not depend on the number of dead letters.
 */

/** Dead letters of a group that are counted. */
export const MAX_COUNTED_LETTERS = 10_000;
const MAX_SAMPLE = 3;
/** Dead letters of a group, the latest, whose users are counted. */
export const MAX_COUNTED_USERS_OF = 1000;

/** A group with what is known of its dead letters. Times are when they failed. */
export interface GroupSummary {
  readonly group: DeadLetterGroup;
  readonly count: number;
  /** Whether there are more: only MAX_COUNTED_LETTERS are counted. */
  readonly isAtLeast: boolean;
  /** Users among the latest MAX_COUNTED_USERS_OF of them. */
  readonly users: number;
  readonly firstAt: Millis;
  readonly lastAt: Millis;
  /** The latest, first. */
  readonly sample: readonly DeadLetterSample[];
}

/** A dead letter in few words, as the API shows it. */
export interface DeadLetterSample {
  readonly delivery_id: string;
  readonly user_id: string;
  readonly notification_type: string;
  readonly status: DeliveryStatus;
  readonly reason: string | null;
  readonly attempts_made: number;
  readonly finished_at: string;
}

/**
 * Lists groups in the order of their ids: by fault, channel, provider, account, reason and code.
 * @param fault null: all
 * @param after only groups after this one; null: from the first
 */
export async function listDeadLetterGroups(
  pool: pg.Pool,
  tenantId: string,
  fault: Fault | null,
  limit: number,
  after: DeadLetterGroup | null,
): Promise<GroupSummary[]> {
  const { rows } = await pool.query({
    name: 'dead-letter-groups',
    text: LIST_GROUPS,
    values: [
      tenantId,
      after === null ? (fault ?? '') : toStoredGroup(after),
      fault === null ? '~' : `${fault} `,
      limit,
    ],
  });
  return rows.flatMap(toSummary);
}

/** Returns one group; undefined: it has no dead letters. */
export async function loadDeadLetterGroup(
  pool: pg.Pool,
  tenantId: string,
  group: DeadLetterGroup,
): Promise<GroupSummary | undefined> {
  const { rows } = await pool.query({
    name: 'dead-letter-group',
    text: summarize('select $2::text collate "C" as dead_letter, 1 as n'),
    values: [tenantId, toStoredGroup(group)],
  });
  return rows.flatMap(toSummary)[0];
}

/** The place of a dead letter in its group. */
export interface LetterPosition {
  readonly finishedAt: Millis;
  readonly notificationId: string;
  readonly channel: string;
  readonly target: string;
}

/** Lists the dead letters of a group, the latest first. @param before only those before this one; null: from the latest */
export async function listDeadLetters(
  pool: pg.Pool,
  tenantId: string,
  group: DeadLetterGroup,
  limit: number,
  before: LetterPosition | null,
): Promise<DeliveryView[]> {
  const { rows } = await pool.query(
    `${SELECT_DELIVERY}
     where tenant_id = $1 and dead_letter = $2 and dead_letter is not null
       and (finished_at, notification_id, channel, target) < ($3::timestamptz, $4::uuid, $5::text, $6::text)
     order by tenant_id desc, dead_letter desc, finished_at desc, notification_id desc, channel desc, target desc limit $7`,
    [
      tenantId,
      toStoredGroup(group),
      before ? isoTime(before.finishedAt) : 'infinity',
      before?.notificationId ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      before?.channel ?? '~',
      before?.target ?? '',
      limit,
    ],
  );
  return rows.map(toDeliveryView);
}

/**
 * Returns the number of dead letters, over all tenants, that are the fault of this installation, and when the first of them
 * failed; undefined: no dead letter is.
 * @param most counted
 */
export async function countOurDeadLetters(
  pool: Connection,
  most: number,
): Promise<{ readonly count: number; readonly since: Millis } | undefined> {
  const { rows } = await pool.query<{ count: number; since: Millis | null }>(
    `select count(*)::int as count, min(finished_at) as since from (
       select finished_at from deliveries where split_part(dead_letter, E'\\x1f', 1) = 'us' order by finished_at limit $1
     ) as ours`,
    [most],
  );
  const row = rows[0];
  return row && row.since !== null ? { count: row.count, since: row.since } : undefined;
}

const OF_TENANT = 'tenant_id = $1 and dead_letter is not null';
/** Named whole, so that the order is that of the index. */
const EARLIEST = 'order by tenant_id, dead_letter, finished_at, notification_id, channel, target';
const LATEST =
  'order by tenant_id desc, dead_letter desc, finished_at desc, notification_id desc, channel desc, target desc';

/** @param groups a query for `dead_letter` and `n`, their order */
const summarize = (groups: string) => `
with recursive found as (${groups})
select found.dead_letter, counted.n as count, concerned.n as users, first.finished_at as first_at, latest.last_at, latest.sample
from found
cross join lateral (
  select count(*)::int as n from (
    select from deliveries where ${OF_TENANT} and dead_letter = found.dead_letter limit ${MAX_COUNTED_LETTERS + 1}
  ) as counting
) as counted
cross join lateral (
  select count(distinct user_id)::int as n from (
    select user_id from deliveries where ${OF_TENANT} and dead_letter = found.dead_letter ${LATEST} limit ${MAX_COUNTED_USERS_OF}
  ) as newest
) as concerned
cross join lateral (
  select finished_at from deliveries where ${OF_TENANT} and dead_letter = found.dead_letter ${EARLIEST} limit 1
) as first
cross join lateral (
  select max(finished_at) as last_at,
         json_agg(json_build_object(
           'delivery_id', concat_ws('.', notification_id, channel, nullif(target, '')), 'user_id', user_id,
           'notification_type', notification_type, 'status', status, 'reason', reason, 'attempts_made', attempts,
           'finished_at', to_char(finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))) as sample
  from (
    select * from deliveries where ${OF_TENANT} and dead_letter = found.dead_letter ${LATEST} limit ${MAX_SAMPLE}
  ) as newest
) as latest
order by found.n`;

/** Finds each group from the one before it by one probe of the index. */
const LIST_GROUPS = summarize(`
  (select dead_letter, 1 as n from deliveries
   where ${OF_TENANT} and dead_letter > $2 and dead_letter < $3 ${EARLIEST} limit 1)
  union all
  select next.dead_letter, found.n + 1 from found
  cross join lateral (
    select dead_letter from deliveries
    where ${OF_TENANT} and dead_letter > found.dead_letter and dead_letter < $3 ${EARLIEST} limit 1
  ) as next
  where found.n < $4`);

// biome-ignore lint/suspicious/noExplicitAny: a row of `summarize`, named column by column
function toSummary(row: any): GroupSummary[] {
  const group = parseStoredGroup(row.dead_letter);
  if (!group) return [];
  const isAtLeast = row.count > MAX_COUNTED_LETTERS;
  return [
    {
      group,
      count: Math.min(row.count, MAX_COUNTED_LETTERS),
      isAtLeast,
      users: row.users,
      firstAt: row.first_at,
      lastAt: row.last_at,
      sample: row.sample ?? [],
    },
  ];
}
