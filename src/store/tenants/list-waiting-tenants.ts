import type pg from 'pg';

/** Tables whose rows wait for a worker that goes from tenant to tenant. Each has an index that begins with the tenant. */
export type TenantQueue = 'goal_events' | 'metric_deltas';

/** Returns tenants with rows in a queue, in order of id, after one of them; each is found by an index probe. */
export async function listWaitingTenants(
  pool: pg.Pool,
  queue: TenantQueue,
  after: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await pool.query<{ tenant_id: string }>({
    name: `list-tenants-of-${queue}`,
    text: `with recursive found as (
             (select tenant_id from ${queue} where tenant_id > $1 order by tenant_id limit 1)
             union all
             select (select q.tenant_id from ${queue} as q where q.tenant_id > found.tenant_id order by q.tenant_id limit 1)
             from found where found.tenant_id is not null
           )
           select tenant_id from found where tenant_id is not null limit $2`,
    values: [after, limit],
  });
  return rows.map(({ tenant_id: id }) => id);
}
