import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { JsonObject } from '../../model/event.ts';
import { MAX_REQUEST_RECEIPTS } from '../../model/receipt.ts';
import type { Receipt, ReceiptKind, ReceiptReader } from '../provider.ts';
import { asObject, asText, readJson } from '../read-json.ts';
import { tidyReply } from '../tidy-reply.ts';

/** Returns the public key of SendGrid, as it shows it (base64 of SPKI) or as PEM; undefined: the text is no such key. */
export function readVerificationKey(text: string): KeyObject | undefined {
  const base64 = text.replace(/-----(?:BEGIN|END) PUBLIC KEY-----/g, '').replace(/\s|\\[nr]/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ec' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the signed event webhook of SendGrid: ECDSA over timestamp and raw body. */
export const sendgridReceipts: ReceiptReader<{ readonly verification_key?: string | undefined }> = {
  async verify({ body, headers }, { verification_key: key }) {
    if (key === undefined) return 'the account has no verification_key';
    const signature = headers['x-twilio-email-event-webhook-signature'];
    const timestamp = headers['x-twilio-email-event-webhook-timestamp'];
    if (typeof signature !== 'string' || typeof timestamp !== 'string') return 'the request has no signature';
    const publicKey = readVerificationKey(key);
    if (!publicKey) return 'the verification_key cannot be read';
    const signed = Buffer.concat([Buffer.from(timestamp), body]);
    const isGood = verify('sha256', signed, publicKey, Buffer.from(signature, 'base64'));
    return isGood ? undefined : 'the signature does not match';
  },
  read({ body, receivedAt }) {
    const events = readJson(body.toString('utf8'));
    if (events === undefined) return { receipts: [], fault: 'The body is not JSON.' };
    const list = Array.isArray(events) ? events.slice(0, MAX_REQUEST_RECEIPTS + 1) : [events];
    return { receipts: list.map((event, n) => toReceipt(asObject(event) ?? {}, n, receivedAt)) };
  },
};

const KINDS: { readonly [event: string]: ReceiptKind } = {
  processed: 'accepted',
  delivered: 'delivered',
  deferred: 'deferred',
  bounce: 'bounced',
  blocked: 'bounced',
  dropped: 'failed',
  spamreport: 'complained',
  unsubscribe: 'unsubscribed',
  group_unsubscribe: 'unsubscribed',
  group_resubscribe: 'opted_in',
  open: 'opened',
  click: 'clicked',
};

function toReceipt(event: JsonObject, index: number, receivedAt: number): Receipt {
  const name = asText(event.event) ?? '';
  const kind = (Object.hasOwn(KINDS, name) ? KINDS[name] : undefined) ?? 'unknown';
  const reference = asText(event.tidings_key);
  const tenantId = asText(event.tidings_tenant);
  const messageId = asText(event.sg_message_id) ?? '';
  const seconds = event.timestamp;
  // Without a status of its own, the server may have said it in its reply.
  const [status] =
    /^[245]\.\d{1,3}\.\d{1,3}$/.exec(asText(event.status) ?? '') ??
    /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])/.exec(asText(event.reason)?.slice(0, 80) ?? '') ??
    [];
  const code = kind === 'unknown' ? name.slice(0, 80) : readCode(kind, event);
  const said = asText(event.response) ?? (kind === 'failed' ? undefined : asText(event.reason));
  return {
    id: asText(event.sg_event_id) ?? `${messageId}:${name}:${String(seconds)}:${index}`,
    // The id of the response is the beginning of that of an event.
    of:
      reference === undefined
        ? { providerMessageId: messageId.split(/\.(?:filter|recvd)/)[0] ?? '' }
        : { reference, ...(tenantId === undefined ? {} : { tenantId }) },
    kind,
    at: typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : receivedAt,
    ...(code === undefined || code === '' ? {} : { code }),
    ...(status === undefined ? {} : { enhancedCode: status }),
    // A block is the server's policy of that day; the address lives.
    ...(kind === 'bounced' ? { isPermanent: name === 'bounce' && event.type !== 'blocked' } : {}),
    ...(kind === 'failed' ? { isPermanent: true } : {}),
    ...(event.sg_machine_open === true ? { isMachine: true } : {}),
    ...(said === undefined ? {} : { detail: { said: tidyReply(said) } }),
  };
}

function readCode(kind: ReceiptKind, event: JsonObject): string | undefined {
  if (kind === 'failed') return tidyReply(asText(event.reason) ?? '');
  if (kind === 'bounced') return asText(event.bounce_classification) ?? asText(event.type);
  return undefined;
}
