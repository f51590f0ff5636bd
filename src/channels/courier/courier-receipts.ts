import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ReceiptKind, ReceiptReader } from '../provider.ts';
import { asObject, asText, readJsonObject } from '../read-json.ts';
import { tidyReply } from '../tidy-reply.ts';

/** Kinds by the status of a message, and the field with its time. */
const STATUSES: { readonly [status: string]: readonly [ReceiptKind, string] } = {
  ENQUEUED: ['accepted', 'enqueued'],
  ROUTED: ['accepted', 'enqueued'],
  SENT: ['accepted', 'sent'],
  DELIVERED: ['delivered', 'delivered'],
  OPENED: ['opened', 'opened'],
  READ: ['read', 'read'],
  CLICKED: ['clicked', 'clicked'],
  DELAYED: ['deferred', 'enqueued'],
  THROTTLED: ['deferred', 'enqueued'],
  DIGESTED: ['deferred', 'enqueued'],
  UNDELIVERABLE: ['failed', 'errored'],
  UNROUTABLE: ['failed', 'errored'],
  UNMAPPED: ['failed', 'errored'],
  FILTERED: ['failed', 'errored'],
  CANCELED: ['failed', 'canceled'],
};

/** Reads the outbound webhook of Courier: `courier-signature: t=…,signature=…`, HMAC-SHA256 over `t`, a dot and the raw body. */
export const courierReceipts: ReceiptReader<{ readonly webhook_secret?: string | undefined }> = {
  async verify({ body, headers }, { webhook_secret: secret }) {
    if (secret === undefined) return 'the account has no webhook_secret';
    const header = headers['courier-signature'];
    const [, time, signature] =
      /^t=(\d{1,20}),\s*signature=([0-9a-f]{64})$/i.exec(typeof header === 'string' ? header : '') ?? [];
    if (time === undefined || signature === undefined) return 'the request has no signature';
    const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest();
    return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'the signature does not match';
  },
  read({ body, receivedAt }) {
    const event = readJsonObject(body.toString('utf8'));
    if (!event) return { receipts: [], fault: 'The body is not a JSON object.' };
    const data = asObject(event.data) ?? {};
    const type = asText(event.type) ?? '';
    const status = asText(data.status) ?? '';
    const found = type === 'message:updated' && Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined;
    const [reported, field] = found ?? (['unknown', ''] as const);
    const id = asText(data.id) ?? '';
    const at = data[field];
    const reason = asText(data.reason);
    // A message that came back has the status of one that could not be sent, and only its reason tells.
    const kind = reported === 'failed' && reason === 'BOUNCED' ? 'bounced' : reported;
    const said = asText(data.error);
    const code = kind === 'unknown' ? (status || type).slice(0, 80) : reason;
    return {
      receipts: [
        {
          // A status is reported once; the time tells two of one kind apart.
          id: `${id}:${status || type}:${String(at ?? '')}`,
          of: { providerMessageId: id },
          kind,
          at: typeof at === 'number' && Number.isFinite(at) ? at : receivedAt,
          ...(code === undefined || code === '' ? {} : { code: tidyReply(code).slice(0, 80) }),
          ...(reported === 'failed' ? { isPermanent: true } : {}),
          ...(said === undefined ? {} : { detail: { said: tidyReply(said) } }),
        },
      ],
    };
  },
};
