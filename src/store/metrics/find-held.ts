import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import { HELD_OUTCOMES } from './held.ts';

/* Things that a reason held back, one by one. The roll-ups say on which days; of such a day, the rows that ended without a message are walked. */

/** A reason, of one type or any. */
export interface HeldQuery {
  readonly tenantId: string;
  /** A reason code. */
  readonly reason: string;
  /** A notification type; null: any. */
  readonly type: string | null;
}

/** A span of time, its end excluded. */
export interface HeldSpan {
  readonly from: Millis;
  readonly to: Millis;
}

/** Decisions on events, decisions at the end of waits, and messages. */
export const HELD_SOURCES = ['event', 'wait', 'message'] as const;
export type HeldSource = (typeof HELD_SOURCES)[number];

/** A place in the walk. */
export interface HeldPlace {
  readonly at: Millis;
  /** Id of the event, the wait or the notification. */
  readonly id: string;
}

/** Something that was held back. `at`: the time of the decision; of a message, of its end. */
export interface HeldItem extends HeldPlace {
  readonly user_id: string;
  readonly type: string;
  /** Null: it is a message. */
  readonly rule: string | null;
  /** Null: the notification as a whole. */
  readonly channel: string | null;
  readonly reason: string;
  readonly event_id: string | null;
  readonly notification_id: string | null;
}

/** A stretch of the walk. */
export interface HeldStretch {
  readonly items: readonly HeldItem[];
  /** The place after which the walk goes on; null: the span has no more. */
  readonly next: HeldPlace | null;
}

/** Rows that one stretch looks at, at most. */
const MAX_EXAMINED = 5000;

/**
 * Returns the days on which a reason held something back, as spans in order of time. Read from the roll-ups: a row for each type
 * and reason of a day.
 * @param isOfMessages whether it is about messages after the decision
 */
export async function listHeldDays(
  pool: pg.Pool,
  { tenantId, reason, type }: HeldQuery,
  { from, to }: HeldSpan,
  isOfMessages: boolean,
): Promise<HeldSpan[]> {
  const counters = isOfMessages ? 'undeliverable + dead + in_doubt + cancelled + dropped' : 'held + dropped';
  const { rows } = await pool.query<{ at: Millis }>(
    `select distinct bucket as at from metric_rollups
     where tenant_id = $1 and grain = 'day' and dimension = 'reason' and value = $2
       and bucket > $3::timestamptz - interval '1 day' and bucket < $4 ${type === null ? '' : 'and notification_type = $5'}
       and ${counters} > 0
     order by bucket`,
    [tenantId, reason, isoTime(from), isoTime(to), ...(type === null ? [] : [type])],
  );
  const spans: { from: Millis; to: Millis }[] = [];
  for (const { at } of rows) {
    const last = spans.at(-1);
    if (last?.to === at) last.to = at + DAY_MS;
    else spans.push({ from: at, to: at + DAY_MS });
  }
  return spans.map((span) => ({ from: Math.max(span.from, from), to: Math.min(span.to, to) }));
}

/** Returns the place before all that a walk over a span finds: each source has an order of its own. */
export function startOf(source: HeldSource, { to }: HeldSpan): HeldPlace {
  // A message ended after its decision, of which its id has the time: by the clock of another machine.
  return { at: to, id: uuidAt(source === 'message' ? to + DAY_MS : 0) };
}

/**
 * Walks back in time through what was held back in a span, from a place on. Messages are walked in the order of their decisions, because
 * the index has no other.
 * @param limit items of the stretch, at most; those of one event, wait or notification stay together
 */
export async function findHeld(
  pool: pg.Pool,
  source: HeldSource,
  { tenantId, reason, type }: HeldQuery,
  { span, after, limit }: { readonly span: HeldSpan; readonly after: HeldPlace; readonly limit: number },
): Promise<HeldStretch> {
  const { from, to } = span;
  const values = source === 'message' ? [uuidAt(from - MAX_DELAY_MS), after.id] : [isoTime(after.at), after.id];
  const { rows } = await pool.query<FoundRow>({
    name: `find-held-${source}`,
    text: STATEMENTS[source],
    values: [tenantId, isoTime(from), isoTime(to), ...values, reason, type, limit],
  });
  const items = rows.flatMap(({ item, at, id }) => (item === null ? [] : [{ ...item, at, id }]));
  const last = rows.at(-1);
  const isWhole = items.length < limit && last?.item !== null;
  return { items, next: isWhole || !last ? null : { at: last.at, id: last.id } };
}

/** Time from a decision to the end of its message that is looked at: a message that waited longer is not found. */
const MAX_DELAY_MS: Millis = 31 * DAY_MS;

interface FoundRow extends HeldPlace {
  /** Null: the last row that was looked at. */
  readonly item: Omit<HeldItem, 'at' | 'id'> | null;
}

/**
 * Returns a walk over decisions: of each examined row the decisions that match, and the channels that they dropped, and at the end the
 * last row examined, if there may be more. A row without the text of the code is not parsed.
 */
function walkDecisions(examined: string): string {
  return `
with examined as materialized (${examined} limit ${MAX_EXAMINED}),
matching as (
  select json_build_object('user_id', e.user_id, 'type', held.type, 'rule', held.rule, 'channel', held.channel, 'reason', held.reason,
                           'event_id', e.event_id, 'notification_id', held.notification_id) as item, e.at, e.id
  from examined as e
  cross join lateral (
    select d.one ->> 'r' as rule, coalesce(d.one ->> 't', d.one ->> 'r') as type, p.one ->> 'channel' as channel,
           d.one ->> 's' as reason, d.one ->> 'n' as notification_id
    from json_array_elements(case when position('"' || $6 || '"' in e.decisions::text) > 0 then e.decisions else '[]' end) as d(one)
    left join lateral json_array_elements(coalesce(d.one #> '{v,plan}', '[]')) as p(one)
      on p.one ->> 'verdict' = 'drop' and p.one ->> 'code' = $6 and d.one ->> 'c' <> $6
    where ($7::text is null or coalesce(d.one ->> 't', d.one ->> 'r') = $7)
      and (p.one is not null or d.one ->> 'c' = $6 and d.one ->> 'o' in (${HELD_OUTCOMES.map((one) => `'${one}'`).join(', ')}))
  ) as held
  order by e.at desc, e.id desc fetch first $8 rows with ties
), found as (
  select item, at, id from matching
  union all
  (select null, at, id from examined where (select count(*) from matching) < $8 order by at desc, id desc offset ${MAX_EXAMINED - 1})
)
select * from found order by at desc, id desc, item is null`;
}

const STATEMENTS: { readonly [source in HeldSource]: string } = {
  event: walkDecisions(`
  select received_at as at, key as id, user_id, coalesce(event_id, key::text) as event_id, decisions from events
  where tenant_id = $1 and has_held and received_at >= $2 and received_at < $3 and (received_at, key) < ($4, $5)
  order by received_at desc, key desc`),
  wait: walkDecisions(`
  select ended_at as at, wait_id as id, user_id, state #>> '{trigger,eventId}' as event_id, decisions from waits
  where tenant_id = $1 and has_held and ended_at >= $2 and ended_at < $3 and (ended_at, wait_id) < ($4, $5)
  order by ended_at desc, wait_id desc`),
  message: `
with examined as materialized (
  select finished_at as at, notification_id as id, channel, user_id, notification_type, reason_code, reason from deliveries
  where tenant_id = $1 and finished_at is not null and started_at is null and notification_id >= $4 and notification_id < $5
  order by notification_id desc fetch first ${MAX_EXAMINED} rows with ties
), matching as (
  select json_build_object('user_id', user_id, 'type', notification_type, 'rule', null, 'channel', channel,
                           'reason', coalesce(reason, reason_code), 'event_id', null, 'notification_id', id) as item, at, id
  from examined
  where reason_code = $6 and ($7::text is null or notification_type = $7) and at >= $2 and at < $3
  order by id desc fetch first $8 rows with ties
), found as (
  select item, at, id from matching
  union all
  (select null, at, id from examined where (select count(*) from matching) < $8 order by id desc offset ${MAX_EXAMINED - 1} limit 1)
)
select * from found order by id desc, item is null`,
};
