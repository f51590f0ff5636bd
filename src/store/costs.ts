import type pg from 'pg';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import { uuidAt } from '../time/uuid-time.ts';

/** Days of one summary, at most. */
export const MAX_COST_DAYS = 93;
/** Rows of one summary, at most: the latest days. */
export const MAX_COST_ROWS = 10_000;
/** Messages that were decided so long before are looked at: they may have been sent only now. */
const MAX_DELAY_MS: Millis = 31 * DAY_MS;

export const COST_GROUPS = ['day', 'channel', 'provider', 'account', 'type'] as const;
export type CostGroup = (typeof COST_GROUPS)[number];

/** Costs of several messages together, in one currency. A field that is not grouped by is absent. */
export interface CostRow {
  /** In UTC, `YYYY-MM-DD`. */
  readonly day?: string;
  readonly channel?: Channel;
  readonly provider?: string;
  /** Null: that of the installation. */
  readonly account?: string | null;
  readonly type?: string;
  readonly currency: string;
  readonly amount: number;
  readonly messages: number;
  readonly parts: number;
}

export interface CostQuery {
  readonly tenantId: string;
  /** The first day and the day after the last one, as times. */
  readonly from: Millis;
  readonly to: Millis;
  readonly by: readonly CostGroup[];
}

const EXPRESSIONS: { readonly [group in CostGroup]: string } = {
  day: `to_char(started_at at time zone 'UTC', 'YYYY-MM-DD')`,
  channel: 'channel',
  provider: 'provider',
  account: 'account',
  type: 'notification_type',
};

/** Returns the costs of messages that were sent in a span, by currency and what `by` names; at most MAX_COST_ROWS. */
export async function summarizeCosts(pool: pg.Pool, { tenantId, from, to, by }: CostQuery): Promise<CostRow[]> {
  const columns = by.map((group) => `${EXPRESSIONS[group]} as "${group}"`);
  const positions = by.map((_, index) => index + 1);
  const order = by.map((group, index) => `${index + 1}${group === 'day' ? ' desc' : ''}`);
  const { rows } = await pool.query(
    `with billed as (
       select started_at, channel, provider, account, notification_type, parts, cost, currency from deliveries
       where tenant_id = $1 and notification_id >= $4 and started_at >= $2 and started_at < $3 and cost is not null
       union all
       select a.started_at, a.channel, a.provider, a.account, d.notification_type, a.parts, a.cost, a.currency
       from attempts as a join deliveries as d using (tenant_id, notification_id, channel, target)
       where a.tenant_id = $1 and a.notification_id >= $4 and a.started_at >= $2 and a.started_at < $3 and a.cost is not null
     )
     select ${[...columns, 'currency'].join(', ')}, sum(cost) as amount, count(*)::int as messages, sum(coalesce(parts, 1))::int as parts
     from billed group by ${[...positions, by.length + 1].join(', ')} order by ${[...order, by.length + 1].join(', ')}
     limit ${MAX_COST_ROWS}`,
    [tenantId, isoTime(from), isoTime(to), uuidAt(from - MAX_DELAY_MS)],
  );
  return rows.map(({ amount, ...row }) => ({ ...row, amount: Number(amount) }));
}
