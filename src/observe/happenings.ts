import type { Decision } from '../model/decision.ts';
import type { Channel, Fault } from '../model/delivery.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { Happening } from './happening.ts';

/** Reports of a process about its work. Times are ms since 1970 by the clock of the database, durations ms. */

/** A response was sent. */
export interface AnsweredRequest {
  readonly requestId: string;
  /** The header `x-correlation-id` of the caller; absent: it sent no such header. */
  readonly correlationId?: string;
  readonly method: string;
  /** The pattern of the route, `/api/v1/users/:user_id`; absent: the path has no route. */
  readonly route?: string;
  /** The first tag of its documentation; `other`: it has no tag. */
  readonly area: string;
  readonly status: number;
  readonly durationMs: Millis;
  /** Absent: the request had no principal. */
  readonly tenantId?: string;
  readonly actor?: { readonly kind: string; readonly id: string };
  /** Its own span, and the one that the caller named. Absent: tracing is off; the caller named none. */
  readonly traceparent?: string;
  readonly parentTraceparent?: string;
}
export const answered = new Happening<AnsweredRequest>();

/** The items of one request, or of another source, have their results. */
export interface IngestedItems {
  readonly tenantId: string;
  readonly results: readonly { readonly status: string; readonly code?: string | undefined }[];
}
export const ingested = new Happening<IngestedItems>();

/** A micro-batch was decided and stored, except for what was deferred; or it failed. */
export interface IngestedBatch {
  readonly tenantId: string;
  readonly items: number;
  readonly durationMs: Millis;
  readonly failed: boolean;
  /** Traces of the requests whose items it had, each once. */
  readonly traceparents: readonly string[];
}
export const batched = new Happening<IngestedBatch>();

/** A transaction with decisions was committed. */
export interface DecidedBatch {
  readonly tenantId: string;
  /** When it was decided. */
  readonly at: Millis;
  readonly events: readonly {
    readonly event: { readonly type: string; readonly context?: JsonObject | undefined };
    readonly decisions: readonly Decision[];
  }[];
  readonly waits: readonly {
    readonly wait: {
      readonly state: { readonly trigger: { readonly type: string; readonly context?: JsonObject | undefined } };
    };
    readonly decisions: readonly Decision[];
  }[];
}
export const decided = new Happening<DecidedBatch>();

/** Messages were acknowledged by the brokers of Kafka. */
export interface PublishedMessages {
  readonly tenantId: string;
  readonly topic: string;
  readonly messages: number;
}
export const published = new Happening<PublishedMessages>();

/** Messages of a topic could not be sent, or one of them was set aside. */
export interface FailedPublish {
  readonly tenantId: string;
  readonly topic: string;
  /** A cause as the API has it. */
  readonly code: string;
}
export const publishFailed = new Happening<FailedPublish>();

/** An attempt to deliver has ended. */
export interface MadeAttempt {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly notificationType: string;
  readonly channel: Channel;
  /** Id of a device or an endpoint; empty: none. */
  readonly target: string;
  readonly priority: number;
  /** From 1. */
  readonly attempt: number;
  readonly provider: string;
  readonly outcome: string;
  /** Status of the delivery from now on; `queued`: it is tried again. */
  readonly status: string;
  /** Party whose fault it is that the delivery has failed; absent: it has not failed. */
  readonly fault?: Fault;
  readonly startedAt: Millis;
  readonly durationMs: Millis;
  /** Trace of the event that caused the notification; absent: tracing is off, or the event has no trace. */
  readonly traceparent?: string;
}
export const attempted = new Happening<MadeAttempt>();

/** A delivery was ended when it was claimed: it has expired, or was cancelled, or its address is suppressed. */
export interface DeliveryEndedAtClaim {
  readonly tenantId: string;
  readonly channel: Channel;
  readonly status: string;
  /** Why, as docs/errors.md has it. */
  readonly code: string;
}
export const endedAtClaim = new Happening<DeliveryEndedAtClaim>();

/** A delivery that was claimed came back unsent, to wait. */
export interface DeferredDelivery {
  readonly channel: Channel;
  /** Why, as docs/errors.md has it. */
  readonly code: string;
}
export const deferred = new Happening<DeferredDelivery>();

/** A claim found more due than rate limits allow now. */
export const claimLimited = new Happening<undefined>();

/** A message could not be made from its template. */
export const templateFailed = new Happening<{ readonly channel: Channel }>();

/** Deliveries were queued again, because the lease of their worker has `expired`, or has `lapsed` in this process. */
export const rescued = new Happening<{ readonly kind: 'expired' | 'lapsed'; readonly count: number }>();
