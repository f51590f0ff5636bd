import { afterAll, beforeAll, expect, test } from 'vitest';
import { listProviderNames } from '../src/channels/registry.ts';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { mailSink } from './support/mailsink.ts';
import { APNS_DEVICE, acceptApns, answerApns, apnsSettings } from './support/stand-ins/apns.ts';
import { acceptFcm, FCM_DEVICE, fcmSettings } from './support/stand-ins/fcm.ts';
import { type StandInScript, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { startHttp2StandIn } from './support/stand-ins/http2-stand-in.ts';
import { SENDGRID_ACCEPTS } from './support/stand-ins/sendgrid.ts';
import { SES_ACCEPTS } from './support/stand-ins/ses.ts';
import { SNS_ACCEPTS, SNS_LETS_IN, snsSettings } from './support/stand-ins/sns-sms.ts';
import { PHONE, TWILIO_ACCEPTS, twilioSettings } from './support/stand-ins/twilio.ts';
import { acceptWebPush, subscribe, VAPID_SETTINGS } from './support/stand-ins/web-push.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The check and the test message of an account with every provider, over the API. */

interface Trial {
  readonly settings: (url: string) => object;
  /** Answers to the check and to the message. */
  readonly reply: StandInScript;
  readonly to: (url: string) => object;
  /** The channel, for an account that may have several. */
  readonly channel?: string;
  /** Null: the provider offers no way to ask. */
  readonly ok: true | null;
}

const FROM = 'Bank <bank@example.com>';
const EMAIL = () => ({ email: 'maria@example.com' });
const SMS = () => ({ phone: PHONE.number });
const toDevice =
  ({ platform, token }: { platform: string; token: string }) =>
  () => ({ device: { platform, token } });
const byMethod =
  (check: object, send: object): StandInScript =>
  ({ method }) =>
    method === 'GET' ? check : send;

const TRIALS: { readonly [provider: string]: Trial } = {
  apns: {
    settings: apnsSettings,
    // The check asks about a device that does not exist.
    reply: (request) =>
      request.path.endsWith(APNS_DEVICE.token) ? acceptApns(request) : answerApns({ code: 'BadDeviceToken' }),
    to: toDevice(APNS_DEVICE),
    ok: true,
  },
  courier: {
    settings: (base_url) => ({ auth_token: 'pk_test_x', base_url }),
    reply: byMethod({ body: { results: [] } }, { status: 202, body: { requestId: 'r-1' } }),
    to: EMAIL,
    channel: 'email',
    ok: true,
  },
  fcm: { settings: fcmSettings, reply: acceptFcm, to: toDevice(FCM_DEVICE), ok: true },
  http: {
    settings: () => ({ url: '{{url}}', body: { text: '{{text}}' }, success: { path: 'id' } }),
    reply: { body: { id: 'm-1' } },
    to: (url) => ({ url: `${url}/chat` }),
    channel: 'chat',
    ok: null,
  },
  sendgrid: {
    settings: (base_url) => ({ api_key: 'SG.x', from: FROM, base_url }),
    reply: byMethod({ body: { scopes: ['mail.send'] } }, SENDGRID_ACCEPTS),
    to: EMAIL,
    ok: true,
  },
  ses: {
    settings: (url) => ({ ...snsSettings(url), from: FROM }),
    reply: byMethod({ body: { SendingEnabled: true, ProductionAccessEnabled: true } }, SES_ACCEPTS),
    to: EMAIL,
    ok: true,
  },
  smtp: { settings: (url) => ({ url, from: FROM }), reply: {}, to: EMAIL, ok: true },
  sns: {
    settings: snsSettings,
    reply: ({ body }) => (body.includes('Action=Publish') ? SNS_ACCEPTS : SNS_LETS_IN),
    to: SMS,
    ok: true,
  },
  twilio: {
    settings: twilioSettings,
    reply: byMethod({ body: { status: 'active' } }, TWILIO_ACCEPTS),
    to: SMS,
    ok: true,
  },
  web_push: {
    settings: () => VAPID_SETTINGS,
    reply: acceptWebPush,
    to: (url) => {
      const { endpoint, p256dh, auth } = subscribe(url);
      return { browser: { endpoint, p256dh, auth } };
    },
    ok: null,
  },
};

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [ROOT_KEY], exempt: ({ hostname }) => hostname === '127.0.0.1' });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const post = (path: string, body?: object) => server.post(`/api/v1/provider-accounts${path}`, body, bearer(ROOT_KEY));

/** Webhooks have endpoints and no accounts: they are tried by `tidings webhooks test`. */
test('there is a trial of every provider', () => {
  expect(Object.keys(TRIALS)).toEqual(listProviderNames().filter((name) => name !== 'webhook'));
});

test.each(Object.entries(TRIALS))('%s: the check lets us in, and a test message is sent', async (provider, trial) => {
  const standIn = await (provider === 'smtp'
    ? mailSink()
    : provider === 'apns'
      ? startHttp2StandIn(trial.reply)
      : startStandIn(trial.reply));
  const channels = trial.channel ? { channels: [trial.channel] } : {};
  const created = await post('', { account: provider, provider, settings: trial.settings(standIn.url), ...channels });
  expect(created.status, JSON.stringify(created.body)).toBe(201);
  expect((await post(`/${provider}/check`)).body).toEqual({ ok: trial.ok, code: null, reason: null });
  expect((await post(`/${provider}/test-send`, { to: trial.to(standIn.url) })).body).toMatchObject({
    outcome: 'sent',
    provider,
    reason: null,
  });
  await ('stop' in standIn ? standIn.stop() : standIn.close());
});
