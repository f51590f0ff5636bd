import { createHash, createHmac } from 'node:crypto';
import { truncateText } from '../../lib/text/truncate-text.ts';
import type { Millis } from '../../model/event.ts';
import { isSender } from '../../model/suppression.ts';
import { areEqual } from '../are-equal.ts';
import type { Receipt, ReceiptAnswer, ReceiptKind, ReceiptReader, ReceiptRequest } from '../provider.ts';
import { readJsonObject } from '../read-json.ts';
import { findSmsKeyword } from './keywords.ts';
import { type CallbackReference, readCallbackQuery } from './twilio-callback.ts';
import { TWILIO_CODES } from './twilio-codes.ts';

/** Parameters of a request that are read, at most. */
const MAX_PARAMETERS = 1000;
/** Characters of an incoming message that are kept. */
const MAX_TEXT_CHARS = 160;

/** Reads the status callbacks and the incoming messages of Twilio, which it signs with the token of the account. */
export const twilioReceipts: ReceiptReader<{
  readonly auth_token: string;
  readonly help_text?: string | undefined;
  readonly from?: string | undefined;
  readonly messaging_service_sid?: string | undefined;
}> = {
  async verify(request, { auth_token: token }) {
    const signature = request.headers['x-twilio-signature'];
    if (typeof signature !== 'string' || signature === '') return 'the request has no signature';
    if (!URL.canParse(request.url)) return 'the public URL is not valid';
    const url = new URL(request.url);
    const bodyHash = url.searchParams.get('bodySHA256');
    if (bodyHash !== null) {
      const hash = createHash('sha256').update(request.body).digest('hex');
      if (!areEqual(hash, bodyHash.toLowerCase())) return 'the body is not the one that was signed';
    }
    const parameters = bodyHash === null ? toSignedText(request) : '';
    if (parameters === undefined) return 'the request has too many parameters';
    const isGood = listSignedUrls(request.url).some((signed) => {
      const hmac = createHmac('sha1', token).update(`${signed}${parameters}`, 'utf8').digest('base64');
      return areEqual(hmac, signature);
    });
    return isGood ? undefined : 'the signature does not match the public URL and the token of the account';
  },

  read(request, { help_text: helpText, ...account }): ReceiptAnswer {
    const fields = readFields(request);
    if (!fields) return { receipts: [], fault: 'The body is not a JSON object.' };
    const status = fields.MessageStatus ?? fields.SmsStatus ?? '';
    if (fields.From !== undefined && fields.Body !== undefined && (status === '' || status === 'received')) {
      return readIncoming(fields, request, helpText);
    }
    const id = fields.MessageSid ?? fields.SmsSid;
    if (id === undefined) return { receipts: [toUnknown(request)] };
    const { ErrorCode: code } = fields;
    const reference = readCallbackQuery(request.url);
    const senders = listSenders([
      fields.From ?? account.from,
      fields.MessagingServiceSid ?? account.messaging_service_sid,
    ]);
    const report = { id, status, code, at: request.receivedAt, senders, ...(reference && { reference }) };
    return { receipts: toTwilioReceipts(report) };
  },
};

const KINDS: { readonly [status: string]: ReceiptKind } = {
  accepted: 'accepted',
  scheduled: 'accepted',
  queued: 'accepted',
  sending: 'accepted',
  sent: 'accepted',
  delivered: 'delivered',
  read: 'read',
  undelivered: 'failed',
  failed: 'failed',
  canceled: 'failed',
};

/**
 * Returns the receipts that a status of a message makes: one, or two for a message whose parts disagree. Twilio reports such a
 * message once for each result, or as `partially_delivered`.
 */
export function toTwilioReceipts({
  id,
  status,
  code,
  at,
  senders,
  reference,
}: {
  readonly id: string;
  readonly status: string;
  readonly code: string | undefined;
  readonly at: Millis;
  /** Number and messaging service that it went out by; empty: they are not known. */
  readonly senders: readonly string[];
  /** Absent: only the id names the message. */
  readonly reference?: CallbackReference;
}): Receipt[] {
  const shownCode = code !== undefined && /^\d{1,10}$/.test(code) && code !== '0' ? code : undefined;
  const row = TWILIO_CODES.find((entry) => entry.code === shownCode);
  const base = {
    of: { providerMessageId: id.slice(0, 64), ...reference },
    at,
    ...(senders.length === 0 ? {} : { senders }),
    ...(shownCode === undefined ? {} : { code: shownCode }),
  };
  const isPermanent = row ? row.kind === 'address_dead' || row.kind === 'rejected' : undefined;
  const permanence = isPermanent === undefined ? {} : { isPermanent };
  const detail = { status: status.slice(0, 40), ...(row ? { meaning: row.meaning } : {}) };
  const name = `${id}:${status}:${shownCode ?? ''}`;
  if (status === 'partially_delivered') {
    return [
      { id: toId(`${name}:delivered`), ...base, kind: 'delivered', detail },
      { id: toId(`${name}:failed`), ...base, kind: 'failed', ...permanence, detail },
    ];
  }
  const kind = (Object.hasOwn(KINDS, status) ? KINDS[status] : undefined) ?? 'unknown';
  if (kind !== 'failed') return [{ id: toId(name), ...base, kind, detail }];
  // A number that does not exist is what a bounce is in email.
  const isDead = row?.kind === 'address_dead' && row.as !== 'opted_out';
  return [{ id: toId(name), ...base, kind: isDead ? 'bounced' : 'failed', ...permanence, detail }];
}

function readIncoming(fields: Fields, request: ReceiptRequest, helpText: string | undefined): ReceiptAnswer {
  const { Body: text = '', From: sender = '', MessageSid: sid, OptOutType: optOut } = fields;
  const to = listSenders([fields.To, fields.MessagingServiceSid]);
  // With Advanced Opt-Out Twilio has judged the words, in the languages of the sender, and has replied.
  const keyword = optOut === undefined ? findSmsKeyword(text) : findSmsKeyword(optOut);
  const kind = keyword === 'stop' ? 'opted_out' : keyword === 'start' ? 'opted_in' : 'unknown';
  const from = sender.replace(/^[a-z]{1,20}:/, '').slice(0, 64);
  const receipt: Receipt = {
    id: toId(sid ?? request.body.toString('latin1')),
    of: { from, text: truncateText(text, MAX_TEXT_CHARS), ...(to.length === 0 ? {} : { to }) },
    kind,
    at: request.receivedAt,
    ...(keyword === undefined ? {} : { detail: { keyword } }),
  };
  const isAnswered = keyword === 'help' && optOut === undefined && helpText !== undefined;
  const message = isAnswered ? `<Message>${escapeXml(helpText)}</Message>` : '';
  return { receipts: [receipt], body: { type: 'text/xml', text: `<Response>${message}</Response>` } };
}

/** Returns those of some texts that can be senders of ours. */
function listSenders(texts: readonly (string | undefined)[]): string[] {
  return texts.filter((text): text is string => text !== undefined && isSender(text));
}

interface Fields {
  readonly [name: string]: string | undefined;
}

/** Returns the parameters of a request, of a form or of JSON; the first of several with one name. Undefined: it is no JSON. */
function readFields({ body, headers }: ReceiptRequest): Fields | undefined {
  const text = body.toString('utf8');
  const isJson = /json/i.test(String(headers['content-type']));
  const json = isJson ? readJsonObject(text) : undefined;
  if (isJson && !json) return undefined;
  const fields: { [name: string]: string } = Object.create(null);
  for (const [name, value] of json ? Object.entries(json) : new URLSearchParams(text)) {
    if (typeof value === 'string' || typeof value === 'number') fields[name] ??= String(value);
  }
  return fields;
}

/** Returns names and values of a form, sorted, as Twilio signs them; undefined: there are too many of them. */
function toSignedText({ body }: ReceiptRequest): string | undefined {
  const values = new Map<string, Set<string>>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (++count > MAX_PARAMETERS) return undefined;
    values.set(name, (values.get(name) ?? new Set()).add(value));
  }
  return [...values]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, list]) => [...list].toSorted().map((value) => `${name}${value}`))
    .join('');
}

/** Returns the forms of a URL that Twilio may have signed: as it is, without its port, and with the one of its protocol. */
function listSignedUrls(text: string): string[] {
  const { protocol, username, password, port, hostname } = new URL(text);
  const user = username === '' ? '' : `${username}${password === '' ? '' : `:${password}`}@`;
  // The rest of the text stays as it was written: a normalized URL would have another signature.
  const rest = text.slice(text.indexOf('//') + 2).replace(/^[^/?#]*/, '');
  const usual = protocol === 'https:' ? '443' : '80';
  const start = `${protocol}//${user}${hostname}`;
  return [...new Set([text, `${start}${rest}`, `${start}:${port === '' ? usual : port}${rest}`])];
}

function toUnknown({ body, receivedAt }: ReceiptRequest): Receipt {
  return { id: toId(body.toString('latin1')), of: { reference: '' }, kind: 'unknown', at: receivedAt };
}

function toId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
