import { verify, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Millis } from '../../model/event.ts';
import type { ProviderTools } from '../provider.ts';
import { asText, readJsonObject } from '../read-json.ts';

/** A message of SNS, as it posts them. */
export interface SnsEnvelope {
  readonly type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';
  readonly messageId: string;
  readonly topicArn: string;
  readonly message: string;
  readonly timestamp: string;
  readonly subject?: string | undefined;
  readonly token?: string | undefined;
  readonly subscribeUrl?: string | undefined;
  readonly signature: string;
  readonly signatureVersion: string;
  readonly certificateUrl: string;
}

/** Limits of the download of a certificate, and of a confirmation. */
const MAX_FETCH_MS: Millis = 5000;
const MAX_CERTIFICATE_BYTES = 64 * 1024;

/** Certificates that are kept, and for how long. */
const certificates = new LRUCache<string, X509Certificate>({ max: 32, ttl: 24 * 3_600_000 });
/** URLs that have given a certificate: they are fetched again whatever else was asked for. */
const known = new LRUCache<string, true>({ max: 32 });

/** URLs of one topic that are being fetched or gave no certificate, at most: with so many, no other new one is fetched for it. */
const MAX_LOOKED_AT = 10;
/** These URLs, for some minutes, by topic: a caller who knows the name of a topic can make up certificates. */
const lookedAt = new LRUCache<string, Map<string, Promise<X509Certificate | undefined>>>({
  max: 1000,
  ttl: 5 * 60_000,
});

/** Returns the envelope in a body; undefined: the body is something else. */
export function readSnsEnvelope(body: Buffer): SnsEnvelope | undefined {
  const json = readJsonObject(body.toString('utf8')) ?? {};
  const text = (name: string) => asText(json[name]);
  const type = text('Type');
  if (type !== 'Notification' && type !== 'SubscriptionConfirmation' && type !== 'UnsubscribeConfirmation')
    return undefined;
  const [messageId, topicArn, message, timestamp] = [
    text('MessageId'),
    text('TopicArn'),
    text('Message'),
    text('Timestamp'),
  ];
  const [signature, version, certificate] = [text('Signature'), text('SignatureVersion'), text('SigningCertURL')];
  if (!messageId || !topicArn || !message || !timestamp || !signature || !version || !certificate) return undefined;
  return {
    type,
    messageId,
    topicArn,
    message,
    timestamp,
    // An empty subject is signed as well.
    subject: typeof json.Subject === 'string' ? json.Subject : undefined,
    token: text('Token'),
    subscribeUrl: text('SubscribeURL'),
    signature,
    signatureVersion: version,
    certificateUrl: certificate,
  };
}

/**
 * Verifies an envelope: its topic is one of ours, before anything is fetched; its certificate comes from SNS in the region of the
 * topic; its signature is good. Undefined: it is; otherwise why not. A good signature alone would prove some topic of some account.
 * @throws Error if SNS cannot be reached for its certificate, or MAX_LOOKED_AT others of the topic did not exist lately: it repeats
 *   what is answered with 5xx, and nothing else
 */
export async function verifySnsEnvelope(
  envelope: SnsEnvelope,
  topicArns: readonly string[],
  { http, clock }: ProviderTools,
): Promise<string | undefined> {
  if (!topicArns.includes(envelope.topicArn)) return 'the SNS topic is not one of the account';
  if (!isCertificateUrl(envelope)) {
    return 'the certificate is not one of SNS in the region of the topic';
  }
  const algorithm = { '1': 'sha1', '2': 'sha256' }[envelope.signatureVersion];
  if (algorithm === undefined) return 'the version of the signature is not known';
  const certificate = certificates.get(envelope.certificateUrl) ?? (await findCertificate(envelope, http));
  if (!certificate) return 'the certificate of SNS does not exist';
  if (clock() > Date.parse(certificate.validTo) || clock() < Date.parse(certificate.validFrom)) {
    return 'the certificate of SNS is not valid at this time';
  }
  try {
    const text = Buffer.from(toSignedText(envelope));
    const isGood = verify(algorithm, text, certificate.publicKey, Buffer.from(envelope.signature, 'base64'));
    return isGood ? undefined : 'the signature of SNS does not match';
  } catch {
    return 'the certificate of SNS is not one for this signature';
  }
}

/**
 * Fetches a certificate, and keeps it; undefined: its URL gives none, which is remembered for some minutes.
 * @throws Error if SNS cannot be reached, or with MAX_LOOKED_AT
 */
async function findCertificate(
  { certificateUrl: url, topicArn }: SnsEnvelope,
  http: ProviderTools['http'],
): Promise<X509Certificate | undefined> {
  const looked = lookedAt.get(topicArn) ?? new Map<string, Promise<X509Certificate | undefined>>();
  if (looked.size === 0) lookedAt.set(topicArn, looked);
  const before = looked.get(url);
  if (before) return before;
  if (looked.size >= MAX_LOOKED_AT && !known.has(url))
    throw new Error('too many certificates of the topic did not exist');
  const fetched = fetchCertificate(url, http);
  looked.set(url, fetched);
  let certificate: X509Certificate | undefined;
  try {
    certificate = await fetched;
  } catch (error) {
    looked.delete(url);
    throw error;
  }
  if (!certificate) return undefined;
  looked.delete(url);
  certificates.set(url, certificate);
  known.set(url, true);
  return certificate;
}

async function fetchCertificate(url: string, http: ProviderTools['http']): Promise<X509Certificate | undefined> {
  const limits = { maxBytes: MAX_CERTIFICATE_BYTES, maxMillis: MAX_FETCH_MS };
  const { status, body } = await http.send(url, { method: 'GET', ...limits });
  if (status >= 500 || status === 429) throw new Error(`SNS answered ${status} to the request for its certificate`);
  return status === 200 ? readCertificate(body) : undefined;
}

function readCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

/** Whether the envelope names a URL of SNS, in the region of its topic, that confirms the subscription of this topic. */
export function hasConfirmationUrl({ subscribeUrl: url, topicArn }: SnsEnvelope): boolean {
  if (url === undefined || !isSnsUrl(url, topicArn, /^\/$/)) return false;
  const query = new URL(url).searchParams;
  return query.get('Action') === 'ConfirmSubscription' && query.get('TopicArn') === topicArn;
}

/**
 * Confirms the subscription of a verified envelope.
 * @throws Error if SNS cannot be reached, or does not confirm: it repeats the request
 */
export async function confirmSubscription(envelope: SnsEnvelope, { http }: ProviderTools): Promise<void> {
  if (envelope.subscribeUrl === undefined || !hasConfirmationUrl(envelope)) return;
  const limits = { maxBytes: MAX_CERTIFICATE_BYTES, maxMillis: MAX_FETCH_MS };
  const { status } = await http.send(envelope.subscribeUrl, { method: 'GET', ...limits });
  if (status !== 200) throw new Error(`SNS answered ${status} to the confirmation of a subscription`);
}

/** Whether the URL is that of a certificate and has no query: each query would be fetched, and kept as another certificate. */
function isCertificateUrl({ certificateUrl: text, topicArn }: SnsEnvelope): boolean {
  const path = /^\/SimpleNotificationService-[\w-]{1,80}\.pem$/;
  return isSnsUrl(text, topicArn, path) && new URL(text).search === '';
}

/** Whether a URL is one of SNS in the region of a topic, with a path of this form. */
function isSnsUrl(text: string, topicArn: string, path: RegExp): boolean {
  const [, , , region = ''] = topicArn.split(':');
  if (!/^[a-z0-9-]{5,30}$/.test(region) || !URL.canParse(text)) return false;
  const { protocol, host, username, password, pathname, hash } = new URL(text);
  const own = `sns.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const isPlain = username === '' && password === '' && hash === '';
  return protocol === 'https:' && host === own && isPlain && path.test(pathname);
}

/** Returns what the signature covers: names and values of some fields, by name. */
function toSignedText(envelope: SnsEnvelope): string {
  const isNotification = envelope.type === 'Notification';
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['Message', envelope.message],
    ['MessageId', envelope.messageId],
    ['Subject', isNotification ? envelope.subject : undefined],
    ['SubscribeURL', isNotification ? undefined : envelope.subscribeUrl],
    ['Timestamp', envelope.timestamp],
    ['Token', isNotification ? undefined : envelope.token],
    ['TopicArn', envelope.topicArn],
    ['Type', envelope.type],
  ];
  return fields.map(([name, value]) => (value === undefined ? '' : `${name}\n${value}\n`)).join('');
}
