import type pg from 'pg';
import { toCorrelation } from '../events/envelopes/context.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { StoredDecision } from './decisions.ts';
import { loadNotifications, type NotificationView } from './deliveries/delivery-views.ts';
import { queryPage } from './pg/bounded-page.ts';
import { type DecisionView, type EventRow, type EventView, toDecisionViews, toEventView } from './timeline.ts';

/** One thing that a correlation id led to: an event with the decisions on it, or a notification with its deliveries. */
export type CorrelatedEntry = { readonly at: string; readonly user_id: string } & (
  | { readonly kind: 'event'; readonly event: EventView; readonly decisions: readonly DecisionView[] }
  | { readonly kind: 'notification'; readonly notification: NotificationView }
);

/** A position among the entries of a correlation id, newest first. */
export interface CorrelatedPosition {
  readonly at: Millis;
  /** Key of the event, or id of the notification. */
  readonly id: string;
}

export interface CorrelatedQuery {
  readonly tenantId: string;
  readonly correlationId: string;
  /** Entries of a page, at most. */
  readonly limit: number;
  /** Only entries before this one; null: from the newest on. */
  readonly before: CorrelatedPosition | null;
}

/**
 * Loads what is stored under a correlation id, newest first: two walks along the indexes of those ids, whatever the users.
 * @returns `last`: where the page ends; null if it is the last one
 */
export async function loadCorrelated(
  pool: pg.Pool,
  { tenantId, correlationId, limit, before }: CorrelatedQuery,
): Promise<{ entries: CorrelatedEntry[]; last: CorrelatedPosition | null }> {
  const position = [
    before ? isoTime(before.at) : 'infinity',
    before?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    limit,
  ];
  const values = [tenantId, toCorrelation(correlationId), ...position];
  const events = await queryPage(pool, {
    select: `select user_id, key as id, received_at as at, coalesce(event_id, key::text) as event_id, event_type, event_time,
                    received_at, properties, traits, context, catalog_version, decisions
             from events where tenant_id = $1 and correlation_id = $2 and (received_at, key) < ($3::timestamptz, $4::uuid)
             order by received_at desc, key desc limit $5`,
    values,
    limit,
    order: 'at desc, id desc',
    texts: ['properties', 'traits', 'context', 'decisions'],
  });
  const notifications = await pool.query<Row>(
    `select user_id, notification_id as id, created_at as at
     from notifications
     where tenant_id = $1 and correlation_id = $2 and (created_at, notification_id) < ($3::timestamptz, $4::uuid)
     order by created_at desc, notification_id desc limit $5`,
    values,
  );
  const found: Found[] = [
    ...(events.rows as Row[]).map((row) => ({ row, isEvent: true })),
    ...notifications.rows.map((row) => ({ row, isEvent: false })),
  ].sort((a, b) => b.row.at - a.row.at || (a.row.id < b.row.id ? 1 : -1));
  // Past the end of a page of events that had no room, notifications would be shown too early.
  const kept = found.slice(0, limit);
  const cut =
    events.more && events.rows.length < limit ? kept.findLastIndex(({ isEvent }) => isEvent) + 1 : kept.length;
  const page = kept.slice(0, cut);
  const end = page.at(-1)?.row;
  const isLast = !events.more && notifications.rows.length < limit && page.length === found.length;
  return {
    entries: await toEntries(pool, tenantId, page),
    last: end && !isLast ? { at: end.at, id: end.id } : null,
  };
}

interface Row extends EventRow {
  readonly user_id: string;
  readonly id: string;
  readonly at: Millis;
  readonly decisions: readonly StoredDecision[];
}

interface Found {
  readonly row: Row;
  readonly isEvent: boolean;
}

async function toEntries(pool: pg.Pool, tenantId: string, page: readonly Found[]): Promise<CorrelatedEntry[]> {
  const notifications = new Map<string, NotificationView>();
  const byUser = groupBy(
    page.filter(({ isEvent }) => !isEvent),
    ({ row }) => row.user_id,
  );
  for (const [userId, found] of byUser) {
    const ids = found.map(({ row }) => row.id);
    for (const one of await loadNotifications(pool, tenantId, userId, ids)) notifications.set(one.notification_id, one);
  }
  return page.flatMap(({ row, isEvent }): CorrelatedEntry[] => {
    const same = { at: isoTime(row.at), user_id: row.user_id };
    if (isEvent) {
      const decisions = toDecisionViews(row.decisions, row.id, null, row, row.event_time, row.received_at);
      return [{ kind: 'event', ...same, event: toEventView(row), decisions }];
    }
    const notification = notifications.get(row.id);
    // Deleted by the retention since.
    return notification ? [{ kind: 'notification', ...same, notification }] : [];
  });
}
