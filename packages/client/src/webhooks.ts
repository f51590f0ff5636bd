/** Verification of webhooks. It needs Web Crypto only, and runs on servers, edge runtimes and browsers. */

/** Difference in seconds between the timestamp of a webhook and the time of its receiver, at most. */
const MAX_AGE_SECONDS = 300;

/** Bytes that are not shared with another thread, as Web Crypto wants them. */
type Bytes = Uint8Array<ArrayBuffer>;

/** Headers of a request: an object with names in any case, as those of Node, or a `Headers`. */
export type WebhookHeaders = Headers | { readonly [name: string]: string | readonly string[] | undefined };

export interface VerifyOptions {
  /** Time of the receiver in ms. Default: now. */
  readonly now?: number;
}

/** A webhook that is not genuine, or too old. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
}

/**
 * Verifies a request by the headers of Standard Webhooks, and returns its body as JSON.
 * @param body as it arrived, before anything has parsed it
 * @param secrets of the endpoint: `whsec_…`, `whpk_…` for signatures of Ed25519, or a text of your own. One of them must fit
 * @throws WebhookVerificationError if a header is missing, no signature fits, or the timestamp is more than 300 s away
 */
export async function verifyWebhook(
  body: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  { now = Date.now() }: VerifyOptions = {},
): Promise<unknown> {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => {
    const value = readHeader(headers, name);
    if (value === undefined || value === '') throw new WebhookVerificationError(`The header ${name} is missing.`);
    return value;
  }) as [string, string, string];
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError('webhook-timestamp is not a whole number of seconds.');
  }
  if (Math.abs(now / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) {
    throw new WebhookVerificationError(`webhook-timestamp is more than ${MAX_AGE_SECONDS} s away.`);
  }
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = concatenate(utf8(`${id}.${timestamp}.`), typeof body === 'string' ? utf8(body) : new Uint8Array(body));
  for (const secret of [secrets].flat()) {
    for (const signature of signatures.split(' ')) {
      if (await fits(secret, signature, signed)) return JSON.parse(text) as unknown;
    }
  }
  throw new WebhookVerificationError('No signature fits.');
}

/**
 * Returns whether the header `x-webhook-signature` fits: `sha256=` and the HMAC-SHA256 of the body in hex, one of each secret,
 * separated by commas. It proves neither id nor time: prefer `verifyWebhook`.
 * @param body as it arrived
 */
export async function verifyWebhookSignature(
  body: string | Uint8Array,
  header: string | undefined,
  secret: string,
): Promise<boolean> {
  if (secret === '' || header === undefined) return false;
  const key = await importHmacKey(utf8(secret));
  const bytes = typeof body === 'string' ? utf8(body) : new Uint8Array(body);
  for (const part of header.split(',')) {
    const hex = /^\s*sha256=([0-9a-f]{64})\s*$/.exec(part)?.[1];
    if (hex === undefined) continue;
    const signature = Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
    if (await crypto.subtle.verify('HMAC', key, signature, bytes)) return true;
  }
  return false;
}

async function fits(secret: string, signature: string, signed: Bytes): Promise<boolean> {
  const [, version, encoded] = /^(v1|v1a),([A-Za-z0-9+/]+={0,2})$/.exec(signature) ?? [];
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (!bytes) return false;
  if (secret.startsWith('whpk_')) {
    const publicKey = fromBase64(secret.slice('whpk_'.length));
    if (version !== 'v1a' || publicKey?.length !== 32) return false;
    const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
    return crypto.subtle.verify({ name: 'Ed25519' }, key, bytes, signed);
  }
  const hmacKey = version === 'v1' ? toHmacKey(secret) : undefined;
  if (!hmacKey) return false;
  return crypto.subtle.verify('HMAC', await importHmacKey(hmacKey), bytes, signed);
}

/** Returns the bytes that a secret stands for: base64 of 24 to 64 bytes is decoded; undefined: the secret is empty. */
function toHmacKey(secret: string): Bytes | undefined {
  const rest = secret.replace(/^whsec_/, '');
  if (rest === '') return undefined;
  const decoded = fromBase64(rest);
  return decoded && decoded.length >= 24 && decoded.length <= 64 ? decoded : utf8(rest);
}

function importHmacKey(key: Bytes): ReturnType<typeof crypto.subtle.importKey> {
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

function readHeader(headers: WebhookHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : found?.[0];
}

/** Returns undefined for text that is not base64. */
function fromBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function concatenate(first: Bytes, second: Bytes): Bytes {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
