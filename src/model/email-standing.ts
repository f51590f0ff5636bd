import type { Millis } from './event.ts';

/** Emails whose end is known, of one span of time. */
export interface EmailCounts {
  /** Delivered, bounced or complained about. */
  readonly ended: number;
  /** Came back because the address is dead, or because the receiver rejects the sender. */
  readonly bounced: number;
  readonly complained: number;
}

/** Span of time in ms whose emails are judged together: the latest. */
export const STANDING_WINDOW_MS: Millis = 24 * 3_600_000;

/** Conclusion from bounces and complaints about the emails of a type, or of all types. */
export interface EmailStanding {
  readonly tenantId: string;
  /** Empty: of all types of the tenant. */
  readonly notificationType: string;
  readonly alertedAt: Millis;
  /** Null: its emails are sent. */
  readonly pausedAt: Millis | null;
  /** Part of a sentence. */
  readonly cause: string;
}
