import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { MetricPeriods } from './counters.ts';

/*
 * The last bucket of a tenant that retention removed, of each grain that has a period: a fact about the tenant, in ms since 1970. A period that
 * was made longer does not bring back what was removed under a shorter one.
 */

/** Names of the facts; a space and the tenant follow. */
export const REMOVED_SUMS = {
  minute: 'removed_metric_minutes',
  hour: 'removed_metric_hours',
  day: 'removed_metrics',
} as const;

/** Returns the statement that notes removed rows of the roll-ups ("gone"), in the transaction that removes them. */
export function noteRemovedSums(grain: keyof typeof REMOVED_SUMS): string {
  return `
    insert into metadata as m (name, value)
    select '${REMOVED_SUMS[grain]} ' || tenant_id, (extract(epoch from max(bucket)) * 1000)::bigint::text from gone group by tenant_id
    on conflict (name) do update set value = excluded.value where m.value::bigint < excluded.value::bigint`;
}

/**
 * Returns the periods for which sums of a tenant are there: those that are set, shortened to what was not removed.
 * @param owner sees the facts about the database
 * @param now the time that the periods end at
 */
export async function loadKeptPeriods(
  owner: pg.Pool,
  tenantId: string,
  periods: MetricPeriods,
  now: Millis,
): Promise<MetricPeriods> {
  const { minute, hour, day } = REMOVED_SUMS;
  const { rows } = await owner.query<{ name: string; value: string }>({
    name: 'load-removed-sums',
    text: 'select name, value from metadata where name = any($1::text[])',
    values: [[minute, hour, day].map((name) => `${name} ${tenantId}`)],
  });
  const shorten = (period: Millis | null, name: string): Millis | null => {
    const last = rows.find((row) => row.name === `${name} ${tenantId}`)?.value;
    // The next bucket starts later than the last one that was removed.
    return last === undefined ? period : Math.min(period ?? Number.POSITIVE_INFINITY, now - (Number(last) + 1));
  };
  return {
    minute: shorten(periods.minute, minute),
    hour: shorten(periods.hour, hour),
    day: shorten(periods.day, day),
    week: shorten(periods.week, day),
  };
}
