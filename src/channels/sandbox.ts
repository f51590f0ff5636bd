import type { Channel } from '../model/delivery.ts';
import type { Provider } from './provider.ts';

/**
 * Returns a provider for channels without another one. It accepts each message at once, and the message is kept for the
 * console. Nothing leaves the machine.
 */
export function sandboxProvider(channels: readonly Channel[]): Provider {
  return {
    name: 'sandbox',
    channels,
    concurrency: 100,
    keepsMessage: true,
    isSubstitute: true,
    send: async ({ idempotencyKey }) => ({ kind: 'sandboxed', providerMessageId: `sandbox-${idempotencyKey}` }),
    close: async () => {},
  };
}
