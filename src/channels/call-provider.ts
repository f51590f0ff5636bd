import {
  type GuardedClient,
  type GuardedRequest,
  type GuardedResponse,
  RequestFailure,
} from '../http-out/guarded-client.ts';
import type { SendOutcome } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';

/** Bytes of a response that are read. What a provider answers to one message is far smaller. */
const MAX_RESPONSE_BYTES = 256 * 1024;

export interface ProviderCall extends Omit<GuardedRequest, 'maxBytes'> {
  readonly url: string;
}

/**
 * Makes one request to a provider. Returns its response, whatever its status, or the outcome of a request without one: a
 * `retry` if the provider surely does not have the request, otherwise `in_doubt`. The request is made once: nothing is repeated,
 * and no redirect followed.
 */
export async function callProvider(
  http: GuardedClient,
  { url, ...request }: ProviderCall,
): Promise<{ readonly response: GuardedResponse } | { readonly outcome: SendOutcome }> {
  try {
    return { response: await http.send(url, { method: 'POST', ...request, maxBytes: MAX_RESPONSE_BYTES }) };
  } catch (error) {
    if (!(error instanceof RequestFailure)) throw error;
    const { message: reason, timedOut, handedOver } = error;
    return { outcome: { kind: handedOver ? 'in_doubt' : 'retry', reason, ...(timedOut ? { timedOut } : {}) } };
  }
}

/** Longest pause that a provider may ask for, in ms; a longer one counts as this one. */
const MAX_RETRY_AFTER_MS: Millis = 24 * 3_600_000;

/** A date of HTTP (RFC 9110, 5.6.7) has a time of day: other texts, such as `-1`, are no dates. */
const HTTP_DATE = /\d\d:\d\d:\d\d/;

/**
 * Returns the pause (ms) that `Retry-After` asks for, in seconds or as a date; undefined: none, none that can be read, or one
 * that is over. A date counts from that of the response: the clocks of provider and process may differ.
 */
export function readRetryAfter(headers: GuardedResponse['headers'], now: Millis): Millis | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  const millis = /^\s*\d+(\.\d+)?\s*$/.test(value)
    ? Number(value) * 1000
    : readHttpDate(value, Number.NaN) - readHttpDate(headers.date, now);
  return millis > 0 ? Math.min(MAX_RETRY_AFTER_MS, Math.round(millis)) : undefined;
}

function readHttpDate(value: string | string[] | undefined, absent: Millis): Millis {
  const date = typeof value === 'string' && HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? absent : date;
}
