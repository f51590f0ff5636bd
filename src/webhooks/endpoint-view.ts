import type { Channel, WebhookFormat } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { DISABLED_AFTER_FAILURES, DISABLED_AFTER_MS, type DisabledCode, type EndpointState } from '../model/webhook.ts';
import type { Endpoint } from '../store/webhooks/endpoints.ts';
import { isoTime } from '../time/iso-time.ts';

/** An endpoint as the API shows it: without secrets and values of headers. Times are ISO 8601 in UTC. */
export interface EndpointView {
  readonly endpoint_id: string;
  readonly url: string;
  readonly description: string;
  readonly event_types: readonly string[] | null;
  readonly notification_types: readonly string[] | null;
  readonly channels: readonly Channel[] | null;
  readonly format: WebhookFormat;
  readonly ordered: boolean;
  readonly per_second: number | null;
  readonly header_names: readonly string[];
  readonly state: EndpointState;
  readonly state_code: DisabledCode | null;
  readonly state_changed_at: string;
  readonly failing_since: string | null;
  readonly failures: number;
  /** When it is disabled if nothing succeeds until then; null: it does not fail, or is disabled. */
  readonly ends_at: string | null;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
}

export function toEndpointView(one: Endpoint, now: Millis): EndpointView {
  const { failingSince, failures, state } = one;
  const mayEnd = failingSince !== null && state === 'active' && failures * 2 >= DISABLED_AFTER_FAILURES;
  return {
    endpoint_id: one.endpointId,
    url: one.url,
    description: one.description,
    event_types: one.eventTypes,
    notification_types: one.notificationTypes,
    channels: one.channels,
    format: one.format,
    ordered: one.ordered,
    per_second: one.perSecond,
    header_names: one.headerNames,
    state,
    state_code: one.stateCode,
    state_changed_at: isoTime(one.stateChangedAt),
    failing_since: failingSince === null ? null : isoTime(failingSince),
    failures,
    ends_at: mayEnd ? isoTime(Math.max(now, failingSince + DISABLED_AFTER_MS)) : null,
    revision: one.revision,
    created_at: isoTime(one.createdAt),
    updated_at: isoTime(one.updatedAt),
  };
}
