import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { Provider } from '../provider.ts';
import { MAX_CONCURRENT_SENDS } from './webhook-limits.ts';

const CHANNELS: readonly Channel[] = ['webhook'];

/** Returns the provider of webhooks, whose client of HTTP is loaded with the first message: a process without webhooks starts faster. */
export function lazyWebhooks(clock: () => Millis): Provider {
  let opened: ReturnType<typeof open> | undefined;
  return {
    name: 'webhook',
    channels: CHANNELS,
    concurrency: MAX_CONCURRENT_SENDS,
    keepsMessage: true,
    async send(...args) {
      opened ??= open(clock);
      return (await opened).provider.send(...args);
    },
    async close() {
      await (await opened)?.http.close();
    },
  };
}

async function open(clock: () => Millis) {
  const [{ GuardedClient }, { openWebhooks }] = await Promise.all([
    import('../../http-out/guarded-client.ts'),
    import('./webhook.ts'),
  ]);
  const http = new GuardedClient(undefined, MAX_CONCURRENT_SENDS);
  return { http, provider: openWebhooks({ http, clock }) };
}
