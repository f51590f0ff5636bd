import type { Channel, SendOutcome } from '../model/delivery.ts';
import type { Provider } from './provider.ts';

const SENT: SendOutcome = { kind: 'sent' };

/** Returns a provider that accepts every message and keeps none: for measuring everything before a provider. */
export function noopProvider(channels: readonly Channel[]): Provider {
  return {
    name: 'noop',
    channels,
    concurrency: 500,
    keepsMessage: false,
    isSubstitute: true,
    send: async () => SENT,
    close: async () => {},
  };
}
