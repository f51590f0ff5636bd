import { createHash, createHmac } from 'node:crypto';
import type { Json } from '../../model/event.ts';
import { MAX_REQUEST_RECEIPTS } from '../../model/receipt.ts';
import { areEqual } from '../are-equal.ts';
import type { Receipt, ReceiptReader, ReceiptRequest } from '../provider.ts';
import { readJson } from '../read-json.ts';
import { tidyReply } from '../tidy-reply.ts';
import { readPath, readPathText } from './read-path.ts';
import type { ReceiptMapping } from './receipt-mapping.ts';

interface Settings {
  readonly receipts?: ReceiptMapping | undefined;
  readonly receipt_secret?: string | undefined;
}

/** Reads receipts by configuration: proved by an HMAC over the raw body, by Basic authentication or by a token. */
export const httpReceipts: ReceiptReader<Settings> = {
  async verify(request, { receipts: mapping, receipt_secret: secret }) {
    if (mapping === undefined || secret === undefined) return 'the account has no receipts';
    const given = request.headers[mapping.header.toLowerCase()];
    if (typeof given !== 'string' || !given.startsWith(mapping.prefix)) return 'the request has no signature or token';
    return areEqual(given.slice(mapping.prefix.length), toExpected(request, mapping, secret))
      ? undefined
      : 'the signature or token does not match';
  },
  read({ body, receivedAt }, { receipts: mapping }) {
    if (mapping === undefined) return { receipts: [] };
    const parsed = readJson(body.toString('utf8'));
    if (parsed === undefined) return { receipts: [], fault: 'The body is not JSON.' };
    const found = mapping.events === undefined ? parsed : readPath(parsed, mapping.events);
    const events = (Array.isArray(found) ? found : [found ?? {}]).slice(0, MAX_REQUEST_RECEIPTS + 1);
    return { receipts: events.map((event, n) => toReceipt(event, mapping, receivedAt, () => hash(body, n))) };
  },
};

function toExpected(request: ReceiptRequest, mapping: ReceiptMapping, secret: string): string {
  if (mapping.verify === 'token') return secret;
  if (mapping.verify === 'basic') return `Basic ${Buffer.from(secret).toString('base64')}`;
  const { algorithm, encoding, signed, timestamp_header: header } = mapping;
  const time = header === undefined ? undefined : request.headers[header.toLowerCase()];
  const [before = '', after = ''] = signed
    .split('{{body}}')
    .map((part) => part.replaceAll('{{timestamp}}', typeof time === 'string' ? time : ''));
  return createHmac(algorithm, secret).update(before).update(request.body).update(after).digest(encoding);
}

/** @param toId returns an id for a report that is nested too deeply to be written */
function toReceipt(event: Json, mapping: ReceiptMapping, receivedAt: number, toId: () => string): Receipt {
  const said = readPathText(event, mapping.kind) ?? '';
  const kind = (Object.hasOwn(mapping.kinds, said) ? mapping.kinds[said] : undefined) ?? 'unknown';
  const reference = readPathText(event, mapping.reference);
  const messageId = readPathText(event, mapping.message_id) ?? '';
  const code = readPathText(event, mapping.code) ?? (kind === 'unknown' ? said : undefined);
  const [status] = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(readPathText(event, mapping.enhanced_code) ?? '') ?? [];
  const permanent = mapping.permanent && readPath(event, mapping.permanent.path);
  const id = readPathText(event, mapping.id);
  return {
    // Without an id a report is what it says.
    id: id === undefined ? hashEvent(event, toId) : `${id}:${said}`,
    of: reference === undefined ? { providerMessageId: messageId } : { reference },
    kind,
    at: readTime(event, mapping) ?? receivedAt,
    ...(code === undefined ? {} : { code: tidyReply(code).slice(0, 80) }),
    ...(status === undefined ? {} : { enhancedCode: status }),
    ...(mapping.permanent && (kind === 'bounced' || kind === 'failed')
      ? { isPermanent: mapping.permanent.values.some((value) => value === permanent) }
      : {}),
  };
}

function hashEvent(event: Json, toId: () => string): string {
  try {
    return createHash('sha256').update(JSON.stringify(event)).digest('base64url');
  } catch {
    return toId();
  }
}

function hash(body: Buffer, index: number): string {
  return createHash('sha256').update(body).update(`:${index}`).digest('base64url');
}

function readTime(event: Json, { at, at_unit: unit }: ReceiptMapping): number | undefined {
  const [text] = [at ?? []].flat().flatMap((path) => readPathText(event, path) ?? []);
  if (text === undefined) return undefined;
  const millis = unit === 'iso' ? Date.parse(text) : Math.round(Number(text) * (unit === 'seconds' ? 1000 : 1));
  return Number.isSafeInteger(millis) ? millis : undefined;
}
