import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Numbers of what a tenant used. */
export interface UsageSum {
  readonly tenantId: string;
  readonly events: number;
  readonly decided: number;
  readonly sent: number;
}

/**
 * Sums up what tenants used, from the roll-ups by day: some rows for each tenant and day.
 * @param owner sees the rows of all tenants
 * @param from start of a day of UTC
 */
export async function sumUsage(owner: Connection, tenantIds: readonly string[], from: Millis): Promise<UsageSum[]> {
  const { rows } = await owner.query<UsageSum>(
    `select t.tenant_id as "tenantId", used.*
     from unnest($1::text[]) as t(tenant_id)
     cross join lateral (
       select coalesce(sum(events), 0)::float8 as events, coalesce(sum(decided), 0)::float8 as decided,
              coalesce(sum(sent + sandboxed), 0)::float8 as sent
       from metric_rollups as r
       where r.tenant_id = t.tenant_id and r.grain = 'day' and r.dimension = 'channel' and r.bucket >= $2
     ) as used`,
    [tenantIds, isoTime(from)],
  );
  return rows;
}
