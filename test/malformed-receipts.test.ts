import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { courier } from '../src/channels/courier/courier.ts';
import { sendgrid } from '../src/channels/email/sendgrid.ts';
import { ses } from '../src/channels/email/ses.ts';
import { http } from '../src/channels/http/http.ts';
import type { ProviderDefinition } from '../src/channels/provider.ts';
import { twilio } from '../src/channels/sms/twilio.ts';
import { type TestServer, testServer } from './support/http.ts';
import { sesReport, signEnvelope, TOPIC, toRequest } from './support/stand-ins/sns.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Bodies that can never be read are answered with a problem, after the signature was checked over the bytes as they came. */

const PUBLIC_URL = 'https://tidings.example';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEY = 'key of the account';
const MAPPING = {
  verify: 'hmac',
  header: 'x-signature',
  kind: 'event',
  kinds: { sent: 'delivered' },
  message_id: 'id',
};

const hmac = (text: string) => createHmac('sha256', KEY).update(text);

/** A provider with the settings of its account, and the signature over a body: headers, and a query. */
interface Signer {
  readonly definition: ProviderDefinition;
  readonly settings: unknown;
  sign(body: string): { readonly headers: Record<string, string>; readonly query?: string };
}

const SIGNERS: { readonly [provider: string]: Signer } = {
  sendgrid: {
    definition: sendgrid as ProviderDefinition,
    settings: { verification_key: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') },
    sign: (body) => ({
      headers: {
        'x-twilio-email-event-webhook-signature': sign('sha256', Buffer.from(`1${body}`), privateKey).toString(
          'base64',
        ),
        'x-twilio-email-event-webhook-timestamp': '1',
      },
    }),
  },
  courier: {
    definition: courier as ProviderDefinition,
    settings: { webhook_secret: KEY },
    sign: (body) => ({ headers: { 'courier-signature': `t=1,signature=${hmac(`1.${body}`).digest('hex')}` } }),
  },
  http: {
    definition: http as ProviderDefinition,
    settings: http.settings.parse({
      url: 'https://carrier.example',
      body: {},
      success: { path: 'id' },
      receipt_secret: KEY,
      receipts: MAPPING,
    }),
    sign: (body) => ({ headers: { 'x-signature': hmac(body).digest('hex') } }),
  },
  twilio: {
    definition: twilio as ProviderDefinition,
    settings: { auth_token: KEY },
    sign(body) {
      const query = `?bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
      const url = `${PUBLIC_URL}/api/v1/receipts/twilio${query}`;
      return { headers: { 'x-twilio-signature': createHmac('sha1', KEY).update(url).digest('base64') }, query };
    },
  },
};

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, {
    publicUrl: PUBLIC_URL,
    receiptAccounts: {
      async find(provider) {
        const found = SIGNERS[provider];
        return found && { definition: found.definition, settings: found.settings, tenantId: null, account: null };
      },
    },
  });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

describe.each(Object.entries(SIGNERS))('receipts of %s', (provider, signer) => {
  const post = (body: string, signed = signer.sign(body)) =>
    server.post(`/api/v1/receipts/${provider}${signed.query ?? ''}`, body, {
      'content-type': 'application/json',
      ...signed.headers,
    });

  test.each(['', '{', '[{"event":"delivered"', 'event=delivered', '<html>', '\u0000'])(
    'the signed body %j is a problem with the code invalid_json, and nothing is recorded',
    async (body) => {
      const answer = await post(body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_json', status: 400 } });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect((await tidings.pool.query('select from held_receipts')).rowCount).toBe(0);
    },
  );

  test('a body that is not JSON and is not signed is a question of the signature', async () => {
    const signed = signer.sign('{}');
    expect(await post('{', signed)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  });

  test('JSON that says nothing Tidings knows is accepted', async () => {
    expect((await post('{"a":1}')).status).toBe(204);
  });
});

test('a notification of SNS whose message is no JSON is unreadable, but for what SES says of a new topic', () => {
  const settings = ses.settings.parse({
    region: 'eu-west-1',
    access_key_id: 'AKIAIOSFODNN7EXAMPLE',
    secret_access_key: 'secret',
    from: 'bank@example.com',
    topic_arns: [TOPIC],
  });
  const read = (Message: string) => ses.receipts!.read(toRequest(signEnvelope({ Message })), settings);
  expect(read('{"eventType":')).toMatchObject({ receipts: [], fault: expect.stringContaining('JSON') });
  expect(read('Successfully validated SNS topic for Amazon SES event publishing.')).toEqual({ receipts: [] });
  expect(ses.receipts!.read(sesReport({}), settings).receipts).toMatchObject([{ kind: 'unknown' }]);
});
