import type { ProviderDefinition } from '../../src/channels/provider.ts';
import { listProviderNames, loadProvider } from '../../src/channels/registry.ts';
import type { Target } from '../../src/model/delivery.ts';
import type { JsonObject } from '../../src/model/event.ts';
import { APNS_DEVICE, apnsSettings } from './stand-ins/apns.ts';
import { FCM_DEVICE, fcmSettings } from './stand-ins/fcm.ts';
import { snsSettings } from './stand-ins/sns-sms.ts';
import { twilioSettings } from './stand-ins/twilio.ts';
import { VAPID_SETTINGS } from './stand-ins/web-push.ts';

/** A valid account with a provider, and something that it sends to. */
export interface SampleAccount {
  readonly settings: JsonObject;
  readonly target: Target;
}

const EMAIL: Target = { kind: 'email', address: 'maria@example.com' };
const PHONE: Target = { kind: 'phone', number: '+491701234567' };
const from = 'Acme <hello@acme.example>';
const awsKey = { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const url = 'https://api.example.com';

const SAMPLES: { readonly [provider: string]: SampleAccount } = {
  apns: { settings: apnsSettings(url), target: APNS_DEVICE },
  courier: { settings: { auth_token: 'pk_test_SECRET', base_url: url }, target: EMAIL },
  fcm: { settings: fcmSettings(url), target: FCM_DEVICE },
  http: {
    settings: { url, body: {}, success: { path: 'id' }, check: { url } },
    target: EMAIL,
  },
  sendgrid: { settings: { api_key: 'SG.secret', from, base_url: url }, target: EMAIL },
  ses: { settings: { region: 'eu-west-1', ...awsKey, from, base_url: url }, target: EMAIL },
  smtp: { settings: { url: 'smtp://mail.example.com:587', from }, target: EMAIL },
  sns: { settings: snsSettings(url), target: PHONE },
  twilio: { settings: twilioSettings(url), target: PHONE },
  webhook: { settings: {}, target: { kind: 'endpoint', url, headers: {}, secrets: [] } },
  web_push: { settings: VAPID_SETTINGS, target: EMAIL },
};

/** Returns every provider that there is, with a valid account. Throws for a provider that does not have one here. */
export async function sampleAccounts(): Promise<(SampleAccount & { readonly definition: ProviderDefinition })[]> {
  return Promise.all(
    listProviderNames().map(async (name) => {
      const definition = await loadProvider(name);
      const sample = SAMPLES[name];
      if (!definition || !sample?.settings) throw new Error(`add an account with ${name} to account-settings.ts`);
      const parsed = definition.settings.safeParse(sample.settings);
      if (!parsed.success) throw new Error(`the account with ${name} is not valid: ${parsed.error.message}`);
      return { definition, ...sample };
    }),
  );
}

/** A setting of a provider that is a text, by its path. */
export type TextSetting = readonly string[];

/** Returns the paths of all settings that a schema in JSON describes as texts, also those within objects. */
export function listTexts(schema: unknown, path: readonly string[] = []): TextSetting[] {
  const { properties = {}, type } = schema as { properties?: { [name: string]: unknown }; type?: string };
  if (type === 'string') return [path];
  return Object.entries(properties).flatMap(([name, part]) => listTexts(part, [...path, name]));
}

/** Returns settings with another value at a path. */
export function withSetting(settings: JsonObject, [name = '', ...rest]: TextSetting, value: string): JsonObject {
  const inner = settings[name];
  const object = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  return { ...settings, [name]: rest.length === 0 ? value : withSetting(object as JsonObject, rest, value) };
}
