import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** Keys of the stand-ins, as their providers would give them; made for one demo, and of no use elsewhere. */
export interface ProviderKeys {
  /** Private key with which SendGrid signs its receipts, as PEM, and the public one as it shows it. */
  readonly sendgridPrivate: string;
  readonly sendgridPublic: string;
  readonly twilioToken: string;
  /** Private key of a service account of Google, as PEM. */
  readonly fcmPrivate: string;
}

export function makeProviderKeys(): ProviderKeys {
  const sendgrid = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const fcm = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    sendgridPrivate: sendgrid.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    sendgridPublic: sendgrid.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    twilioToken: randomBytes(16).toString('hex'),
    fcmPrivate: fcm.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** The number that all SMS come from. */
export const SMS_NUMBER = '+12025550123';

/** Begins the key of an account of a tenant; its place follows, by which the stand-in of SendGrid knows it. */
export const KEY_PREFIX = 'SG.of-';

/** An account of a tenant, as it is posted. */
export interface NewAccount {
  readonly account: string;
  readonly provider: string;
  readonly settings: { readonly [name: string]: string };
}

/** @param from sender of the emails */
export function sendgridAccount(keys: ProviderKeys, tenant: string, account: string, from: string): NewAccount {
  const place = tenant === 'default' ? account : `${tenant}.${account}`;
  return {
    account,
    provider: 'sendgrid',
    settings: { api_key: `${KEY_PREFIX}${place}`, from, verification_key: keys.sendgridPublic },
  };
}

export function twilioAccount(keys: ProviderKeys, account: string): NewAccount {
  return {
    account,
    provider: 'twilio',
    settings: {
      account_sid: `AC${'1'.repeat(32)}`,
      auth_token: keys.twilioToken,
      from: SMS_NUMBER,
      fetch_prices: 'no',
    },
  };
}

/** URL of the stand-ins, to which nothing connects. */
const STAND_INS = 'http://127.0.0.1:1';

/** Returns the settings by which Tidings sends by the stand-ins. */
export function providerSettings(keys: ProviderKeys): { readonly [variable: string]: string } {
  return {
    EMAIL_PROVIDER: 'sendgrid',
    EMAIL_FROM_EMAIL: 'Larch Market <hello@larch.example>',
    SENDGRID_API_KEY: 'SG.of-the-demo',
    SENDGRID_BASE_URL: `${STAND_INS}/sendgrid`,
    SENDGRID_VERIFICATION_KEY: keys.sendgridPublic,
    SMS_PROVIDER: 'twilio',
    TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: keys.twilioToken,
    TWILIO_FROM_NUMBER: SMS_NUMBER,
    TWILIO_FETCH_PRICES: 'no',
    TWILIO_BASE_URL: `${STAND_INS}/twilio`,
    PUSH_PROVIDER: 'fcm',
    FCM_PROJECT_ID: 'tidings-demo',
    FCM_CLIENT_EMAIL: 'sender@tidings-demo.iam.gserviceaccount.com',
    FCM_PRIVATE_KEY: keys.fcmPrivate.replaceAll('\n', '\\n'),
    FCM_TOKEN_URI: `${STAND_INS}/fcm/token`,
    FCM_BASE_URL: `${STAND_INS}/fcm`,
  };
}
