import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/**
 * Pending waits by rule, from an index that has them in the order of rule and due time: rules are found one after the other without
 * reading their waits, and the waits of each are counted up to a bound, those due first.
 */

const HOUR: Millis = 3_600_000;
const HOURS = 24;
/** Rules that are listed, at most. */
const MAX_RULES = 1000;
/** Waits that are counted, over all rules, and of one rule. With many rules each has at least MIN_COUNTED. */
const MAX_COUNTED_TOGETHER = 100_000;
export const MAX_COUNTED_WAITS = 10_000;
const MIN_COUNTED = 500;

/** Pending waits of a rule. Times are ISO 8601. */
export interface WaitingInRule {
  readonly rule: string;
  readonly users: number;
  readonly waits: number;
  /** There are more: only those due first were counted. */
  readonly at_least: boolean;
  /** Waits whose time has come, and which have not been fired. */
  readonly overdue: number;
  /** Waits that are set aside until a command retries them. */
  readonly set_aside: number;
  readonly next_due_at: string;
  /** The oldest catalog version that one of them ends by. */
  readonly oldest_version: number;
  /** Due within each of the next 24 hours, the coming one first. */
  readonly due_by_hour: readonly number[];
}

/** Pending waits of a rule, as far as they are counted. */
export type CountedInRule = Pick<WaitingInRule, 'rule' | 'users' | 'waits' | 'at_least'>;

/** Counts the pending waits of these rules, in order of name; rules without waits are left out. */
export async function countWaiting(
  connection: Connection,
  tenantId: string,
  rules: readonly string[],
): Promise<CountedInRule[]> {
  if (rules.length === 0) return [];
  const most = Math.min(MAX_COUNTED_WAITS, Math.max(MIN_COUNTED, Math.floor(MAX_COUNTED_TOGETHER / rules.length)));
  const { rows } = await connection.query<{ rule: string; users: number; waits: number }>(
    `select q.rule, counted.* from unnest($2::text[]) as q(rule)
     cross join lateral (
       select count(*)::int as waits, count(distinct user_id)::int as users
       from (
         select user_id from waits where ${PENDING} and rule = q.rule order by tenant_id, rule, due_at limit $3::int + 1
       ) as first
     ) as counted
     where counted.waits > 0 order by q.rule collate "C"`,
    [tenantId, rules, most],
  );
  return rows.map(({ rule, users, waits }) => ({
    ...{ rule, users: Math.min(users, most), waits: Math.min(waits, most), at_least: waits > most },
  }));
}

/** Returns the pending waits of each rule, in order of name; rules without waits are left out. */
export async function listWaitingRules(
  connection: Connection,
  tenantId: string,
  now: Millis,
): Promise<WaitingInRule[]> {
  const { rows } = await connection.query({
    name: 'waiting-rules',
    text: LIST_RULES,
    values: [tenantId, isoTime(now), isoTime(now + HOURS * HOUR)],
  });
  return rows.map(({ next_due_at, hours, most, waits, ...row }) => ({
    ...row,
    waits: Math.min(waits, most),
    at_least: waits > most,
    next_due_at: isoTime(next_due_at),
    due_by_hour: Array.from({ length: HOURS }, (_, hour) => hours?.[String(hour + 1)] ?? 0),
  }));
}

/** The condition on catalog_version is that of the index: look-ups by user must not use it. */
const PENDING = `tenant_id = $1 and status = 'waiting' and catalog_version > 0`;

const LIST_RULES = `
with recursive rules as (
  (select rule, 1 as n from waits where ${PENDING} order by tenant_id, rule, due_at limit 1)
  union all
  select next.rule, rules.n + 1 from rules cross join lateral (
    select rule from waits where ${PENDING} and rule > rules.rule order by tenant_id, rule, due_at limit 1
  ) as next
  where rules.n < ${MAX_RULES}
), bound as (
  select least(${MAX_COUNTED_WAITS}, greatest(${MIN_COUNTED}, ${MAX_COUNTED_TOGETHER} / greatest(1, count(*)))) as most from rules
)
select rules.rule, bound.most::int, counted.*, strip.hours
from rules cross join bound
cross join lateral (
  select count(*)::int as waits, count(distinct user_id)::int as users, min(due_at) as next_due_at,
         min(catalog_version)::int as oldest_version, (count(*) filter (where due_at <= $2))::int as overdue,
         (count(*) filter (where set_aside_at is not null))::int as set_aside
  from (
    select user_id, due_at, catalog_version, set_aside_at from waits
    where ${PENDING} and rule = rules.rule order by tenant_id, rule, due_at limit bound.most + 1
  ) as first
) as counted
cross join lateral (
  select json_object_agg(hour, n) as hours from (
    select width_bucket(extract(epoch from due_at), extract(epoch from $2::timestamptz), extract(epoch from $3::timestamptz), ${HOURS}) as hour,
           count(*) as n
    from (
      select due_at from waits
      where ${PENDING} and rule = rules.rule and due_at > $2 and due_at < $3 order by tenant_id, rule, due_at limit bound.most
    ) as soon
    group by 1
  ) as by_hour
) as strip
order by rules.n`;
