import { createHmac, sign } from 'node:crypto';
import { toWebhookKey } from './secret.ts';

/** One request to an endpoint. */
export interface SignedRequest {
  /** The same in each attempt. Without a dot. */
  readonly id: string;
  /** Time of the attempt in whole seconds since 1970. */
  readonly timestamp: number;
  /** The body as it is sent. */
  readonly body: string;
}

/**
 * Returns the headers that prove where a request comes from, with a signature of each secret, in their order:
 * - those of Standard Webhooks: `webhook-signature` is over `ID.TIMESTAMP.BODY`, by HMAC-SHA256 (`v1,`) or Ed25519 (`v1a,`);
 * - `x-webhook-signature`: `sha256=` and the HMAC-SHA256 of the body alone in lower-case hex, with the secret as it is written,
 *   prefix included; of several, separated by commas. It is left out for keys of Ed25519.
 */
export function signRequest(
  { id, timestamp, body }: SignedRequest,
  secrets: readonly string[],
): { readonly [name: string]: string } {
  const signed = `${id}.${timestamp}.${body}`;
  const plain = secrets.filter((secret) => !secret.startsWith('whsk_'));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': secrets.map((secret) => signText(secret, signed)).join(' '),
    ...(plain.length === 0 ? {} : { 'x-webhook-signature': plain.map((secret) => signBody(secret, body)).join(',') }),
  };
}

function signText(secret: string, text: string): string {
  const { kind, key } = toWebhookKey(secret);
  if (kind === 'ed25519') return `v1a,${sign(null, Buffer.from(text), key).toString('base64')}`;
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}

function signBody(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
