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

/** Returns the pause (ms) that `Retry-After` asks for, in seconds or as a date; undefined: none that can be read. */
export function readRetryAfter(headers: GuardedResponse['headers'], now: Millis): Millis | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const millis = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(millis) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.round(millis)));
}
