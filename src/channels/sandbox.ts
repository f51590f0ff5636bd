import type { Channel } from '../model/delivery.ts';
import type { Provider } from './provider.ts';

/**
 * For every channel without a provider: takes each message at once, and it is kept to be seen in the console. Nothing
 * leaves the machine.
 */
export function sandboxProvider(channels: readonly Channel[]): Provider {
  return {
    name: 'sandbox',
    channels,
    concurrency: 100,
    keepsMessage: true,
    send: async ({ idempotencyKey }) => ({ kind: 'delivered', providerMessageId: `sandbox-${idempotencyKey}` }),
    close: async () => {},
  };
}
