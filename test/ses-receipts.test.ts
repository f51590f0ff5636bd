import { describe, expect, test } from 'vitest';
import { ses } from '../src/channels/email/ses.ts';
import { fakeTools, signEnvelope, TOPIC, toRequest } from './support/stand-ins/sns.ts';

const SETTINGS = ses.settings.parse({
  region: 'eu-west-1',
  access_key_id: 'AKIAIOSFODNN7EXAMPLE',
  secret_access_key: 'secret',
  from: 'bank@example.com',
  topic_arns: [TOPIC],
});
const KEY = '018f7d5a-4a1b-7000-8000-000000000001.email';
const receipts = ses.receipts!;

const mail = {
  messageId: 'ses-1',
  timestamp: '2026-11-20T11:59:00Z',
  tags: { tidings_key: [Buffer.from(KEY).toString('base64url')] },
};

const read = (event: object) =>
  receipts.read(toRequest(signEnvelope({ Message: JSON.stringify(event) })), SETTINGS).receipts;

describe('the signature of SNS', () => {
  test.each(['1', '2'] as const)('of version %s is verified', async (version) => {
    const { tools } = fakeTools();
    for (const fields of [{}, { Subject: 'Amazon SES' }, { Subject: '' }]) {
      const good = signEnvelope({ Message: '{"a":1}', ...fields }, version);
      expect(await receipts.verify(toRequest(good), SETTINGS, tools)).toBeUndefined();
      const forged = { ...good, Message: '{"a":2}' };
      expect(await receipts.verify(toRequest(forged), SETTINGS, tools)).toContain('signature');
    }
  });

  test.each([
    ['another topic', { TopicArn: `${TOPIC}-of-others` }],
    ['a certificate of another host', { SigningCertURL: 'https://evil.example/SimpleNotificationService-1.pem' }],
    ['a certificate in a bucket', { SigningCertURL: 'https://s3.amazonaws.com/x/SimpleNotificationService-1.pem' }],
    ['another region', { SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem' }],
    [
      'a host that begins alike',
      { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem' },
    ],
    ['another path', { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/?x=SimpleNotificationService-1.pem' }],
    ['no TLS', { SigningCertURL: 'http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem' }],
    ['a query', { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?x=1' }],
    ['a port', { SigningCertURL: 'https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem' }],
    ['a user name', { SigningCertURL: 'https://x@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem' }],
    ['another version', { SignatureVersion: '3' }],
  ])('is not even looked at: %s', async (_, fields) => {
    const { tools, fetched } = fakeTools();
    const body = signEnvelope({ Message: '{}', ...fields });
    expect(await receipts.verify(toRequest(body), SETTINGS, tools)).toMatch(/^the /);
    expect(fetched).toEqual([]);
  });

  test.each(['', '[]', 'null', '{"Type":"Notification"}', '\u0000'])('is missing in %j', async (body) => {
    const { tools, fetched } = fakeTools();
    expect(await receipts.verify(toRequest(body), SETTINGS, tools)).toBe('the request is not one of SNS');
    expect(receipts.read(toRequest(body), SETTINGS)).toEqual({ receipts: [] });
    expect(fetched).toEqual([]);
  });
});

test('certificates that forged requests invent are fetched once each, and only few of them', async () => {
  const topic = `${TOPIC}-forged`;
  const settings = { ...SETTINGS, topic_arns: [topic] };
  const { tools: good, fetched: ofSns } = fakeTools();
  const genuine = toRequest(signEnvelope({ TopicArn: topic, Message: '{}' }));
  expect(await receipts.verify(genuine, settings, good)).toBeUndefined();
  const fetched: string[] = [];
  const http = {
    async send(url: string) {
      fetched.push(url);
      return { status: 404, headers: {}, body: '' };
    },
  } as unknown as typeof good.http;
  const forge = (name: string) => {
    const SigningCertURL = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${name}.pem`;
    const request = toRequest(signEnvelope({ TopicArn: topic, Message: '{}', SigningCertURL }));
    return receipts.verify(request, settings, { ...good, http }).catch(({ message }: Error) => message);
  };
  expect([await forge('a'), await forge('a')]).toEqual(Array(2).fill('the certificate of SNS does not exist'));
  expect(fetched.length).toBe(1);
  await Promise.all(Array.from({ length: 50 }, (_, n) => forge(`b${n}`)));
  expect(fetched.length).toBe(10);
  expect(await forge('c')).toContain('too many certificates');
  // A genuine request is still verified, and another topic is not affected.
  expect(await receipts.verify(genuine, settings, { ...good, http })).toBeUndefined();
  const other = signEnvelope({
    Message: '{}',
    SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-new.pem',
  });
  expect(await receipts.verify(toRequest(other), SETTINGS, good)).toBeUndefined();
  expect(ofSns.at(-1)).toContain('-new.pem');
});

describe('a subscription', () => {
  const subscribe = (url: string) =>
    signEnvelope({ Type: 'SubscriptionConfirmation', Message: 'You have chosen', Token: 't', SubscribeURL: url });
  const own = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=t`;

  test('of one of our topics is confirmed once it is verified', async () => {
    const { tools, fetched } = fakeTools();
    const request = toRequest(subscribe(own));
    expect(await receipts.verify(request, SETTINGS, tools)).toBeUndefined();
    const { receipts: none, afterwards } = receipts.read(request, SETTINGS);
    expect(none).toEqual([]);
    await afterwards?.(tools);
    expect(fetched.at(-1)).toBe(own);
  });

  test.each([
    'https://evil.example/?Action=ConfirmSubscription',
    'http://169.254.169.254/latest/meta-data',
    own.replace('ConfirmSubscription', 'DeleteTopic'),
    own.replace('tidings', 'others'),
  ])('with the URL %s is a fault, and fetches nothing', async (url) => {
    const { tools, fetched } = fakeTools();
    const { afterwards, fault } = receipts.read(toRequest(subscribe(url)), SETTINGS);
    expect(fault).toBe('The SubscribeURL is not one of SNS in the region of the topic.');
    await afterwards?.(tools);
    expect(fetched).toEqual([]);
  });
});

test.each([
  ['Send', { send: {} }, { kind: 'accepted' }],
  [
    'Delivery',
    { delivery: { timestamp: '2026-11-20T12:00:03Z' } },
    { kind: 'delivered', at: Date.parse('2026-11-20T12:00:03Z') },
  ],
  [
    'Reject',
    { reject: { reason: 'Bad content' } },
    { kind: 'failed', isPermanent: true, detail: { said: 'Bad content' } },
  ],
  ['Rendering Failure', { failure: { errorMessage: 'Attribute missing' } }, { kind: 'failed' }],
  ['Open', { open: {} }, { kind: 'opened' }],
  ['Click', { click: {} }, { kind: 'clicked' }],
  ['Complaint', { complaint: { complaintFeedbackType: 'abuse' } }, { kind: 'complained', code: 'abuse' }],
  ['Complaint', { complaint: { complaintFeedbackType: 'not-spam' } }, { kind: 'unknown' }],
  ['Subscription', { subscription: { newTopicPreferences: { unsubscribeAll: true } } }, { kind: 'unsubscribed' }],
  ['Subscription', { subscription: { newTopicPreferences: { unsubscribeAll: false } } }, { kind: 'unknown' }],
  ['Sent By Pigeon', {}, { kind: 'unknown', code: 'Sent By Pigeon' }],
  ['constructor', {}, { kind: 'unknown' }],
  [
    'DeliveryDelay',
    { deliveryDelay: { delayType: 'MailboxFull', delayedRecipients: [{ status: '4.2.2' }] } },
    { kind: 'deferred', code: 'MailboxFull', enhancedCode: '4.2.2' },
  ],
])('%s is understood: %j', (eventType, more, expected) => {
  expect(read({ eventType, mail, ...more })).toMatchObject([{ id: 'sns-1', of: { reference: KEY }, ...expected }]);
  // Without event publishing the field has another name.
  expect(read({ notificationType: eventType, mail, ...more })).toMatchObject([expected]);
});

test.each([
  [{ bounceType: 'Permanent', bounceSubType: 'General' }, '5.1.1', true, 'Permanent/General'],
  [{ bounceType: 'Transient', bounceSubType: 'General' }, '5.4.4', false, 'Transient/General'],
  [
    { bounceType: 'Permanent', bounceSubType: 'OnAccountSuppressionList' },
    undefined,
    true,
    'Permanent/OnAccountSuppressionList',
  ],
])('a bounce has type, subtype and enhanced code: %j %s', (about, status, isPermanent, code) => {
  const recipient = {
    emailAddress: 'maria@example.com',
    status,
    diagnosticCode: 'smtp; 550 <maria@example.com> unknown',
  };
  const [receipt] = read({ eventType: 'Bounce', mail, bounce: { ...about, bouncedRecipients: [recipient] } });
  expect(receipt).toMatchObject({ kind: 'bounced', isPermanent, code });
  expect(receipt?.enhancedCode).toBe(status);
  expect(JSON.stringify(receipt)).not.toContain('@');
});

test('an event without our tag is found by the id of SES; one whose message is no JSON is unreadable', () => {
  expect(read({ eventType: 'Delivery', mail: { messageId: 'ses-1' } })).toMatchObject([
    { of: { providerMessageId: 'ses-1' }, at: 1 },
  ]);
  const odd = toRequest(signEnvelope({ Message: 'no JSON' }));
  expect(receipts.read(odd, SETTINGS)).toMatchObject({ receipts: [], fault: expect.stringContaining('JSON') });
});
