import { CHANNELS, type Channel } from '../delivery.ts';
import { chat } from './chat.ts';
import type { ChannelDescriptor } from './descriptor.ts';
import { email } from './email.ts';
import { inApp } from './in-app.ts';
import { internal } from './internal.ts';
import { push } from './push.ts';
import { sms } from './sms.ts';
import { webhook } from './webhook.ts';

/** Every channel by its name: the one list of what is known of them. */
export const CHANNEL_DESCRIPTORS: { readonly [channel in Channel]: ChannelDescriptor } = {
  email,
  sms,
  push,
  in_app: inApp,
  webhook,
  chat,
  internal,
};

/** Returns the channel that needs an address of this kind; undefined: no channel does. */
export function getChannelOfAddress(kind: string): Channel | undefined {
  return CHANNELS.find((channel) => CHANNEL_DESCRIPTORS[channel].addressKind === kind);
}
