import type pg from 'pg';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

/** Deliveries of one priority that must not wait for those of others: of a tenant, and for webhooks of one of its endpoints. */
export interface Lane {
  /** 0 (URGENT) to 3 (LOW). */
  readonly priority: number;
  readonly name: string;
}

/** Returns the name of the lane of a delivery; as the function `delivery_lane` of the database. */
export function getLaneName(tenantId: string, channel: Channel, target: string): string {
  return CHANNEL_DESCRIPTORS[channel].hasTargetLanes ? `${tenantId}/${target}` : tenantId;
}

/** Returns the tenant of a lane. */
export function getLaneTenant(name: string): string {
  const slash = name.indexOf('/');
  return slash === -1 ? name : name.slice(0, slash);
}

/**
 * Returns the lanes of a channel that have deliveries due now, by priority and name. It takes an index probe for each lane with
 * open deliveries, however many there are in it.
 * @param after the lanes after this one; null: from the first
 * @param maxPriority of less urgent deliveries none
 * @param limit of lanes that are looked at, with deliveries that are due or not
 */
export async function findDueLanes(
  pool: pg.Pool,
  channel: Channel,
  after: Lane | null,
  maxPriority: number,
  limit: number,
  now: Millis,
): Promise<{
  readonly lanes: readonly Lane[] /** Null: there are no lanes after these. */;
  readonly last: Lane | null;
}> {
  const { rows } = await pool.query<{ priority: number; name: string; is_due: boolean; n: number }>({
    name: 'find-due-lanes',
    text: FIND,
    values: [channel, after?.priority ?? -1, after?.name ?? '', maxPriority, limit, isoTime(now)],
  });
  const lanes = rows.filter(({ is_due }) => is_due).map(({ priority, name }) => ({ priority, name }));
  const last = rows.length < limit ? null : (rows.at(-1) ?? null);
  return { lanes, last: last && { priority: last.priority, name: last.name } };
}

const LANE = 'delivery_lane(d.tenant_id, d.channel, d.target)';
const next = (after: string) => `
    select d.priority, ${LANE} as name from deliveries as d
    where d.finished_at is null and d.channel = $1 and (d.priority, ${LANE}) > (${after}) and d.priority <= $4
    order by d.priority, ${LANE} limit 1`;

const FIND = `
with recursive lane(priority, name, n) as (
  select q.priority, q.name, 1 from (${next('$2::smallint, $3::text')}) as q
  union all
  select q.priority, q.name, lane.n + 1 from lane cross join lateral (${next('lane.priority, lane.name')}) as q
  where lane.n < $5
)
-- A scalar: an "exists" may be planned as one scan of everything that is due.
select priority, name, n, (
  select true from deliveries as d
  where d.finished_at is null and d.channel = $1 and d.priority = lane.priority and ${LANE} = lane.name
    and d.due_at <= $6 and d.status = 'queued'
  limit 1) is not null as is_due
from lane order by n`;
