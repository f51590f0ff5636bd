import { createSign } from 'node:crypto';
import type { ProviderTools, ReceiptRequest } from '../../../src/channels/provider.ts';
import { SNS_CERTIFICATE, SNS_KEY } from './sns-certificate.ts';

export const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:tidings';
export const CERTIFICATE_URL = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${'0a'.repeat(16)}.pem`;

/** Fields of an envelope, as SNS writes them. */
export type Envelope = { [name: string]: string };

/** Signs an envelope as SNS does: some fields by name, SHA-1 for version 1, SHA-256 for version 2. */
export function signEnvelope(fields: Envelope, version: '1' | '2' = '2'): Envelope {
  const envelope: Envelope = {
    Type: 'Notification',
    MessageId: 'sns-1',
    TopicArn: TOPIC,
    Timestamp: '2026-11-20T12:00:00.000Z',
    SigningCertURL: CERTIFICATE_URL,
    SignatureVersion: version,
    ...fields,
  };
  const names = envelope.Type === 'Notification' ? NOTIFICATION_FIELDS : CONFIRMATION_FIELDS;
  const text = names.flatMap((name) => (envelope[name] === undefined ? [] : [`${name}\n${envelope[name]}\n`])).join('');
  const signature = createSign(version === '1' ? 'sha1' : 'sha256')
    .update(text)
    .sign(SNS_KEY, 'base64');
  return { ...envelope, Signature: signature };
}

const NOTIFICATION_FIELDS = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'];
const CONFIRMATION_FIELDS = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

export function toRequest(body: object | string, headers: ReceiptRequest['headers'] = {}): ReceiptRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { body: Buffer.from(text), headers, url: 'https://tidings.example/api/v1/receipts/x/y', receivedAt: 1 };
}

/** Tools whose requests end at this machine: each gets the certificate. `fetched` has their URLs. */
export function fakeTools(): { tools: ProviderTools; fetched: string[] } {
  const fetched: string[] = [];
  const http = {
    async send(url: string) {
      fetched.push(url);
      return { status: 200, headers: {}, body: SNS_CERTIFICATE };
    },
    getLookup: () => undefined,
  } as unknown as ProviderTools['http'];
  return { tools: { http, clock: Date.now }, fetched };
}

/** A report of SES about an email, as SNS posts it. */
export function sesReport(event: object): ReceiptRequest {
  return toRequest(signEnvelope({ Message: JSON.stringify(event) }));
}
