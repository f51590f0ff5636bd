import { jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fcm } from '../src/channels/push/fcm.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { never, outgoing } from './support/channel-contract.ts';
import {
  acceptFcm,
  answerFcm,
  FCM_DEVICE,
  FCM_PUBLIC_KEY,
  fcmSettings,
  grantToken,
  isFcmSend,
} from './support/stand-ins/fcm.ts';
import { type SeenRequest, type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';

const MINUTE = 60_000;

let standIn: StandIn;
let now: number;
let http: GuardedClient;
let provider: Awaited<ReturnType<typeof fcm.open>>;

beforeEach(async () => {
  standIn = await startStandIn(acceptFcm);
  now = Date.now();
  http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  provider = await fcm.open(fcm.settings.parse(fcmSettings(standIn.url)), { http, clock: () => now });
});
afterEach(async () => {
  await http.close();
  await standIn.stop();
});

const send = (more: Parameters<typeof outgoing>[0] = {}, signal = never()) =>
  provider.send(
    outgoing({ channel: 'push', target: FCM_DEVICE, message: { title: 'Booked', text: 'At 9' }, ...more }),
    signal,
  );
const isGrant = ({ path }: SeenRequest) => path === '/token';
const grants = () => standIn.requests.filter(isGrant).length;
const lastMessage = () => {
  const { body } = standIn.requests.filter(isFcmSend).at(-1) as SeenRequest;
  return (JSON.parse(body) as { message: unknown }).message;
};

describe('the access token of FCM', () => {
  test('is granted for a JWT that the key of the account signed', async () => {
    await send();
    const form = new URLSearchParams(standIn.requests.find(isGrant)?.body);
    const { payload } = await jwtVerify(form.get('assertion') ?? '', FCM_PUBLIC_KEY, {
      audience: `${standIn.url}/token`,
    });
    expect(payload.iss).toBe('sender@tidings-1f2e3.iam.gserviceaccount.com');
    expect(payload.scope).toBe('https://www.googleapis.com/auth/firebase.messaging');
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(3600);
    expect(standIn.requests.find(isFcmSend)?.headers.authorization).toBe('Bearer ya29.access-token-of-the-stand-in');
  });

  test('is granted once for many sends at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => send()));
    expect(grants()).toBe(1);
  });

  test('is renewed five minutes early, and used until then', async () => {
    await send();
    now += 54 * MINUTE;
    await send();
    expect(grants()).toBe(1);
    now += 2 * MINUTE;
    expect(await send()).toMatchObject({ kind: 'sent' });
    await expect.poll(grants).toBe(2);
  });

  test('is granted anew when the clock was set back, for it no longer tells when the token ends', async () => {
    await send();
    now -= 120 * MINUTE;
    expect(await send()).toMatchObject({ kind: 'sent' });
    expect(grants()).toBe(2);
  });

  test('is still used while it is good, if it cannot be renewed', async () => {
    await send();
    now += 57 * MINUTE;
    standIn.reply((request) => (isGrant(request) ? { status: 503 } : acceptFcm(request)));
    expect(await send()).toMatchObject({ kind: 'sent' });
  });

  test('that cannot be had leaves the message unsent, never in doubt', async () => {
    for (const reply of [{ instead: 'reset' }, { status: 503 }, { status: 200, body: '<html>ok</html>' }] as const) {
      standIn.reply((request) => (isGrant(request) ? reply : acceptFcm(request)));
      expect(await send()).toMatchObject({ kind: 'retry' });
    }
    standIn.reply({ instead: 'hang' });
    expect(await send({}, AbortSignal.timeout(100))).toMatchObject({ kind: 'retry' });
    expect(standIn.requests.filter(isFcmSend)).toEqual([]);
  });

  test('that Google does not grant to this account is a matter of its settings', async () => {
    standIn.reply({ status: 400, body: { error: 'invalid_grant', error_description: 'account not found' } });
    expect(await send()).toMatchObject({ kind: 'misconfigured', code: 'invalid_grant' });
  });

  test('that is no longer accepted is renewed; a new one that is not accepted stops the account', async () => {
    await send();
    now += 10 * MINUTE;
    standIn.reply((request) => (isFcmSend(request) ? answerFcm({ code: 'UNAUTHENTICATED' }) : grantToken('second')));
    expect(await send()).toMatchObject({ kind: 'retry', of: 'account' });
    expect(await send()).toMatchObject({ kind: 'misconfigured', code: 'UNAUTHENTICATED' });
  });
});

describe('the answers of FCM', () => {
  const OTHER = { ...FCM_DEVICE, token: 'another:APA91bTokenOfTheSameUser' };

  test('a token that is not valid is dead only if the same message was accepted for another token', async () => {
    const invalid = answerFcm({ code: 'INVALID_ARGUMENT' });
    standIn.reply((request) =>
      request.body.includes(OTHER.token) ? acceptFcm(request) : isFcmSend(request) ? invalid : grantToken(),
    );
    expect(await send()).toMatchObject({ kind: 'rejected', code: 'INVALID_ARGUMENT' });
    expect(await send({ target: OTHER })).toMatchObject({ kind: 'sent' });
    expect(await send()).toMatchObject({ kind: 'address_dead', as: 'invalid' });
    expect(await send({ message: { text: 'something else' } })).toMatchObject({ kind: 'rejected' });
  });

  test('a field that is not valid never kills a token', async () => {
    const violations = {
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: 'message.data' }],
    };
    const status = 400;
    const bad = {
      status,
      body: { error: { code: status, message: 'no', status: 'INVALID_ARGUMENT', details: [violations] } },
    };
    await send({ target: OTHER });
    standIn.reply((request) => (isFcmSend(request) ? bad : grantToken()));
    expect(await send()).toMatchObject({ kind: 'rejected', code: 'INVALID_ARGUMENT' });
  });

  test('a 404 that is not of FCM means the wrong project, not a dead token', async () => {
    standIn.reply((request) => (isFcmSend(request) ? answerFcm({ code: 'NOT_FOUND' }) : grantToken()));
    expect(await send()).toMatchObject({ kind: 'misconfigured', code: 'NOT_FOUND' });
    standIn.reply((request) => (isFcmSend(request) ? { status: 404, body: '<html>Not Found</html>' } : grantToken()));
    expect(await send()).toMatchObject({ kind: 'misconfigured' });
  });

  test('a quota of the project pauses the account for a minute if FCM names no time; that of a device only its messages', async () => {
    standIn.reply((request) => (isFcmSend(request) ? answerFcm({ code: 'QUOTA_EXCEEDED' }) : grantToken()));
    expect(await send()).toMatchObject({ kind: 'retry', of: 'account', after: MINUTE });
    const quota = { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ subject: 'device:1' }] };
    standIn.reply((request) => (isFcmSend(request) ? answerFcm({ code: 'QUOTA_EXCEEDED' }, [quota]) : grantToken()));
    expect(await send()).toMatchObject({ kind: 'retry', of: 'recipient' });
  });

  test('a code that is not documented is rejected, or in doubt after a server error', async () => {
    const unknown = (status: number) => ({
      status,
      body: { error: { code: status, message: 'x', status: 'BRAND_NEW' } },
    });
    standIn.reply((request) => (isFcmSend(request) ? unknown(400) : grantToken()));
    expect(await send()).toMatchObject({ kind: 'rejected', code: 'BRAND_NEW' });
    standIn.reply((request) => (isFcmSend(request) ? unknown(500) : grantToken()));
    expect(await send()).toMatchObject({ kind: 'in_doubt', code: 'BRAND_NEW' });
  });
});

describe('a message of FCM', () => {
  test('has its parts where Android and iOS look for them', async () => {
    await send({
      message: {
        title: 'Booked',
        text: 'At 9',
        image: 'https://x.test/a.png',
        badge: 3,
        data: { booking: 7, kind: 'new' },
      },
      isUrgent: true,
      expiresAt: now + 3_600_000,
    });
    expect(lastMessage()).toMatchObject({
      token: FCM_DEVICE.token,
      notification: { title: 'Booked', body: 'At 9', image: 'https://x.test/a.png' },
      data: { booking: '7', kind: 'new', notification_id: 'n-1' },
      android: { priority: 'HIGH', ttl: '3600s', notification: { notification_count: 3 } },
      apns: {
        headers: { 'apns-priority': '10', 'apns-push-type': 'alert' },
        payload: { aps: { badge: 3, sound: 'default' } },
      },
    });
  });

  test('that shows nothing is data only', async () => {
    await send({ message: { text: '', data: { sync: true } } });
    expect(lastMessage()).toMatchObject({
      data: { sync: 'true' },
      apns: { payload: { aps: { 'content-available': 1 } } },
    });
    expect(lastMessage()).not.toHaveProperty('notification');
  });
});

describe('the settings of FCM', () => {
  test.each([
    // URLs are in tenant-destinations.test.ts.
    ['private_key', 'not a key'],
  ])('%s that cannot be used is named, and the key is not', async (name, value) => {
    const account = fcm.settings.parse({ ...fcmSettings(standIn.url), [name]: value });
    const open = async () => fcm.open(account, { http, clock: Date.now });
    await expect(open()).rejects.toThrow(name);
    await expect(open()).rejects.not.toThrow('not a key');
  });
});
