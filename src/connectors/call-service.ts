import { SignJWT } from 'jose';
import { type GuardedClient, type GuardedResponse, RequestFailure } from '../http-out/guarded-client.ts';
import type { ConnectorAuth } from '../model/connector.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Secrets } from '../store/connectors/secrets.ts';
import { CallFailure } from './call-failure.ts';
import { SECRET_MISSING } from './find-secrets.ts';

/** Bytes of an answer, at most. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** A call to a service of the catalog. */
export interface ServiceCall {
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  /** Absent: a GET. */
  readonly body?: JsonObject;
  readonly timeout: Millis;
  readonly signal: AbortSignal;
}

/** Returns the header by which a service knows Tidings. @throws CallFailure `secret_missing` */
export async function toAuthHeaders(
  auth: ConnectorAuth,
  secrets: Secrets,
  now: Millis,
): Promise<{ readonly [name: string]: string }> {
  const key = requireSecret(secrets, 'shared_key');
  return { [auth.header.toLowerCase()]: auth.prefix + (auth.scheme === 'key' ? key : await signToken(auth, key, now)) };
}

async function signToken({ issuer, audience, lifetime }: ConnectorAuth, key: string, now: Millis): Promise<string> {
  const seconds = Math.floor(now / 1000);
  const token = new SignJWT({})
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + Math.ceil(lifetime / 1000));
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(Buffer.from(key, 'utf8'));
}

/** @throws CallFailure `secret_missing` */
export function requireSecret(secrets: Secrets, name: string): string {
  const secret = secrets[name];
  if (secret !== undefined) return secret;
  throw new CallFailure(SECRET_MISSING, `The secret ${name} of the connector is not set.`);
}

/** @throws CallFailure `address_rejected` for a URL that must not be called */
export function checkTarget(client: GuardedClient, url: string): void {
  const fault = client.findFault(url);
  if (fault !== undefined) throw new CallFailure('address_rejected', `The URL of the service ${fault}.`, true);
}

/**
 * Calls a service once, and returns its answer as a JSON object.
 * @throws CallFailure for every other end: those that may end otherwise next time are not final
 */
export async function callService(client: GuardedClient, call: ServiceCall): Promise<JsonObject> {
  const { url, headers, body, timeout, signal } = call;
  checkTarget(client, url);
  let response: GuardedResponse;
  try {
    response = await client.send(url, {
      method: body ? 'POST' : 'GET',
      headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      maxBytes: MAX_ANSWER_BYTES,
      maxMillis: timeout,
      signal,
    });
  } catch (error) {
    throw toCallFailure(error);
  }
  checkStatus(response.status);
  return parseAnswer(response.body);
}

/** Returns why a request has no response. */
export function toCallFailure(error: unknown): unknown {
  if (!(error instanceof RequestFailure)) return error;
  const code = error.timedOut ? 'timed_out' : error.isTooLong ? 'answer_too_long' : 'connection_failed';
  return new CallFailure(code, `The service gave no answer: ${error.message}.`);
}

/** Statuses of the 4xx that may be others next time. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 404, 408, 409, 423, 425, 429]);

/** @throws CallFailure for a status that is not of success */
export function checkStatus(status: number): void {
  if (status >= 200 && status < 300) return;
  const isFinal = status >= 300 && status < 500 && !PASSING.has(status);
  throw new CallFailure(`status_${status}`, `The service answered with HTTP status ${status}.`, isFinal);
}

function parseAnswer(text: string): JsonObject {
  try {
    const answer = JSON.parse(text) as unknown;
    if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return answer as JsonObject;
  } catch {
    // As an answer of another kind.
  }
  throw new CallFailure('answer_invalid', 'The answer of the service is not a JSON object.');
}

/**
 * Returns a URL with the values in the places of a path.
 * @throws CallFailure `id_unusable`: a URL with this value would lead to another path
 */
export function fillPath(base: string, path: string, values: { readonly [name: string]: string }): string {
  return (
    base +
    path.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      if (/^\.{0,2}$/.test(value) || !value.isWellFormed()) {
        throw new CallFailure('id_unusable', `The id in the place of {${name}} cannot be part of a URL.`, true);
      }
      return encodeURIComponent(value);
    })
  );
}
