import type pg from 'pg';
import type { DeliveryStatus } from '../../model/delivery.ts';
import type { DeliveryId } from '../../model/delivery-id.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import { currentHoldAt } from './current-hold.ts';
import { DELIVERY_COLUMNS, type DeliveryView, toDeliveryView } from './delivery-views.ts';

/**
 * Deliveries by a filter, and how many there are of each value. No index has the fields of a filter: a request looks at the newest
 * deliveries of its span, up to a bound, in the order of their ids. So what it costs does not depend on how many there are.
 */

/** Deliveries that a request looks at, matching or not. */
export const MAX_EXAMINED_DELIVERIES = 20_000;
/** Values of a field that are counted, those with the most deliveries. */
const MAX_COUNTED_VALUES = 50;

/** Fields of a delivery that a filter may ask for, and by whose values deliveries are counted. A hold that is over is no value. */
export const COUNTED_FIELDS = [
  'status',
  'notification_type',
  'channel',
  'provider',
  'reason_code',
  'receipt_state',
  'hold_code',
] as const;
export type CountedField = (typeof COUNTED_FIELDS)[number];

/** Deliveries that have all of these; null matches every one. */
export type DeliveryListFilter = { readonly [field in CountedField]: string | null } & {
  /** Created at or after this time. */
  readonly since: Millis | null;
  /** Created before this time. */
  readonly until: Millis | null;
};

export interface DeliveryList {
  readonly deliveries: DeliveryView[];
  /** The delivery after which the list goes on, which may be one that did not match; null: this is the end. */
  readonly last: DeliveryId | null;
}

/**
 * Returns deliveries, newest first. Fewer than `limit`, although the list goes on, if the newest MAX_EXAMINED_DELIVERIES have no more
 * that match.
 * @param now when a hold must not be over, in ms
 * @param before only deliveries created before this one; null: from the newest
 */
export async function listDeliveries(
  pool: pg.Pool,
  tenantId: string,
  filter: DeliveryListFilter,
  now: Millis,
  limit: number,
  before: DeliveryId | null,
): Promise<DeliveryList> {
  const from = `deliveries where ${SPAN} ${findIndexCondition(filter)} ${NEWEST}`;
  const span = spanValues(tenantId, filter, before);
  const { rows } = await pool.query(
    `select ${DELIVERY_COLUMNS} from (select * from ${from} limit ${MAX_EXAMINED_DELIVERIES}) as deliveries
     where ${MATCHES} ${NEWEST} limit $16`,
    [...span, ...filterValues(filter), isoTime(now), limit],
  );
  const deliveries = rows.map(toDeliveryView);
  if (rows.length === limit) return { deliveries, last: toId(rows.at(-1)) };
  // Without a filter, a short page is the last one.
  const isNarrowed = Object.values(filter).some((value) => value !== null);
  return { deliveries, last: isNarrowed ? await findEnd(pool, from, span) : null };
}

/** Returns the last delivery that was looked at; null: there are no more after it. */
async function findEnd(pool: pg.Pool, from: string, span: readonly unknown[]): Promise<DeliveryId | null> {
  const { rows } = await pool.query(
    `select notification_id, channel, target from ${from} offset ${MAX_EXAMINED_DELIVERIES - 1} limit 1`,
    [...span],
  );
  return toId(rows[0]);
}

// biome-ignore lint/suspicious/noExplicitAny: a row with the columns of the key
function toId(row: any): DeliveryId | null {
  return row === undefined ? null : { notificationId: row.notification_id, channel: row.channel, target: row.target };
}

/** The values of a field with how many deliveries have each, the most frequent first. */
export type ValueCounts = readonly { readonly value: string; readonly count: number }[];

export interface DeliveryCounts {
  /** Deliveries that match the whole filter. */
  readonly total: number;
  /** By field: deliveries that match the filter but for this field. */
  readonly counts: { readonly [field in CountedField]: ValueCounts };
  /** Created at or after this time (ISO 8601), deliveries are counted; null: all of the span are. */
  readonly since: string | null;
}

/**
 * Counts deliveries by the values of each field, among the newest MAX_EXAMINED_DELIVERIES of the span, as many of those that ended
 * without being sent, and as many of those with a hold: what failed or is held is rare, and is what one looks for.
 * @param now when a hold must not be over, in ms
 */
export async function countDeliveries(
  pool: pg.Pool,
  tenantId: string,
  filter: DeliveryListFilter,
  now: Millis,
): Promise<DeliveryCounts> {
  const { rows } = await pool.query<Combination & { readonly reaches: Millis | null }>({
    name: 'count-deliveries',
    text: `
      with recent as materialized (
        select ${COUNTED_COLUMNS}, finished_at is not null and started_at is null or hold_code is not null as is_apart
        from deliveries where ${SPAN} ${NEWEST} limit ${MAX_EXAMINED_DELIVERIES + 1}
      ), stopped as materialized (
        select ${COUNTED_COLUMNS} from deliveries where ${SPAN} ${IN_STOPPED} ${NEWEST} limit ${MAX_EXAMINED_DELIVERIES + 1}
      ), held as materialized (
        select ${COUNTED_COLUMNS} from deliveries where ${SPAN} ${IN_HELD} ${NEWEST} limit ${MAX_EXAMINED_DELIVERIES + 1}
      ), reach as (
        select greatest(
          (select min(created_at) from recent having count(*) > ${MAX_EXAMINED_DELIVERIES}),
          (select min(created_at) from stopped having count(*) > ${MAX_EXAMINED_DELIVERIES}),
          (select min(created_at) from held having count(*) > ${MAX_EXAMINED_DELIVERIES})) as reaches
      ), combinations as (
        select ${COUNTED_FIELDS.join(', ')}, count(*)::int as n
        from (
          select ${COUNTED_FIELDS.join(', ')}, created_at from recent where not is_apart
          union all select * from stopped union all select * from held
        ) as deliveries
        where ${IN_SPAN} group by ${COUNTED_FIELDS.join(', ')}
      )
      select combinations.*, reaches from reach left join combinations on true`,
    values: [...spanValues(tenantId, filter, null), ...spanTimes(filter), isoTime(now)],
  });
  const combinations = rows.filter(({ n }) => n !== null);
  return {
    total: sum(combinations.filter((one) => COUNTED_FIELDS.every((field) => hasValue(one, filter, field)))),
    counts: Object.fromEntries(
      COUNTED_FIELDS.map((field) => [field, countValues(combinations, filter, field)]),
    ) as DeliveryCounts['counts'],
    since: isoTimeOrNull(rows[0]?.reaches ?? null),
  };
}

/** Deliveries with the same values of all fields. */
type Combination = { readonly [field in CountedField]: string | null } & { readonly n: number };

function countValues(
  combinations: readonly Combination[],
  filter: DeliveryListFilter,
  field: CountedField,
): ValueCounts {
  const others = COUNTED_FIELDS.filter((one) => one !== field);
  const counts = new Map<string, number>();
  for (const one of combinations) {
    const value = one[field];
    if (value === null || !others.every((other) => hasValue(one, filter, other))) continue;
    counts.set(value, (counts.get(value) ?? 0) + one.n);
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, MAX_COUNTED_VALUES);
}

function hasValue(one: Combination, filter: DeliveryListFilter, field: CountedField): boolean {
  return filter[field] === null || filter[field] === one[field];
}

function sum(combinations: readonly Combination[]): number {
  return combinations.reduce((total, { n }) => total + n, 0);
}

/**
 * The conditions of the partial indexes on deliveries by tenant: statements are planned without their parameters, so they stand in the text.
 * That of the queue is not by tenant: with it, a request would read all that a tenant ever had, or all that waits of others.
 */
const IN_STOPPED = 'and finished_at is not null and started_at is null';
const IN_HELD = 'and hold_code is not null';
const INDEX_CONDITION_BY_STATUS: { readonly [status in DeliveryStatus]?: string } = {
  undeliverable: IN_STOPPED,
  dropped: IN_STOPPED,
  dead: IN_STOPPED,
  in_doubt: IN_STOPPED,
  cancelled: IN_STOPPED,
};

function findIndexCondition({ status, hold_code: hold }: DeliveryListFilter): string {
  if (hold !== null) return IN_HELD;
  return status === null ? '' : (INDEX_CONDITION_BY_STATUS[status as DeliveryStatus] ?? '');
}

const COUNTED_COLUMNS = `${COUNTED_FIELDS.map((field) => (field === 'hold_code' ? `${currentHoldAt('$8')} as hold_code` : field)).join(', ')}, created_at`;
const NEWEST = 'order by notification_id desc, channel desc, target desc';
const SPAN = `tenant_id = $1 and (notification_id, channel, target) < ($2::uuid, $3::text, $4::text) and notification_id >= $5::uuid`;
const IN_SPAN = '($6::timestamptz is null or created_at >= $6) and ($7::timestamptz is null or created_at < $7)';
const MATCHES = `${IN_SPAN} and ($8::text is null or status = $8) and ($9::text is null or notification_type = $9)
       and ($10::text is null or channel = $10) and ($11::text is null or provider = $11) and ($12::text is null or reason_code = $12)
       and ($13::text is null or receipt_state = $13) and ($14::text is null or ${currentHoldAt('$15')} = $14)`;

/** Time in ms by which a delivery may be created after its id was drawn. */
const ID_AHEAD_MS = 60_000;

/** Returns the parameters $1 to $5: only the ids that a span of time can have. */
function spanValues(
  tenantId: string,
  { since, until }: Pick<DeliveryListFilter, 'since' | 'until'>,
  before: DeliveryId | null,
): unknown[] {
  const newest = until === null ? 'ffffffff-ffff-ffff-ffff-ffffffffffff' : uuidAt(until);
  const oldest = uuidAt(since === null ? 0 : since - ID_AHEAD_MS);
  return [tenantId, before?.notificationId ?? newest, before?.channel ?? '', before?.target ?? '', oldest];
}

/** Returns the parameters $6 and $7. */
function spanTimes({ since, until }: Pick<DeliveryListFilter, 'since' | 'until'>): unknown[] {
  return [isoTimeOrNull(since), isoTimeOrNull(until)];
}

/** Returns the parameters $6 to $14. */
function filterValues(filter: DeliveryListFilter): unknown[] {
  return [...spanTimes(filter), ...COUNTED_FIELDS.map((field) => filter[field])];
}

/** Returns a filter that matches what has these values. Times are ISO 8601. */
export function toDeliveryFilter(
  given: { readonly [field in CountedField | 'since' | 'until']?: string | undefined },
): DeliveryListFilter {
  const fields = Object.fromEntries(COUNTED_FIELDS.map((field) => [field, given[field] ?? null]));
  const times = {
    since: given.since === undefined ? null : Date.parse(given.since),
    until: given.until === undefined ? null : Date.parse(given.until),
  };
  return { ...(fields as { readonly [field in CountedField]: string | null }), ...times };
}
