import { afterEach, beforeEach, expect, test } from 'vitest';
import { fcm } from '../src/channels/push/fcm.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { acceptFcm, answerFcm, FCM_DEVICE, fcmSettings, isFcmSend } from './support/stand-ins/fcm.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';

/** A token of another Firebase project, or one for which the project lacks a key, is no reason to stop the account. */

let standIn: StandIn;
let http: GuardedClient;
let provider: Awaited<ReturnType<typeof fcm.open>>;

beforeEach(async () => {
  standIn = await startStandIn(acceptFcm);
  http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  provider = await fcm.open(fcm.settings.parse(fcmSettings(standIn.url)), { http, clock: Date.now });
});
afterEach(async () => {
  await http.close();
  await standIn.stop();
});

async function send(code?: string) {
  const answer = code === undefined ? undefined : answerFcm({ code });
  standIn.reply((request) => (answer && isFcmSend(request) ? answer : acceptFcm(request)));
  return provider.send(outgoing({ channel: 'push', target: FCM_DEVICE, message: { text: 'At 9' } }), never());
}

test('a token of another project ends, if the project of the account accepts others', async () => {
  expect(await send()).toMatchObject({ kind: 'sent' });
  const expected = { kind: 'address_dead', as: 'invalid', code: 'SENDER_ID_MISMATCH' };
  expect(await send('SENDER_ID_MISMATCH')).toMatchObject(expected);
});

test('as long as none was accepted, its messages wait and nothing stops', async () => {
  const expected = { kind: 'retry', of: 'recipient', fault: 'account', code: 'SENDER_ID_MISMATCH' };
  expect(await send('SENDER_ID_MISMATCH')).toMatchObject(expected);
});

test('more than one in five of at least twenty stop the account: it is the one of another project', async () => {
  for (let n = 0; n < 19; n++) expect(await send('SENDER_ID_MISMATCH')).toMatchObject({ kind: 'retry' });
  expect(await send('SENDER_ID_MISMATCH')).toMatchObject({ kind: 'misconfigured', code: 'SENDER_ID_MISMATCH' });
});

test('a missing APNs key in the project concerns messages to iOS alone, which wait', async () => {
  const expected = { kind: 'retry', of: 'recipient', fault: 'account', code: 'THIRD_PARTY_AUTH_ERROR' };
  expect(await send('THIRD_PARTY_AUTH_ERROR')).toMatchObject(expected);
});

test.each(['from', 'message_type', 'google.x', 'gcm_y'])(
  'data with the name %s, which FCM reserves, is rejected with the reason, without a request',
  async (name) => {
    const message = { text: 'At 9', data: { [name]: 'x' } };
    const outcome = await provider.send(outgoing({ channel: 'push', target: FCM_DEVICE, message }), never());
    expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringContaining('reserves') });
    expect(standIn.requests).toEqual([]);
  },
);
