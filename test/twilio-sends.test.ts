import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { twilio } from '../src/channels/sms/twilio.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { PHONE, TWILIO_ACCEPTS, TWILIO_SID, twilioSettings } from './support/stand-ins/twilio.ts';

const NOW = 1_790_000_000_000;

let standIn: StandIn;
let http: GuardedClient;

beforeEach(async () => {
  standIn = await startStandIn(TWILIO_ACCEPTS);
  http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
});
afterEach(async () => {
  await http.close();
  await standIn.stop();
});

const open = async (more: object = {}) =>
  twilio.open(twilio.settings.parse({ ...twilioSettings(standIn.url), ...more }), { http, clock: () => NOW });
async function send(more: Parameters<typeof outgoing>[0] = {}, settings: object = {}) {
  const provider = await open(settings);
  return provider.send(outgoing({ channel: 'sms', target: PHONE, message: { text: 'Hello Maria' }, ...more }), never());
}
const lastForm = () => Object.fromEntries(new URLSearchParams(standIn.requests.at(-1)?.body));

describe('a message of Twilio', () => {
  test('goes from a number or by a messaging service', async () => {
    await send();
    expect(lastForm()).toEqual({ To: PHONE.number, From: '+12025550123', Body: 'Hello Maria' });
    const service = `MG${'1'.repeat(32)}`;
    await send({}, { from: undefined, messaging_service_sid: service });
    expect(lastForm()).toEqual({ To: PHONE.number, MessagingServiceSid: service, Body: 'Hello Maria' });
  });

  test('carries the URL of its status callback, which names the delivery, and which Twilio is to repeat', async () => {
    const receiptUrl = 'https://tidings.example.com/api/v1/receipts/twilio/main';
    await send({ receiptUrl, idempotencyKey: 'n-1.sms' });
    expect(lastForm().StatusCallback).toBe(`${receiptUrl}?delivery=n-1.sms#rc=5&rp=all&ct=3000`);
    await send({ receiptUrl, idempotencyKey: 'n-1.sms', tenantId: 'bank' });
    expect(lastForm().StatusCallback).toBe(`${receiptUrl}?delivery=n-1.sms&tenant=bank#rc=5&rp=all&ct=3000`);
  });

  test.each([
    [90_000, '90'],
    [100, '1'],
    [35_999_000, '35999'],
    [36_000_000, undefined],
    [400_000_000, undefined],
  ])('that expires in %d ms has the validity period %s', async (millis, seconds) => {
    await send({ expiresAt: NOW + millis });
    expect(lastForm().ValidityPeriod).toBe(seconds);
  });

  test('has the number of its parts, and what it costs once Twilio knows', async () => {
    expect(await send()).toEqual({ kind: 'sent', providerMessageId: TWILIO_SID, parts: 1 });
    const body = { ...(TWILIO_ACCEPTS.body as object), num_segments: '3', price: '-0.0225', price_unit: 'usd' };
    standIn.reply({ status: 201, body });
    expect(await send()).toMatchObject({ parts: 3, cost: { amount: 0.0225, currency: 'USD' } });
  });

  test.each(['912345678', '+35191', '00351912345678', '+351 912 345 678', '+999123456789', '', 'maria'])(
    'to %j is not sent: it is not in E.164 form, or not possible',
    async (number) => {
      expect(await send({ target: { kind: 'phone', number } })).toMatchObject({ kind: 'address_dead', as: 'invalid' });
      expect(standIn.requests).toEqual([]);
    },
  );

  test('is sent with the API key if the account has one', async () => {
    const key = { api_key_sid: `SK${'2'.repeat(32)}`, api_key_secret: 'the secret of the key' };
    await send({}, key);
    const basic = Buffer.from(`${key.api_key_sid}:${key.api_key_secret}`).toString('base64');
    expect(standIn.requests[0]?.headers.authorization).toBe(`Basic ${basic}`);
  });
});

describe('the settings of Twilio', () => {
  test.each([
    ['neither sender nor service', { from: undefined }],
    ['both', { messaging_service_sid: `MG${'1'.repeat(32)}` }],
    ['an API key without its secret', { api_key_sid: `SK${'2'.repeat(32)}` }],
    ['a name that is too long', { from: 'A very long name' }],
    ['a number without its plus sign', { from: '3519123456' }],
    ['a name without a letter', { from: '12' }],
  ])('reject %s', (_, more) => {
    expect(twilio.settings.safeParse({ ...twilioSettings(standIn.url), ...more }).success).toBe(false);
  });
});

describe('a message that no receipt came for', () => {
  const poll = async (body: object) => {
    standIn.reply({ body: { sid: TWILIO_SID, ...body } });
    return (await open()).poll?.(TWILIO_SID, never());
  };

  test('is asked for: delivered, with its price', async () => {
    const receipt = await poll({ status: 'delivered', error_code: null, price: '-0.0075', price_unit: 'USD' });
    expect(receipt).toMatchObject({ kind: 'delivered', cost: { amount: 0.0075, currency: 'USD' } });
    expect(standIn.requests[0]).toMatchObject({
      method: 'GET',
      path: expect.stringMatching(`/Messages/${TWILIO_SID}.json$`),
    });
  });

  test('is asked for: failed, with its code; or still on its way', async () => {
    expect(await poll({ status: 'undelivered', error_code: 30005 })).toMatchObject({ kind: 'bounced', code: '30005' });
    expect(await poll({ status: 'sent', error_code: null })).toBeNull();
    expect(await poll({ sid: 'another' })).toBeNull();
  });
});

describe('the price of a message', () => {
  const fetchCost = async (body: object, more = {}) => {
    standIn.reply({ body: { sid: TWILIO_SID, ...body } });
    return (await open(more)).fetchCost?.(TWILIO_SID, never());
  };

  test('is asked for with its billed parts; null: Twilio does not know it yet', async () => {
    const priced = { status: 'delivered', price: '-0.01500', price_unit: 'usd', num_segments: '2' };
    expect(await fetchCost(priced)).toEqual({ cost: { amount: 0.015, currency: 'USD' }, parts: 2 });
    expect(await fetchCost({ ...priced, num_segments: 'many' })).toEqual({ cost: { amount: 0.015, currency: 'USD' } });
    expect(await fetchCost({ ...priced, price: null })).toBeNull();
    expect(await fetchCost({ ...priced, sid: 'another' })).toBeNull();
  });

  test('is not asked for if the account says so', async () => {
    expect((await open({ fetch_prices: 'no' })).fetchCost).toBeUndefined();
  });
});
