import type { Channel, Priority } from '../model/delivery.ts';
import type { LocalSchedule, OwnContent } from '../model/direct.ts';
import type { JsonObject } from '../model/event.ts';

/** Recipients of one request, at most. */
export const MAX_RECIPIENTS = 1000;

/** One of the three. */
export interface Recipient {
  readonly user_id?: string;
  readonly email?: string;
  readonly phone?: string;
}

/** An instant in ISO 8601 with a zone, or a local time. */
export type ScheduledAt = string | Omit<LocalSchedule, 'fallback'>;

/** A request for notifications, as callers write it. */
export interface SendRequest {
  readonly type: string;
  readonly recipients: readonly Recipient[];
  /** Absent: all channels of the type. */
  readonly channels?: readonly Channel[];
  /** Absent: that of the type. */
  readonly priority?: Priority;
  /** Only that of the type. */
  readonly category?: string;
  readonly variables?: JsonObject;
  readonly content?: OwnContent;
  /** Absent: at once. */
  readonly scheduled_at?: ScheduledAt;
  /** ISO 8601 with a zone. */
  readonly expires_at?: string;
  readonly context?: {
    readonly source?: string;
    readonly correlation_id?: string;
    readonly metadata?: JsonObject;
  };
}
