import type { Millis } from './event.ts';

/** Endpoints of a tenant, at most; a message goes to as many. */
export const MAX_ENDPOINTS = 1000;

/** The catalog version of a notification that is a fact for endpoints: no rule decided it, and it has no template. */
export const FACT_VERSION = 0;

/** A type of facts, a beginning of types (`order.*`), or all of them. */
export const EVENT_TYPE_PATTERN = /^(\*|[^*]+|[^*]+\.\*)$/;

/**
 * Whether types that are subscribed to, as `hears_type` of the schema has it, have this one.
 * @param types null: no endpoint subscribes to facts
 */
export function hearsType(types: readonly string[] | null, type: string): boolean {
  if (types === null) return false;
  return types.some((one) => one === type || one === '*' || (one.endsWith('.*') && type.startsWith(one.slice(0, -1))));
}

export const ENDPOINT_STATES = ['active', 'disabled'] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];

/** Reasons why an endpoint is disabled: by a command, because it answered with 410, or because it failed for days. */
export const DISABLED_CODES = ['by_hand', 'gone', 'failing'] as const;
export type DisabledCode = (typeof DISABLED_CODES)[number];

/** Time in ms without a success, and failures in it, after which an endpoint is disabled. There is a notice at half of both. */
export const DISABLED_AFTER_MS: Millis = 5 * 24 * 3_600_000;
export const DISABLED_AFTER_FAILURES = 20;

/** Why deliveries wait for their endpoint: it is disabled, another is before them, its rate, or others are being sent. */
export const ENDPOINT_HOLD_CODES = ['endpoint_disabled', 'endpoint_order', 'endpoint_rate', 'endpoint_busy'] as const;
export type EndpointHoldCode = (typeof ENDPOINT_HOLD_CODES)[number];
