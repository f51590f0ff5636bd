import type {
  Cancellation,
  NotificationDetail,
  NotificationPage,
  Rescheduled,
  RescheduleRequest,
  SendAnswer,
  SendRequest,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Returns a page of 50 notifications, newest first. `state` null: of every state. `after`: as for `getAudit`. */
export const getNotifications = (state: string | null, after: string | null): Promise<NotificationPage> =>
  callApi(`notifications?${buildQuery({ limit: '50', state, after })}`);

/** Returns a page of 50 notifications of a user, newest first. `state` null: of every state. `after`: as for `getAudit`. */
export const getNotificationsOf = (
  userId: string,
  state: string | null,
  after: string | null,
): Promise<NotificationPage> => callApi(`notifications?${buildQuery({ limit: '50', user_id: userId, state, after })}`);

export const getNotification = (id: string): Promise<NotificationDetail> =>
  callApi(`notifications/${encodeURIComponent(id)}`);

/** Says for each recipient whether it would be sent, and why not. Nothing is sent or stored. */
export const checkNotification = (request: SendRequest): Promise<SendAnswer> =>
  callApi('notifications?dry_run=true', 'POST', request);

/** Sends a notification. `key`: a repeated call with the same key sends nothing twice. */
export const sendNotification = (request: SendRequest, key: string): Promise<SendAnswer> =>
  callApi('notifications', 'POST', request, undefined, { 'idempotency-key': key });

/** Cancels what of a notification has not begun; the answer says what was too late. */
export const cancelNotification = (id: string): Promise<Cancellation> =>
  callApi(`notifications/${encodeURIComponent(id)}/cancel`, 'POST');

/** Moves a notification that is scheduled; the answer says whether it was too late. */
export const rescheduleNotification = (id: string, request: RescheduleRequest): Promise<Rescheduled> =>
  callApi(`notifications/${encodeURIComponent(id)}/reschedule`, 'POST', request);
