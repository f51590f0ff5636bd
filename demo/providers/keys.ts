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

/** Returns the settings by which Tidings sends by the stand-ins. @param url of their server */
export function providerSettings(keys: ProviderKeys, url: string): { readonly [variable: string]: string } {
  return {
    EMAIL_PROVIDER: 'sendgrid',
    EMAIL_FROM_EMAIL: 'Larch Market <hello@larch.example>',
    SENDGRID_API_KEY: 'SG.of-the-demo',
    SENDGRID_BASE_URL: `${url}/sendgrid`,
    SENDGRID_VERIFICATION_KEY: keys.sendgridPublic,
    SMS_PROVIDER: 'twilio',
    TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: keys.twilioToken,
    TWILIO_FROM_NUMBER: '+12025550123',
    TWILIO_FETCH_PRICES: 'no',
    TWILIO_BASE_URL: `${url}/twilio`,
    PUSH_PROVIDER: 'fcm',
    FCM_PROJECT_ID: 'tidings-demo',
    FCM_CLIENT_EMAIL: 'sender@tidings-demo.iam.gserviceaccount.com',
    FCM_PRIVATE_KEY: keys.fcmPrivate.replaceAll('\n', '\\n'),
    FCM_TOKEN_URI: `${url}/fcm/token`,
    FCM_BASE_URL: `${url}/fcm`,
  };
}
