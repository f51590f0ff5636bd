import type { Channel } from './delivery.ts';

/** Channels that the messages of each provider may go by. The registry of channels has a definition for each name. */
const CHANNELS_OF = {
  apns: ['push'],
  courier: ['email', 'sms'],
  fcm: ['push'],
  http: ['email', 'sms', 'push', 'chat'],
  sendgrid: ['email'],
  ses: ['email'],
  smtp: ['email'],
  sns: ['sms'],
  twilio: ['sms'],
  webhook: ['webhook'],
  web_push: ['push'],
} as const satisfies { readonly [name: string]: readonly Channel[] };

/** Name of a provider that an account can be with. */
export type ProviderName = keyof typeof CHANNELS_OF;

export const PROVIDER_NAMES = Object.keys(CHANNELS_OF) as readonly ProviderName[];

/** Returns the channels that the messages of a provider may go by. */
export function listChannelsOf(provider: ProviderName): readonly Channel[] {
  return CHANNELS_OF[provider];
}
