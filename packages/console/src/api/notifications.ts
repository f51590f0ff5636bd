import type { Cancellation, NotificationDetail, NotificationPage } from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';
import type { NotificationState } from './types.ts';

/** Returns a page of 50 notifications, newest first. `state` null: of every state. `after`: as for `getAudit`. */
export const getNotifications = (state: NotificationState | null, after: string | null): Promise<NotificationPage> =>
  callApi(`notifications?${buildQuery({ limit: '50', state, after })}`);

export const getNotification = (id: string): Promise<NotificationDetail> =>
  callApi(`notifications/${encodeURIComponent(id)}`);

/** Cancels what of a notification has not begun; the answer says what was too late. */
export const cancelNotification = (id: string): Promise<Cancellation> =>
  callApi(`notifications/${encodeURIComponent(id)}/cancel`, 'POST');
