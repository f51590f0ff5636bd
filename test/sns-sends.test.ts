import { afterEach, beforeEach, expect, test } from 'vitest';
import { sns } from '../src/channels/sms/sns.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { SNS_ACCEPTS, snsSettings } from './support/stand-ins/sns-sms.ts';
import { PHONE } from './support/stand-ins/twilio.ts';

let standIn: StandIn;
let http: GuardedClient;

beforeEach(async () => {
  standIn = await startStandIn(SNS_ACCEPTS);
  http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
});
afterEach(async () => {
  await http.close();
  await standIn.stop();
});

async function send(more: Parameters<typeof outgoing>[0] = {}, settings: object = {}) {
  const account = sns.settings.parse({ ...snsSettings(standIn.url), ...settings });
  const provider = await sns.open(account, { http, clock: Date.now });
  return provider.send(outgoing({ channel: 'sms', target: PHONE, message: { text: 'Hello Maria' }, ...more }), never());
}

test('a message of SNS is signed for its region, with number, text and attributes', async () => {
  await send({}, { sender_id: 'Tidings', max_price: 0.5, origination_number: '+12025550123' });
  const { body, headers } = standIn.requests[0]!;
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/sns\/aws4_request, SignedHeaders=\S*host\S*, Signature=[0-9a-f]{64}$/,
  );
  const form = Object.fromEntries(new URLSearchParams(body));
  expect(form).toMatchObject({ Action: 'Publish', PhoneNumber: PHONE.number, Message: 'Hello Maria' });
  const attributes = [1, 2, 3, 4].map((n) => [
    form[`MessageAttributes.entry.${n}.Name`],
    form[`MessageAttributes.entry.${n}.Value.DataType`],
    form[`MessageAttributes.entry.${n}.Value.StringValue`],
  ]);
  expect(attributes).toEqual([
    ['AWS.SNS.SMS.SMSType', 'String', 'Transactional'],
    ['AWS.SNS.SMS.SenderID', 'String', 'Tidings'],
    ['AWS.SNS.SMS.MaxPrice', 'Number', '0.5'],
    ['AWS.MM.SMS.OriginationNumber', 'String', '+12025550123'],
  ]);
});

test('a message of SNS has its parts, which SNS does not tell', async () => {
  expect(await send({ message: { text: 'ç'.repeat(100) } })).toEqual({
    kind: 'sent',
    providerMessageId: '567910cd-659e-55d4-8ccb-5aaf14679dc0',
    parts: 2,
  });
});

test('a number that is not in E.164 form is dead, and SNS not called', async () => {
  expect(await send({ target: { kind: 'phone', number: '912345678' } })).toMatchObject({ kind: 'address_dead' });
  expect(standIn.requests).toEqual([]);
});
