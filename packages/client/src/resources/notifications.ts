import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  Cancellation,
  NotificationDetail,
  NotificationSummary,
  Rescheduled,
  RescheduleRequest,
  SendAnswer,
  SendRequest,
} from '../types.ts';

/** Notifications, and asking for them directly. */
export class Notifications extends Resource {
  /**
   * Sends a notification to up to 1,000 users or addresses, at once or at `scheduled_at`. Each has a result; what is rejected
   * is no error of the call. `dry_run: 'true'` says what would be done, and does nothing.
   */
  send(request: SendRequest, query: Query<'sendNotifications'> = {}, options?: CallOptions): Promise<SendAnswer> {
    return this.request('post', '/api/v1/notifications', { body: request, query }, options);
  }

  get(id: string, options?: CallOptions): Promise<NotificationDetail> {
    return this.request('get', '/api/v1/notifications/{id}', { path: { id } }, options);
  }

  list(query: Query<'listNotifications'> = {}, options?: CallOptions): Listing<NotificationSummary> {
    return this.pages('/api/v1/notifications', 'notifications', { query }, options);
  }

  /** Cancels it, and says which of its messages went out before. */
  cancel(id: string, options?: CallOptions): Promise<Cancellation> {
    return this.request('post', '/api/v1/notifications/{id}/cancel', { path: { id } }, options);
  }

  /** Moves what is scheduled to another time. */
  reschedule(id: string, scheduledAt: RescheduleRequest['scheduled_at'], options?: CallOptions): Promise<Rescheduled> {
    const input = { path: { id }, body: { scheduled_at: scheduledAt } };
    return this.request('post', '/api/v1/notifications/{id}/reschedule', input, options);
  }
}
