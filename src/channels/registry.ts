import type { Channel } from '../model/delivery.ts';
import type { ProviderName } from '../model/provider-names.ts';
import type { ProviderDefinition } from './provider.ts';

/** All providers, one line each. A definition is loaded when it is first needed, and its libraries with it. */
const PROVIDERS: { readonly [name in ProviderName]: () => Promise<ProviderDefinition> } = {
  apns: async () => (await import('./push/apns.ts')).apns,
  courier: async () => (await import('./courier/courier.ts')).courier,
  fcm: async () => (await import('./push/fcm.ts')).fcm,
  http: async () => (await import('./http/http.ts')).http,
  sendgrid: async () => (await import('./email/sendgrid.ts')).sendgrid,
  ses: async () => (await import('./email/ses.ts')).ses,
  smtp: async () => (await import('./email/smtp.ts')).smtp,
  sns: async () => (await import('./sms/sns.ts')).sns,
  twilio: async () => (await import('./sms/twilio.ts')).twilio,
  webhook: async () => (await import('./webhook/webhook.ts')).webhook,
  web_push: async () => (await import('./push/web-push.ts')).webPush,
};

/** Environment variables that choose the provider of a channel by themselves, if nothing else is chosen for it. */
export const CHOOSING_VARIABLES: {
  readonly [variable: string]: { readonly channel: Channel; readonly provider: string };
} = {
  SMTP_URL: { channel: 'email', provider: 'smtp' },
  COURIER_AUTH_TOKEN: { channel: 'email', provider: 'courier' },
};

/** Beginnings of the environment variables of each provider: a variable that nothing reads is found without its definition. */
export const VARIABLE_PREFIXES: { readonly [prefix: string]: string } = {
  APNS_: 'apns',
  AWS_SES_: 'ses',
  AWS_SNS_: 'sns',
  COURIER_: 'courier',
  DKIM_: 'smtp',
  FCM_: 'fcm',
  SENDGRID_: 'sendgrid',
  SMTP_: 'smtp',
  TWILIO_: 'twilio',
  VAPID_: 'web_push',
};

/** Returns the names of all providers, in order of the registry. */
export function listProviderNames(): string[] {
  return Object.keys(PROVIDERS);
}

/** Returns the definition of a provider; undefined: no provider has this name. */
export async function loadProvider(name: string): Promise<ProviderDefinition | undefined> {
  return Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name as ProviderName]() : undefined;
}
