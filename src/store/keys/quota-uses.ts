import type { Millis } from '../../model/event.ts';
import type { Connection } from '../pg/pool.ts';

/** Use of a quota that other processes do not know of yet. */
export interface QuotaUse {
  readonly id: string;
  /** Time in ms that the uses take up: uses times the interval between two. */
  readonly taken: number;
}

/**
 * Adds uses to the shared state of quotas. Returns that state by id: the time up to which the quota is taken, see
 * src/tenants/quotas.ts.
 * @param maxAhead time in ms; what is taken further ahead of now was noted by a wrong clock, and is forgotten
 */
export async function shareQuotaUses(
  connection: Connection,
  uses: readonly QuotaUse[],
  now: Millis,
  maxAhead: Millis,
): Promise<Map<string, Millis>> {
  const { rows } = await connection.query<{ id: string; taken_until: number }>({
    name: 'share-quota-uses',
    text: `insert into quotas as q (quota_id, taken_until)
           select id, $3 + taken from unnest($1::text[], $2::float8[]) as u (id, taken) order by id
           on conflict (quota_id) do update
             set taken_until = case when q.taken_until > $3 + $4 then $3 else greatest(q.taken_until, $3) end
                               + (excluded.taken_until - $3)
           returning quota_id as id, taken_until`,
    values: [uses.map(({ id }) => id), uses.map(({ taken }) => taken), now, maxAhead],
  });
  return new Map(rows.map(({ id, taken_until }) => [id, taken_until]));
}

/** Deletes the state of quotas that were not used since. */
export async function deleteIdleQuotas(connection: Connection, before: Millis): Promise<void> {
  await connection.query('delete from quotas where taken_until < $1', [before]);
}
