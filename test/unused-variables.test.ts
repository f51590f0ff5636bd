import { describe, expect, test } from 'vitest';
import { listProviderNames, loadProvider, VARIABLE_PREFIXES } from '../src/channels/registry.ts';
import { openEnvironment } from './support/installation.ts';

/** Variables of providers that have no effect are said at start. */

const SECRET = 'hunter2-secret';

describe('variables of a provider that no channel has', () => {
  test.each<[string, { [name: string]: string }, string]>([
    [
      'SES',
      { AWS_SES_REGION: 'us-east-1', AWS_SES_ACCESS_KEY_ID: SECRET },
      'AWS_SES_ACCESS_KEY_ID, AWS_SES_REGION have no effect: no channel has the provider ses, and email stays in the sandbox; set EMAIL_PROVIDER=ses.',
    ],
    [
      'Twilio',
      { TWILIO_AUTH_TOKEN: SECRET },
      'TWILIO_AUTH_TOKEN has no effect: no channel has the provider twilio, and sms stays in the sandbox; set SMS_PROVIDER=twilio.',
    ],
    [
      'FCM',
      { FCM_PROJECT_ID: 'p' },
      'FCM_PROJECT_ID has no effect: no channel has the provider fcm, and push stays in the sandbox; set PUSH_PROVIDER=fcm.',
    ],
    [
      'APNs',
      { APNS_KEY_ID: 'K' },
      'APNS_KEY_ID has no effect: no channel has the provider apns, and push stays in the sandbox; set PUSH_PROVIDER=apns.',
    ],
    [
      'VAPID',
      { VAPID_SUBJECT: 's' },
      'VAPID_SUBJECT has no effect: no channel has the provider web_push, and push stays in the sandbox; set PUSH_PROVIDER=web_push.',
    ],
    [
      'SMTP',
      { DKIM_DOMAIN: 'd' },
      'DKIM_DOMAIN has no effect: no channel has the provider smtp, and email stays in the sandbox; set SMTP_URL.',
    ],
    [
      'templates of Courier',
      { COURIER_CLIENT_WELCOME_TEMPLATE: 'CLIENT_WELCOME_V1' },
      'COURIER_CLIENT_WELCOME_TEMPLATE has no effect: no channel has the provider courier, and email stays in the sandbox; set COURIER_AUTH_TOKEN.',
    ],
    [
      'a sender alone',
      { EMAIL_FROM_EMAIL: 'a@example.com', EMAIL_FROM_NAME: 'A' },
      'EMAIL_FROM_EMAIL, EMAIL_FROM_NAME have no effect: no provider is chosen for email, which stays in the sandbox; set EMAIL_PROVIDER.',
    ],
  ])('%s: one sentence says what to set', async (_what, env, sentence) => {
    const { unused } = await openEnvironment(env);
    expect(unused).toEqual([sentence]);
    expect(unused.join()).not.toContain(SECRET);
  });

  test('are no mistake where the channel has been given another provider or a substitute', async () => {
    const given = { AWS_SES_REGION: 'us-east-1', EMAIL_FROM_EMAIL: 'a@example.com' };
    expect((await openEnvironment({ ...given, EMAIL_PROVIDER: 'sandbox' })).unused).toEqual([]);
    expect((await openEnvironment({ ...given, SMTP_URL: 'smtp://localhost:2525' })).unused).toEqual([]);
  });

  test('are named beside another provider if one of them alone would choose theirs', async () => {
    const ses = {
      EMAIL_PROVIDER: 'ses',
      AWS_SES_REGION: 'us-east-1',
      AWS_SES_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SES_SECRET_ACCESS_KEY: SECRET,
      EMAIL_FROM_EMAIL: 'a@example.com',
    };
    expect((await openEnvironment({ ...ses, COURIER_AUTH_TOKEN: SECRET })).unused).toEqual([
      'COURIER_AUTH_TOKEN has no effect: EMAIL_PROVIDER chooses ses for email, and no channel has the provider courier.',
    ]);
    expect((await openEnvironment({ EMAIL_PROVIDER: 'sandbox', COURIER_AUTH_TOKEN: SECRET })).unused).toEqual([]);
    expect((await openEnvironment({ ...ses, COURIER_A_TEMPLATE: 'A_V1' })).unused).toEqual([]);
  });

  test('with an empty value are not set', async () => {
    expect((await openEnvironment({ AWS_SES_REGION: '', TWILIO_AUTH_TOKEN: ' ' })).unused).toEqual([]);
  });
});

test('a variable that its provider does not know is named, with the one that was probably meant', async () => {
  const given = {
    SMTP_URL: 'smtp://localhost:2525',
    COURIER_AUTH_TOKEN: 'pk_1',
    TIDINGS_PROVIDERS: 'email=smtp,sms=courier',
  };
  const { unused } = await openEnvironment({
    ...given,
    SMTP_POOLS: '3',
    COURIER_A_TEMPLATE: 'A_V1',
    COURIER_COLOR: SECRET,
  });
  expect(unused).toEqual([
    expect.stringMatching(/^COURIER_COLOR has no effect: courier knows no such variable; /),
    'SMTP_POOLS has no effect: smtp knows no such variable; did you mean SMTP_POOL?',
  ]);
});

test('each variable of a provider begins as the registry says, but for those of the sender', async () => {
  for (const name of listProviderNames()) {
    const environment = (await loadProvider(name))?.environment;
    const variables = [...Object.values(environment?.variables ?? {}), ...Object.values(environment?.patterns ?? {})];
    for (const variable of variables.filter((one) => !one.startsWith('EMAIL_'))) {
      const prefix = Object.keys(VARIABLE_PREFIXES).find((one) => variable.startsWith(one));
      expect([variable, prefix && VARIABLE_PREFIXES[prefix]]).toEqual([variable, name]);
    }
  }
});
