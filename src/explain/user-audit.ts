import type pg from 'pg';
import { loadNotifications, type NotificationView } from '../store/deliveries/delivery-views.ts';
import {
  type DecisionView,
  type EventCursor,
  type EventView,
  loadTimeline,
  type TimelinePlace,
} from '../store/timeline.ts';
import { loadProfile, type ProfileView } from '../store/users.ts';

/** A page of what is stored about one user, as it was stored when it was decided. */
export interface UserAudit {
  /** Null if no event of the user was accepted. */
  readonly profile: ProfileView | null;
  /** Newest event time first. */
  readonly recent_events: EventView[];
  /** Decisions on these events and of waits that they started. */
  readonly decisions: DecisionView[];
  /** Notifications that these decisions created. */
  readonly notifications: NotificationView[];
  /** Position of the last event of the page, after which older ones follow; null if it is the last page. */
  readonly last: EventCursor | null;
  /** Position of the first event of the page, before which newer ones are; null if it is the newest page. */
  readonly first: EventCursor | null;
}

export interface UserAuditQuery {
  readonly tenantId: string;
  readonly userId: string;
  /** Events in a page, at most. */
  readonly limit: number;
  /** Only events with a decision about this notification type, and only these decisions; null for all. */
  readonly notificationType: string | null;
  readonly place: TimelinePlace;
}

/** Loads a page of events, decisions with evidence, notifications and attempts. An unknown user has an empty one. */
export async function loadUserAudit(pool: pg.Pool, query: UserAuditQuery): Promise<UserAudit> {
  const { tenantId, userId, limit, notificationType, place } = query;
  const only = notificationType === null ? null : { type: notificationType };
  const profile = await loadProfile(pool, tenantId, userId);
  const { events, decisions, first, last } = await loadTimeline(pool, { tenantId, userId, limit, place, only });
  const ids = decisions.flatMap(({ notification_id }) => notification_id ?? []);
  const notifications = await loadNotifications(pool, tenantId, userId, ids);
  return { profile, recent_events: events, decisions, notifications, first, last };
}
