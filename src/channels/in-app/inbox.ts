import type { SendOutcome } from '../../model/delivery.ts';
import type { Outgoing, Provider } from '../provider.ts';

/** Puts a message into the inbox of its user, once however often it is called; false: `mayStore` said no, and nothing is stored. */
export type StoreInInbox = (outgoing: Outgoing, mayStore: () => boolean) => Promise<boolean>;

/** Sends that may run at once: each waits for the database. */
const CONCURRENCY = 20;

/** Returns the provider of in-app messages: it stores them in the inbox of their user. A repetition stores nothing more. */
export function inboxProvider(store: StoreInInbox): Provider {
  return {
    name: 'inbox',
    channels: ['in_app'],
    concurrency: CONCURRENCY,
    keepsMessage: true,
    async send(outgoing, _signal, mayHandOver = () => true): Promise<SendOutcome> {
      try {
        const isStored = await store(outgoing, mayHandOver);
        return isStored
          ? { kind: 'sent' }
          : { kind: 'retry', of: 'message', reason: 'the lease of the delivery has ended' };
      } catch {
        // It may be stored: a repetition finds that.
        return { kind: 'retry', reason: 'the database did not answer' };
      }
    },
    close: async () => {},
  };
}
