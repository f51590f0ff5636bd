import { LIFECYCLE_EVENTS } from '../catalog/lifecycle-events.ts';
import { findSecretFault } from '../channels/webhook/secret.ts';
import { TidingsError } from '../errors.ts';
import type { GuardedClient } from '../http-out/guarded-client.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { EVENT_TYPE_PATTERN } from '../model/webhook.ts';

/** Checks of what a caller writes of an endpoint. */

/** Names of headers that belong to the connection, or that Tidings sets. */
const RESERVED_HEADER =
  /^(accept-encoding|connection|content-.*|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|user-agent|webhook-.*|x-webhook-signature)$/i;
const MAX_HEADERS = 20;
const MAX_HEADER_CHARS = 4096;

/** @throws TidingsError `invalid_webhook` for a URL that cannot be used */
export function checkUrl(client: Pick<GuardedClient, 'findFault'>, url: string): void {
  // A URL is read without line breaks in it, and would be shown with them.
  const fault = /[\s\p{C}]/u.test(url) ? 'has a blank or a control character' : client.findFault(url);
  if (fault === undefined) return;
  const message = `url ${fault}; write an https:// URL with a public host name.`;
  throw new TidingsError('invalid_webhook', message, { pointer: '/url' });
}

/** @throws TidingsError `invalid_webhook` for a header that cannot be sent. The message has no value of it */
export function checkHeaders(headers: { readonly [name: string]: string | null }): void {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) throw invalidHeader('', `headers has more than ${MAX_HEADERS} headers`);
  const names = new Set<string>();
  for (const [name, value] of entries) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(name))
      throw invalidHeader('', 'headers has a name that is no name of a header');
    if (RESERVED_HEADER.test(name)) throw invalidHeader(name, `headers.${name} is set by Tidings; choose another name`);
    if (names.has(name.toLowerCase())) throw invalidHeader(name, `headers.${name} is there twice`);
    names.add(name.toLowerCase());
    if (value === null) continue;
    if (value.length > MAX_HEADER_CHARS || !/^[\x20-\x7e]*$/.test(value)) {
      const right = `write at most ${MAX_HEADER_CHARS} characters of printable ASCII`;
      throw invalidHeader(name, `headers.${name} is not a value of a header; ${right}`);
    }
  }
}

/** Facts that Tidings reports. No other type begins like them, so one that does would never be sent. */
const OWN_FACTS = LIFECYCLE_EVENTS.map(({ name }) => name);
const OWN_PREFIX = /^(?:notification|suppression)\.(?!\*$)/;

/**
 * @throws TidingsError `invalid_webhook` for a pattern of types that has its `*` in another place than the end, a type that Tidings
 *   would report and does not, or channels without facts
 */
export function checkSubscription(eventTypes: readonly string[] | null, channels: readonly string[] | null): void {
  const index = (eventTypes ?? []).findIndex((type) => !EVENT_TYPE_PATTERN.test(type));
  if (index !== -1) {
    const message = `event_types[${index}] has a * that is not its end; write a type such as order.created, order.* or *.`;
    throw new TidingsError('invalid_webhook', message, { pointer: `/event_types/${index}` });
  }
  const unknown = (eventTypes ?? []).findIndex((type) => OWN_PREFIX.test(type) && !OWN_FACTS.includes(type));
  if (unknown !== -1) {
    const type = eventTypes?.[unknown] ?? '';
    const near = findNearest(type, OWN_FACTS);
    const right = near === undefined ? '' : ` did you mean ${near}? Or`;
    const message = `event_types[${unknown}] is nothing that Tidings reports;${right} write one of ${OWN_FACTS.join(', ')}.`;
    throw new TidingsError('invalid_webhook', message, { pointer: `/event_types/${unknown}` });
  }
  if (channels === null || eventTypes !== null) return;
  const message =
    'channels selects facts about messages, and without event_types the endpoint receives none; add event_types, such as ["notification.*"].';
  throw new TidingsError('invalid_webhook', message, { pointer: '/channels' });
}

/** @throws TidingsError `invalid_webhook`; the message does not have the secret */
export function checkSecret(secret: string, pointer = '/secret'): void {
  const fault = findSecretFault(secret);
  if (fault !== undefined) throw new TidingsError('invalid_webhook', `${pointer.slice(1)} ${fault}.`, { pointer });
}

function invalidHeader(name: string, message: string): TidingsError {
  const pointer = name === '' ? '/headers' : `/headers/${name.replaceAll('~', '~0')}`;
  return new TidingsError('invalid_webhook', `${message}.`, { pointer });
}
