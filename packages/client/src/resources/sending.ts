import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { SendingResumed, SendingState } from '../types.ts';

/** Emails that bounce or are complained about too often. */
export class Sending extends Resource {
  /** Returns alerts of the last 24 hours, and pauses. */
  get(options?: CallOptions): Promise<SendingState> {
    return this.request('get', '/api/v1/sending', {}, options);
  }

  /** Sends paused emails of a type again, or without one those that were paused for all types. */
  resume(notificationType?: string, options?: CallOptions): Promise<SendingResumed> {
    const body = notificationType === undefined ? {} : { notification_type: notificationType };
    return this.request('post', '/api/v1/sending/resume', { body }, options);
  }
}
