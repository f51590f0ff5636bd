import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { openEnvironment } from './support/installation.ts';

/** The providers of the installation, by the variables of the environment. */

const SECRET = 'hunter2-secret';
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

const SES = {
  EMAIL_PROVIDER: 'ses',
  AWS_SES_REGION: 'us-east-1',
  AWS_SES_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SES_SECRET_ACCESS_KEY: SECRET,
  EMAIL_FROM_NAME: 'Marketplace',
  EMAIL_FROM_EMAIL: 'noreply@marketplace.com',
};
const TWILIO = {
  SMS_PROVIDER: 'twilio',
  TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: SECRET,
  TWILIO_FROM_NUMBER: '+1234567890',
};
const FCM = {
  PUSH_PROVIDER: 'fcm',
  FCM_PROJECT_ID: 'your-project',
  FCM_PRIVATE_KEY: `"${RSA.replaceAll('\n', '\\n')}"`,
  FCM_CLIENT_EMAIL: 'firebase-adminsdk@your-project.iam.gserviceaccount.com',
};

test('the variables of a marketplace make the providers of email, SMS and push', async () => {
  const { providers, labels } = await openEnvironment({ ...SES, ...TWILIO, ...FCM });
  expect([providers.email, providers.sms, providers.push, providers.in_app]).toEqual([
    'ses',
    'twilio',
    'fcm',
    'sandbox',
  ]);
  expect(labels).toEqual({ ses: 'Amazon SES', twilio: 'Twilio', fcm: 'Firebase Cloud Messaging' });
});

test('a message goes out by what the variables say, from the sender that they name', async () => {
  const { send } = await openEnvironment({ ...SES, AWS_SES_BASE_URL: 'STAND_IN' });
  const [request] = await send('email');
  const body = JSON.parse(request!.body);
  expect(body.FromEmailAddress).toBe('noreply@marketplace.com');
  expect(Buffer.from(body.Content.Raw.Data, 'base64').toString()).toMatch(
    /^From: "Marketplace"\r\n <noreply@marketplace\.com>\r\n/,
  );
});

test('the quotes of a file of variables are no part of the sender', async () => {
  const quoted = { EMAIL_FROM_NAME: '"Marketplace"', EMAIL_FROM_EMAIL: '"noreply@marketplace.com"' };
  const { send } = await openEnvironment({ ...SES, ...quoted, AWS_SES_BASE_URL: 'STAND_IN' });
  const [request] = await send('email');
  expect(Buffer.from(JSON.parse(request!.body).Content.Raw.Data, 'base64').toString()).toMatch(
    /^From: "Marketplace"\r\n <noreply@marketplace\.com>\r\n/,
  );
});

test.each(['"', "'"])('the quotes (%s) of a file of variables are no part of any of them', async (quote) => {
  const of = (variables: object) =>
    Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, `${quote}${value}${quote} `]));
  const courier = { EMAIL_PROVIDER: 'Courier', COURIER_AUTH_TOKEN: 'pk_test_1', COURIER_HELLO_TEMPLATE: 'HELLO_V1' };
  const { send } = await openEnvironment({ ...of(courier), COURIER_BASE_URL: 'STAND_IN' });
  const [request] = await send('email', { text: '', hosted: { template: 'HELLO', data: {} } });
  expect(request?.headers.authorization).toBe('Bearer pk_test_1');
  expect(JSON.parse(request!.body).message.template).toBe('HELLO_V1');
  expect((await openEnvironment(of({ ...TWILIO, ...FCM, FCM_PRIVATE_KEY: RSA }))).providers).toMatchObject({
    sms: 'twilio',
    push: 'fcm',
  });
});

test.each(['smtp://localhost:2525', 'smtps://user:password@mail.example.com'])(
  '%s alone chooses SMTP',
  async (SMTP_URL) => {
    expect((await openEnvironment({ SMTP_URL })).providers.email).toBe('smtp');
  },
);

test('a token of Courier alone chooses Courier, and its templates have the names of their variables', async () => {
  const { providers, send } = await openEnvironment({
    COURIER_AUTH_TOKEN: 'pk_test_1',
    COURIER_CLIENT_WELCOME_TEMPLATE: 'CLIENT_WELCOME_V1',
    COURIER_BASE_URL: 'STAND_IN',
  });
  expect(providers.email).toBe('courier');
  const templateOf = async (template: string) => {
    const [request] = await send('email', { text: '', hosted: { template, data: { name: 'Maria' } } });
    return JSON.parse(request!.body).message;
  };
  expect(await templateOf('CLIENT_WELCOME')).toMatchObject({ template: 'CLIENT_WELCOME_V1', data: { name: 'Maria' } });
  expect(await templateOf('OTHER_V2')).toMatchObject({ template: 'OTHER_V2' });
});

test('SendGrid needs its key and a sender', async () => {
  const given = { EMAIL_PROVIDER: 'sendgrid', SENDGRID_API_KEY: SECRET, EMAIL_FROM_EMAIL: 'a@example.com' };
  expect((await openEnvironment(given)).providers.email).toBe('sendgrid');
});

test('TIDINGS_PROVIDERS names any provider, and one provider may serve several channels', async () => {
  const given = { TIDINGS_PROVIDERS: 'email=courier, sms=courier, push=log', COURIER_AUTH_TOKEN: 'pk_test_1' };
  expect((await openEnvironment(given)).providers).toMatchObject({ email: 'courier', sms: 'courier', push: 'log' });
});

describe('a mistake is one sentence that names the variable, and has no secret', () => {
  test.each<[string, { [name: string]: string }, RegExp]>([
    [
      'a missing key',
      { ...SES, AWS_SES_SECRET_ACCESS_KEY: '' },
      /^EMAIL_PROVIDER chooses ses, which needs AWS_SES_SECRET_ACCESS_KEY; /,
    ],
    [
      'everything missing',
      { EMAIL_PROVIDER: 'ses' },
      /which needs AWS_SES_REGION, AWS_SES_ACCESS_KEY_ID, AWS_SES_SECRET_ACCESS_KEY, EMAIL_FROM_EMAIL; /,
    ],
    ['a wrong region', { ...SES, AWS_SES_REGION: 'virginia' }, /^AWS_SES_REGION must be a region such as eu-west-1$/],
    ['a sender that is no address', { ...SES, EMAIL_FROM_EMAIL: 'nobody' }, /^EMAIL_FROM_EMAIL must be one sender/],
    [
      'another way to write it',
      { SMTP_URL: 'smtp://localhost', TIDINGS_MAIL_FROM: 'nobody' },
      /^TIDINGS_MAIL_FROM must be one sender/,
    ],
    ['a wrong sid', { ...TWILIO, TWILIO_ACCOUNT_SID: 'your_account_sid' }, /^TWILIO_ACCOUNT_SID must begin with AC/],
    [
      'no sender of SMS',
      { ...TWILIO, TWILIO_FROM_NUMBER: '' },
      /TWILIO_FROM_NUMBER.*TWILIO_MESSAGING_SERVICE_SID|needs TWILIO_FROM_NUMBER/,
    ],
    ['a text that is no key', { ...FCM, FCM_PRIVATE_KEY: SECRET }, /^FCM_PRIVATE_KEY cannot be read as a private key/],
    ['a URL of the web', { SMTP_URL: `http://user:${SECRET}@mail.example.com` }, /^SMTP_URL cannot be parsed/],
    [
      'an id of a template that is too long',
      { COURIER_AUTH_TOKEN: SECRET, COURIER_HELLO_TEMPLATE: 'H'.repeat(101) },
      /^COURIER_HELLO_TEMPLATE must /,
    ],
    [
      'a provider of no channel',
      { EMAIL_PROVIDER: 'carrier-pigeon' },
      /does not exist; write one of sandbox, log, noop, courier, http, sendgrid, ses, smtp$/,
    ],
    ['a name of two lines', { ...SES, EMAIL_FROM_NAME: 'Market\nplace' }, /^EMAIL_FROM_NAME must be one line/],
    [
      'a channel that a provider does not have',
      { SMTP_URL: `smtp://user:${SECRET}@localhost:25`, TIDINGS_PROVIDERS: 'sms=smtp' },
      /^TIDINGS_PROVIDERS chooses smtp for sms; it sends on email only$/,
    ],
    [
      'a provider with no variables',
      { SMS_PROVIDER: 'http' },
      /^SMS_PROVIDER chooses http, which the environment cannot describe/,
    ],
    [
      'a text that is no number',
      { SMTP_URL: 'smtp://localhost', SMTP_POOL: 'many' },
      /^SMTP_POOL must be a (whole )?number$/,
    ],
  ])('%s', async (_what, env, message) => {
    const error = await openEnvironment(env).catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain(SECRET);
  });
});

test('the variables of Redis are ignored, with one sentence', async () => {
  const { ignored } = await openEnvironment({ REDIS_HOST: 'localhost', REDIS_PORT: '6379', REDIS_PASSWORD: SECRET });
  expect(ignored).toBe(
    'REDIS_HOST, REDIS_PASSWORD, REDIS_PORT are ignored: Tidings needs no Redis, its queues and limits are in PostgreSQL.',
  );
  expect((await openEnvironment({})).ignored).toBeUndefined();
});

test.each([1, 2, 3])('a private key whose line breaks have %i backslashes is read', async (count) => {
  const FCM_PRIVATE_KEY = RSA.replaceAll('\n', `${'\\'.repeat(count)}n`);
  expect((await openEnvironment({ ...FCM, FCM_PRIVATE_KEY })).providers.push).toBe('fcm');
});

test('without any variable nothing leaves this machine', async () => {
  const { providers, labels } = await openEnvironment({});
  expect(labels).toEqual({});
  expect(providers).toMatchObject({ email: 'sandbox', sms: 'sandbox', internal: 'log' });
  expect(
    readConfig({ TIDINGS_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') }, { catalogDir: '.' }).chosenBy,
  ).toEqual({});
});
