import type { Provider } from '../../channels/provider.ts';

/** In the place of an account, where none may send a message. */
export const NO_ACCOUNT: Provider = {
  name: 'none',
  channels: [],
  concurrency: 1,
  keepsMessage: false,
  send: async () => ({ kind: 'retry', reason: 'there is no account' }),
  close: async () => {},
};
